"""PortAudio through PyAudio: one session from opening to terminating.

PortAudio keeps the device list it made at its start until its last instance is
terminated. Every look at the devices therefore gets an instance of its own, and no
instance outlives a failed attempt to open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DeviceBusyError, DeviceChoiceError, DeviceError, Fault, RuntimeMissing
from ..extras import install_line
from ..quiet import quiet_stderr
from ..settings.tables import CaptureConfig
from .devices import InputDevice, choose, identify, lasting_name

RATES = (44_100, 48_000, 32_000, 16_000, 96_000)
"""Rates tried after the model's own, best first, Hz."""
PERIOD_FRAMES = 1024
"""Sample frames that PortAudio hands over at a time."""

_INVALID_CHANNELS, _INVALID_RATE, _UNAVAILABLE = -9998, -9997, -9985
_CONTINUE = 0  # paContinue
_OVERFLOW = 0x2  # paInputOverflow

Deliver = Callable[[bytes, int, bool], None]
"""Takes little-endian int16 PCM, its number of sample frames, and whether the driver
lost audio before it."""


def _pyaudio() -> Any:
    try:
        import pyaudio
    except ImportError as error:
        raise RuntimeMissing(
            f"listening needs PyAudio ({error}); sudo apt install portaudio19-dev python3-dev gcc, "
            f"then {install_line('mic')}"
        ) from None
    return pyaudio


def _look(audio: Any) -> tuple[list[InputDevice], int | None]:
    devices = identify(audio.get_device_info_by_index(i) for i in range(audio.get_device_count()))
    try:
        default = int(audio.get_default_input_device_info()["index"])
    except OSError:
        default = None
    return devices, default


def list_inputs(verbose: bool = False) -> tuple[list[InputDevice], int | None]:
    """All input devices, and the index of PortAudio's default one (None if it has
    none).

    Raises
    ------
    RuntimeMissing
        If PyAudio is not installed.
    """
    pyaudio = _pyaudio()
    with quiet_stderr(not verbose):
        audio = pyaudio.PyAudio()
        try:
            return _look(audio)
        finally:
            audio.terminate()


def supported_rates(device: InputDevice, rates: Sequence[int], verbose: bool = False) -> list[int]:
    """Which of the rates the device takes.

    Parameters
    ----------
    device
        The device, from `list_inputs`.
    rates
        Sample rates to ask for, Hz.
    verbose
        Whether ALSA and PortAudio may print to standard error.

    Returns
    -------
    list of int
        The rates that it takes as mono or with all its channels, Hz. Empty while it is
        busy.
    """
    pyaudio = _pyaudio()
    with quiet_stderr(not verbose):
        audio = pyaudio.PyAudio()
        try:
            return [rate for rate in rates if _supports(audio, pyaudio, device, rate)]
        finally:
            audio.terminate()


def _supports(audio: Any, pyaudio: Any, device: InputDevice, rate: int) -> bool:
    for channels in {1, device.channels}:
        try:
            if audio.is_format_supported(
                rate,
                input_device=device.index,
                input_channels=channels,
                input_format=pyaudio.paInt16,
            ):
                return True
        except ValueError:
            continue
    return False


@dataclass(frozen=True)
class Format:
    """What an opened stream delivers."""

    device: InputDevice
    """The device that was chosen."""
    why: str
    """Why this device was chosen, in words."""
    rate: int
    """Sample rate, Hz."""
    channels: int
    """Interleaved channels."""
    lasting_name: str
    """The name by which the device is found again after it was lost."""


class Session:
    """An open capture stream.

    Parameters
    ----------
    config
        Which device and channel.
    model_rate
        The rate that is tried first, Hz.
    deliver
        Takes the audio, on PortAudio's own thread.
    verbose
        Whether ALSA and PortAudio may print to standard error.

    Raises
    ------
    DeviceError
        If there is no device, or it takes no format that we know.
    RuntimeMissing
        If PyAudio is not installed.
    """

    def __init__(
        self, config: CaptureConfig, model_rate: int, deliver: Deliver, verbose: bool = False
    ) -> None:
        self._pyaudio = _pyaudio()
        self._deliver = deliver
        self._verbose = verbose
        with quiet_stderr(not verbose):
            self._audio = self._pyaudio.PyAudio()
            try:
                devices, default = _look(self._audio)
                device, why = choose(devices, config.device, default)
                self._stream, rate, channels = self._open(device, model_rate, config.channel)
                self.format = Format(device, why, rate, channels, lasting_name(device, devices))
            except BaseException:
                self._audio.terminate()
                raise

    def _open(
        self, device: InputDevice, model_rate: int, channel: int | None
    ) -> tuple[Any, int, int]:
        if channel is not None and channel > device.channels:
            raise DeviceChoiceError(
                Fault("channel", channel, f"{device.name} has {device.channels}")
            )
        refused: list[str] = []
        for rate in dict.fromkeys((model_rate, *RATES, device.default_rate)):
            for channels in _channel_counts(device, channel):
                try:
                    return self._try(device, rate, channels), rate, channels
                except OSError as error:
                    code = error.args[-1] if error.args and isinstance(error.args[-1], int) else 0
                    if code == _UNAVAILABLE:
                        raise DeviceBusyError(
                            f"{device.name} is in use by another program ('genre-edge doctor' "
                            "says which)"
                        ) from None
                    if code not in (_INVALID_CHANNELS, _INVALID_RATE):
                        raise DeviceError(
                            f"{device.name} cannot be opened ({_reason(error)})"
                        ) from None
                    refused.append(f"{rate} Hz x {channels}")
        raise DeviceError(f"{device.name} takes none of {', '.join(refused)}")

    def _try(self, device: InputDevice, rate: int, channels: int) -> Any:
        return self._audio.open(
            format=self._pyaudio.paInt16,
            channels=channels,
            rate=rate,
            input=True,
            input_device_index=device.index,
            frames_per_buffer=PERIOD_FRAMES,
            stream_callback=self._callback,
        )

    def _callback(self, data: bytes, frames: int, _time: Any, status: int) -> tuple[None, int]:
        self._deliver(data, frames, bool(status & _OVERFLOW))
        return None, _CONTINUE

    @property
    def active(self) -> bool:
        """Whether the stream still runs; False as soon as the device is gone."""
        try:
            return bool(self._stream.is_active())
        except OSError:
            return False

    def close(self) -> None:
        """Close the stream and terminate PortAudio, whatever state they are in."""
        with quiet_stderr(not self._verbose):
            try:
                self._stream.close()
            except OSError:
                pass  # the device is gone
            finally:
                self._audio.terminate()


def _channel_counts(device: InputDevice, channel: int | None) -> list[int]:
    """Numbers of channels to try: one, two and all, but not fewer than the chosen
    channel."""
    least = channel or 1
    return sorted({n for n in (1, 2, device.channels) if least <= n <= device.channels})


def _reason(error: OSError) -> str:
    return str(error.args[0] if error.args else error).strip()
