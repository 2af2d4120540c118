"""Listening as a program does it: settings to source, engine and sinks; stopped and
told to read its settings again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..audio.source import Source
from ..errors import UsageError
from ..health import Health
from ..live.listener import Listener
from ..live.microphone import MicrophoneSource
from ..model.engine import Engine
from ..records import Record, StateRecord
from ..settings.settings import Settings
from ..settings.tables import CaptureConfig
from ..sinks.sink import Sink
from .outputs import Outputs
from .systemd_notify import Notifier

if TYPE_CHECKING:
    from ..web.prediction_service import PredictionService

Load = Callable[[], Settings]
Report = Callable[[str], None]


class Listening:
    """One microphone, heard until it is stopped."""

    def __init__(
        self,
        load: Load,
        screen: Callable[[Health], Sink],
        report: Report,
        notifier: Notifier,
        verbose: bool = False,
    ) -> None:
        """`load` reads the settings, at once and for each reload; `report` gets what a
        person should know. UsageError."""
        self._load, self._report, self._notifier = load, report, notifier
        self._settings = load()
        self.stop = threading.Event()
        """Ends the listening."""
        self.reload = threading.Event()
        """Has the settings read again between two windows."""
        self.health = Health()
        """What others may look at."""
        engine = Engine(self._settings.model)
        self._screen = screen(self.health)
        self._outputs = Outputs(self._settings, self.health, engine.bundle.info, True, report)
        microphone, listen = self._settings.microphone, self._settings.listen
        self._listener = Listener(
            engine, listen, self._emit, self.health, microphone.gain, self._pulse
        )
        rate = engine.logmel.spec.sample_rate
        self._source = MicrophoneSource(
            microphone, rate, self.stop, self._listener.state, self.health, verbose, self._pulse
        )
        self._told_ready = False
        self._web: PredictionService | None = None

    def run(self) -> None:
        """Listen until the end. DeviceError when listening is impossible."""
        give_up = self._timer()
        try:
            self._listener.run(self._tapped())
        finally:
            if self._web is not None:
                self._web.close()
            give_up.cancel()
            self._notifier.stopping()
            self._screen.close()
            self._outputs.close()

    def _tapped(self) -> Source:
        """The microphone; where the web is on, with viewers who see its spectrum."""
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
        """Called on the listening thread after each window, and often while a device is
        waited for."""
        if self.health.windows and not self._told_ready:
            self._told_ready = True
            self._notifier.ready(self.health.state)
        self._notifier.heartbeat()
        if self.reload.is_set():
            self.reload.clear()
            self._notifier.reloading()
            self._read_again()
            if self._told_ready:
                self._notifier.ready(self.health.state)

    def _read_again(self) -> None:
        """Apply what can be applied without losing audio; a faulty file changes
        nothing."""
        try:
            settings = self._load()
            self._outputs.replace(settings)
        except UsageError as error:
            self._report(f"{error}\nthe configuration stays as it was")
            return
        for name in _needs_restart(self._settings, settings):
            self._report(f"{name}: takes effect at the next start")
        self._listener.configure(settings.listen, settings.microphone.gain)
        self._source.set_gain(settings.microphone.gain_db)
        self._settings = settings
        self._report("the configuration was read again")

    def _timer(self) -> threading.Timer:
        """Ends --duration when no audio comes at all; while it does, the audio's own
        timeline counts."""
        duration = self._settings.listen.duration

        def expire() -> None:
            if self.health.is_deaf:
                self.stop.set()

        timer = threading.Timer(duration if duration is not None else threading.TIMEOUT_MAX, expire)
        timer.daemon = True
        if duration is not None:
            timer.start()
        return timer


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """Settings that differ and need the stream or the model to begin anew."""
    found = []
    still: CaptureConfig = replace(old.microphone, gain_db=new.microphone.gain_db)
    for section, before, after in (
        ("microphone", still, new.microphone),
        ("model", old.model, new.model),
        ("web", old.web, new.web),
    ):
        for name in type(before).__dataclass_fields__:
            if getattr(before, name) != getattr(after, name):
                found.append(f"{section}.{name}")
    return found
