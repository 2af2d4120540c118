"""A program that listens to one source until it is stopped: settings to source,
engine and sinks, and the settings read again while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from ..audio.source import Source
from ..errors import GenreEdgeError
from ..health import Health
from ..live.listener import Listener
from ..live.microphone import MicrophoneSource
from ..live.stream import StreamSource
from ..model.engine import Engine
from ..records import Record, StateRecord
from ..settings.settings import Settings
from ..settings.source_table import SourceConfig
from ..settings.tables import CaptureConfig
from ..sinks.sink import Sink
from .outputs import Outputs
from .systemd_notify import Notifier

if TYPE_CHECKING:
    from ..web.prediction_service import PredictionService

Load = Callable[[], Settings]
Report = Callable[[str], None]


class ListeningProgram:
    """Listens to one source: the microphone, or a stream."""

    def __init__(
        self,
        load: Load,
        screen: Callable[[Health], Sink],
        report: Report,
        notifier: Notifier,
        verbose: bool = False,
    ) -> None:
        """Read the settings, load the model and start the sinks.

        Parameters
        ----------
        load : callable
            Reads the settings, now and for each reload. UsageError.
        screen : callable
            Makes the sink for people, given the program's health.
        report : callable
            Takes lines that a person should see.
        notifier : Notifier
            Tells systemd.
        verbose : bool
            Whether ALSA and PortAudio may print to standard error.

        Raises
        ------
        UsageError
            If the settings are wrong, or a sink cannot be made.
        ModelError
            If the model cannot be used.
        """
        self._load, self._report, self._notifier = load, report, notifier
        self._settings = load()
        self.stop = threading.Event()
        """Set it to end the program."""
        self.reload = threading.Event()
        """Set it to have the settings read again between two windows."""
        self.health = Health()
        """State and counters; other threads may read them."""
        engine = Engine(self._settings.model)
        self._screen = screen(self.health)
        self._outputs = Outputs(self._settings, self.health, engine.bundle.info, True, report)
        heard = _heard(self._settings)
        self._listener = Listener(
            engine, self._settings.listen, self._emit, self.health, heard.gain, self._pulse
        )
        live = (engine.sample_rate, self.stop, self._listener.state, self.health)
        self._source: MicrophoneSource | StreamSource
        if isinstance(heard, SourceConfig):
            self._source = StreamSource(heard, *live, pulse=self._pulse)
        else:
            self._source = MicrophoneSource(heard, *live, verbose=verbose, pulse=self._pulse)
        self._is_ready = False
        self._started = time.monotonic()
        self._web: PredictionService | None = None

    def run(self) -> None:
        """Listen until the end. DeviceError when listening is impossible."""
        self._started = time.monotonic()
        try:
            self._listener.run(self._source_with_viewers())
        finally:
            if self._web is not None:
                self._web.close()
            self._notifier.stopping()
            self._screen.close()
            self._outputs.close()

    def _source_with_viewers(self) -> Source:
        """What is heard. Where the page is served, its viewers see the spectrum."""
        if not self._settings.web.enabled:
            return self._source
        from ..web.prediction_service import PredictionService
        from ..web.spectrum import SpectrumSource

        self._web = PredictionService(self._settings, self.health, self._report)
        self._report(f"serving {self._web.url}")
        hub = self._web.hub
        assert hub is not None
        return SpectrumSource(self._source, hub.spectrum, lambda: hub.viewers > 0)

    def _emit(self, record: Record) -> None:
        if isinstance(record, StateRecord):
            self._notifier.status(f"{record.state}: {record.reason}")
        self._screen.write(record)
        self._outputs.write(record)
        if self._web is not None and self._web.hub is not None:
            self._web.hub.write(record)

    def _pulse(self) -> None:
        """Called on the listening thread after each window, and several times a second
        while a device is waited for."""
        if self.health.windows and not self._is_ready:
            self._is_ready = True
            self._notifier.ready(self.health.state)
        self._notifier.heartbeat()
        if self.reload.is_set():
            self.reload.clear()
            self._notifier.reloading()
            self._read_settings_again()
            if self._is_ready:
                self._notifier.ready(self.health.state)
        # While audio comes, the listener counts the duration in audio.
        duration, waited = self._settings.listen.duration, time.monotonic() - self._started
        if duration is not None and self.health.is_deaf and waited >= duration:
            self.stop.set()

    def _read_settings_again(self) -> None:
        """Apply what can be applied without losing audio. If anything goes wrong, all
        is as it was."""
        try:
            settings = self._load()
            later = _need_restart(self._settings, settings)
            self._outputs.replace(settings)
        except Exception as error:  # no file that a user can write ends the program
            self._report(f"{_told(error)}\nthe configuration stays as it was")
            return
        for name in later:
            self._report(f"{name}: takes effect at the next start")
        heard, before = _heard(settings), _heard(self._settings)
        if type(heard) is not type(before):
            heard = before  # another source: at the next start
        self._listener.configure(settings.listen, heard.gain)
        self._source.set_gain(heard.gain_db)
        self._settings = settings
        self._report("the configuration was read again")


def _told(error: Exception) -> str:
    """An error for people, expected or not."""
    if isinstance(error, GenreEdgeError):
        return str(error)
    return f"the configuration cannot be used ({type(error).__name__}: {error})"


def _heard(settings: Settings) -> CaptureConfig | SourceConfig:
    """What is listened to."""
    return settings.sources[0] if settings.sources else settings.microphone


def _need_restart(old: Settings, new: Settings) -> list[str]:
    """Names of the settings that differ and are read only when the program starts."""
    found = []
    # The gain is applied at once, to a stream as to the microphone.
    if _without_gain(old) != _without_gain(new):
        found.append("source")
    pairs = (
        ("microphone", replace(old.microphone, gain_db=new.microphone.gain_db), new.microphone),
        ("model", old.model, new.model),
        ("web", old.web, new.web),
    )
    for section, before, after in pairs:
        for option in fields(before):
            if getattr(before, option.name) != getattr(after, option.name):
                found.append(f"{section}.{option.name}")
    return found


def _without_gain(settings: Settings) -> list[SourceConfig]:
    """The streams, as they are but for their gain."""
    return [replace(source, gain_db=0.0) for source in settings.sources]
