"""One source of a listening program, heard on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ..audio.source import Source
from ..health import SourceHealth
from ..live.gate import Gate
from ..live.listener import Emit, Judge, Listener
from ..live.meter import Level, LevelMeter, MeteredSource
from ..live.microphone import MicrophoneSource
from ..live.recovery import POLL_SECONDS
from ..live.stream import StreamSource
from ..model.engine import Engine
from ..settings.settings import Settings
from ..settings.source_table import SourceConfig
from ..settings.tables import CaptureConfig, ListenConfig
from ..states import PAUSED

Wrap = Callable[[Source, SourceHealth], Source]
"""Puts something between a source and the listener."""


def planned_sources(settings: Settings) -> list[tuple[str, CaptureConfig | SourceConfig]]:
    """What the settings say is heard: the name of each source ("" for one without) and
    how it is heard."""
    if not settings.sources:
        return [("", settings.microphone)]
    return [
        (source.name, settings.microphone if source.is_microphone else source)
        for source in settings.sources
    ]


class Pipeline:
    """A source with its states, recovery, clock, gaps, smoothing and silence.

    Parameters
    ----------
    config
        What is heard: a microphone or a stream.
    listen
        How windows are judged, and when to stop.
    engine
        The model; pipelines share it.
    emit
        Takes each record, on this pipeline's thread.
    health
        Its name, state and counters; other threads may read them.
    on_end
        Called on this pipeline's thread when it has ended, with the error if there is
        one.
    verbose
        Whether ALSA and PortAudio may print to standard error.
    wrap
        Puts something between the source and the listener.
    gate
        Where the windows of all pipelines pass.
    judge
        Watches how the model answers.
    """

    def __init__(
        self,
        config: CaptureConfig | SourceConfig,
        listen: ListenConfig,
        engine: Engine,
        emit: Emit,
        health: SourceHealth,
        on_end: Callable[[BaseException | None], None],
        verbose: bool = False,
        wrap: Wrap = lambda source, health: source,
        gate: Gate | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.health = health
        """Its name, state and counters."""
        self.config = config
        """What is heard, and how."""
        self._listen, self._on_end = listen, on_end
        self._halt = threading.Event()
        """Ends the source: for a pause, or for ever."""
        self._changed = threading.Condition()
        self._is_over = False
        self._pause = ""
        """Why nothing is to be heard now; empty: it is."""
        self._is_alive = False
        self._started = time.monotonic()
        self._listener = Listener(
            engine, listen, emit, health, config.gain, self._pulse, gate, judge
        )
        live = (engine.sample_rate, self._halt, self._listener.state, health)
        self._source: MicrophoneSource | StreamSource
        if isinstance(config, SourceConfig):
            self._source = StreamSource(config, *live, pulse=self._pulse)
        else:
            self._source = MicrophoneSource(config, *live, verbose=verbose, pulse=self._pulse)
        self._meter = LevelMeter(self._source.sample_rate)
        self._heard = wrap(MeteredSource(self._source, self._meter), health)
        name = f"source {health.name}".strip()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `join` waits until it has."""
        with self._changed:
            self._is_over = True
            self._halt.set()
            self._changed.notify_all()

    def pause(self, reason: str) -> None:
        """Close the source, so that nothing is heard until `resume`.

        Parameters
        ----------
        reason
            Why, in words.
        """
        with self._changed:
            self._pause = reason
            self._halt.set()
            self._changed.notify_all()

    def resume(self) -> None:
        """Open the source again."""
        with self._changed:
            self._pause = ""
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for its end, `timeout` s at most."""
        self._thread.join(timeout)

    @property
    def has_ended(self) -> bool:
        """Whether it hears nothing more, ever."""
        return not self._thread.is_alive()

    @property
    def microphone(self) -> str | None:
        """The token of the microphone that is heard, or waited for; None of a
        stream."""
        return self._source.name if isinstance(self._source, MicrophoneSource) else None

    @property
    def level(self) -> Level | None:
        """The level now; None while nothing is heard."""
        is_gone = self.health.is_deaf and self.health.state != "starting"
        return None if is_gone or self.has_ended else self._meter.level(self.config.gain)

    def took_a_step(self) -> bool:
        """Whether it has heard a window, or waited honestly, since the last call."""
        found, self._is_alive = self._is_alive, False
        return found

    def configure(self, config: CaptureConfig | SourceConfig, listen: ListenConfig) -> None:
        """Apply what can be applied while audio comes: how windows are judged, and the
        gain."""
        self._listen = listen
        self.config = replace(self.config, gain_db=config.gain_db)
        self._listener.configure(listen, config.gain)
        self._source.set_gain(config.gain_db)

    def change(self, engine: Engine) -> None:
        """Hear with another model from the next window on, as `Listener.change`."""
        self._listener.change(engine)

    def _run(self) -> None:
        try:
            while self._may_hear():
                if self._listener.run(self._heard) or not self._halt.is_set():
                    break
        except BaseException as error:  # it is raised again where the program waits
            self._on_end(error)
        else:
            self._on_end(None)

    def _may_hear(self) -> bool:
        """Wait while there is a pause. The source is closed before it is reported.
        Returns False when it was asked to end."""
        told = ""
        while True:
            with self._changed:
                if self._is_over:
                    return False
                if not self._pause:
                    self._halt.clear()  # only here: no source is open that might miss it
                    return True
                reason = self._pause
                if reason == told:
                    self._changed.wait(POLL_SECONDS)
            if reason != told:
                told = reason
                self._listener.state(PAUSED, reason)
            self._pulse()

    def _pulse(self) -> None:
        """Called after each window, and several times a second while the source is
        waited for."""
        self._is_alive = True
        # While audio comes, the listener counts the duration in audio.
        duration, waited = self._listen.duration, time.monotonic() - self._started
        if duration is not None and self.health.is_deaf and waited >= duration:
            self.stop()
