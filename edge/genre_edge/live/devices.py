"""Names for microphones that survive a reboot and replugging.

PortAudio numbers devices and ALSA numbers cards in the order they appear. A token names
the hardware instead:

    usb:0d8c:013c:A1B2@1-1.3   a USB device: vendor, product, serial (if any), port
    alsa:sndrpihifiberry       another card, by its ALSA id
    name:pulse                 anything else, by its PortAudio name

The serial or the port may be left out of a token when the rest is enough to tell the
device. A second capture device of one card has its number appended, as in
alsa:Loopback,1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DeviceChoiceError, DeviceError, Fault

_HARDWARE = re.compile(r"\(hw:(\d+),(\d+)\)")
_USB_TOKEN = re.compile(
    r"usb:([0-9a-f]{4}):([0-9a-f]{4})(?::([^@,]+))?(?:@([^,]+))?(?:,(\d+))?", re.I
)
_TOKEN_KINDS = ("usb:", "alsa:", "name:")


@dataclass(frozen=True)
class InputDevice:
    """One capture device as the user chooses it."""

    token: str
    """Stable name; see the module's docstring."""
    index: int
    """PortAudio's number; changes between boots."""
    name: str
    """PortAudio's name."""
    channels: int
    """Most input channels."""
    default_rate: int
    """The rate PortAudio proposes, Hz."""


@dataclass(frozen=True)
class _Usb:
    vendor: str
    product: str
    serial: str
    port: str

    def token(self) -> str:
        serial = f":{self.serial}" if self.serial else ""
        port = f"@{self.port}" if self.port else ""
        return f"usb:{self.vendor}:{self.product}{serial}{port}"


def identify(
    devices: Iterable[dict[str, Any]],
    proc: Path = Path("/proc/asound"),
    sys: Path = Path("/sys"),
) -> list[InputDevice]:
    """Give each input device its token.

    Parameters
    ----------
    devices
        PortAudio's dictionaries: index, name, maxInputChannels, defaultSampleRate.
    proc, sys
        The kernel's trees, which tell what hardware a card is.

    Returns
    -------
    list of InputDevice
        Those that have input channels, in the same order.
    """
    return [
        InputDevice(
            token=_token(str(device["name"]), proc, sys),
            index=int(device["index"]),
            name=str(device["name"]),
            channels=int(device["maxInputChannels"]),
            default_rate=int(device["defaultSampleRate"]),
        )
        for device in devices
        if device["maxInputChannels"] > 0
    ]


def _token(name: str, proc: Path, sys: Path) -> str:
    hardware = _HARDWARE.search(name)
    if hardware is None:
        return f"name:{name}"
    card, number = hardware.groups()
    suffix = f",{number}" if number != "0" else ""
    usb = _usb(card, proc, sys)
    if usb is not None:
        return usb.token() + suffix
    card_id = _text(proc / f"card{card}" / "id") or _text(sys / "class/sound" / f"card{card}/id")
    return f"alsa:{card_id}{suffix}" if card_id else f"name:{name}"


def _usb(card: str, proc: Path, sys: Path) -> _Usb | None:
    """What the kernel knows of a USB card, from /proc/asound/cardN/usbid and the
    device's folder in /sys; None if it is no USB card. A service that sees nothing but
    processes in /proc finds the same in /sys."""
    # .../usb1/1-1/1-1.3/1-1.3:1.0 is the sound interface; the device is the folder
    # above it.
    interface = (sys / "class" / "sound" / f"card{card}" / "device").resolve()
    device = interface.parent
    usbid = _text(proc / f"card{card}" / "usbid")
    vendor, product = usbid.split(":", 1) if ":" in usbid else ("", "")
    if not proc.is_dir():
        vendor, product = _text(device / "idVendor"), _text(device / "idProduct")
    if not vendor or not product:
        return None
    port = device.name if re.fullmatch(r"\d+-[\d.]+", device.name) else ""
    return _Usb(vendor, product, _text(device / "serial") if port else "", port)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def choose(
    devices: Sequence[InputDevice], wanted: str | None, default_index: int | None
) -> tuple[InputDevice, str]:
    """Choose the device to open.

    Parameters
    ----------
    devices
        What there is.
    wanted
        A token, an index or a part of a name. None takes the only USB device, else the
        default, else the first.
    default_index
        Index of PortAudio's default device, if it has one.

    Returns
    -------
    tuple of InputDevice and str
        The device, and why it is this one, in words.

    Raises
    ------
    DeviceError
        If nothing is there, or a device that may still come.
    DeviceChoiceError
        If the request fits several devices, or none and waiting cannot help.
    """
    if not devices:
        raise DeviceError(
            "no input device (is the microphone plugged in? 'genre-edge doctor' looks closer)"
        )
    if wanted is None:
        return _default(devices, default_index)
    for matches, why in (
        ([d for d in devices if _is_token_of(wanted, d.token)], "its token"),
        ([d for d in devices if wanted == str(d.index)], "its index"),
        ([d for d in devices if wanted.lower() in d.name.lower()], "its name"),
    ):
        if len(matches) == 1:
            return matches[0], f"chosen by {why}"
        if matches:
            reason = f"several match; choose one: {_choices(matches)}"
            raise DeviceChoiceError(Fault("device", wanted, reason))
    absent = DeviceError if is_token(wanted) else DeviceChoiceError
    raise absent(Fault("device", wanted, f"not found; there are: {_choices(devices)}"))


def _default(devices: Sequence[InputDevice], default_index: int | None) -> tuple[InputDevice, str]:
    usb = [device for device in devices if device.token.startswith("usb:")]
    if len(usb) == 1:
        return usb[0], "the only USB input"
    for device in devices:
        if device.index == default_index:
            return device, "the system's default input"
    return devices[0], "the first input"


def _is_token_of(wanted: str, token: str) -> bool:
    """Whether `wanted` names the device with this token. For USB, parts that are left
    out match anything."""
    some, whole = _USB_TOKEN.fullmatch(wanted), _USB_TOKEN.fullmatch(token)
    if some is None or whole is None:
        return wanted == token
    return all(
        part is None or part.lower() == (actual or "").lower()
        for part, actual in zip(some.groups()[:4], whole.groups()[:4], strict=True)
    ) and (some[5] or "0") == (whole[5] or "0")


def lasting_name(device: InputDevice, devices: Sequence[InputDevice]) -> str:
    """The name by which this device is found again later.

    It is the token, without the port where that still tells the device from the others:
    a microphone that is the only one of its kind is then found in any port.
    """
    without_port = re.sub(r"@[^,]+", "", device.token)
    same = [other for other in devices if _is_token_of(without_port, other.token)]
    return without_port if len(same) == 1 else device.token


def is_token(wanted: str | None) -> bool:
    """Whether `wanted` names hardware that may appear later (or is None, the default),
    rather than an entry of the present list."""
    return wanted is None or wanted.startswith(_TOKEN_KINDS)


def _choices(devices: Sequence[InputDevice]) -> str:
    return ", ".join(f"{device.token} ({device.index}: {device.name})" for device in devices)
