"""The live pipeline: source -> windows -> scores -> smoothed label -> records."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ..audio.level import level_dbfs, signal_state
from ..audio.source import AudioBlock, Source
from ..health import SourceHealth
from ..model.engine import Engine
from ..model.frontend import Window
from ..records import GapRecord, LiveRecord, Record, StateRecord, iso8601
from ..settings.tables import ListenConfig
from .clock import AudioClock
from .sensors import Sensors
from .smoothing import Smoother

Emit = Callable[[Record], None]

DEFAULT_UNCERTAIN_BELOW = 0.5
"""Used for a model whose bundle does not give one."""

_REASONS = {
    "dead": "every sample is the same: the microphone is muted, broken or switched off",
    "clipping": "the signal is cut off at full scale: lower the capture volume",
    "listening": "signal OK",
}
"""In words, for each state of the signal."""


class Listener:
    """Turns one source into records, each of them emitted as soon as it is known.

    Parameters
    ----------
    engine
        The model; other listeners may share it.
    config
        How windows are judged, and when to stop.
    emit
        Takes each record.
    health
        Counters and state that other threads may read; the source's name, which records
        carry.
    gain
        Factor that the source has applied to the samples; clipping is judged before it.
    pulse
        Called after each window.
    """

    def __init__(
        self,
        engine: Engine,
        config: ListenConfig,
        emit: Emit,
        health: SourceHealth,
        gain: float = 1.0,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine, self._emit, self._health, self._pulse = engine, emit, health, pulse
        self._rate = engine.sample_rate
        self._sensors = Sensors((), self._rate, None)
        self.configure(config, gain)
        self._clock = AudioClock(self._rate)
        self._windows = engine.stream(self._rate)
        self._base = 0  # position at which the stream of windows began
        self._expected: int | None = None  # position of the next block if nothing is lost

    def configure(self, config: ListenConfig, gain: float) -> None:
        """Set how windows are judged from the next one on; smoothing begins anew."""
        self._config, self._gain = config, gain
        uncertain = config.uncertain_below
        if uncertain is None:
            measured = self._engine.bundle.info.metrics.get("valid", {})
            uncertain = float(measured.get("uncertain_below", DEFAULT_UNCERTAIN_BELOW))
        self._smoother = Smoother(self._engine.labels, config.smooth, uncertain)
        if config.sensors != self._sensors.names:
            self._sensors = Sensors(config.sensors, self._rate, self._engine.music_score)

    def state(self, state: str, reason: str) -> None:
        """Report a change of state."""
        self._health.state = state
        self._emit(StateRecord(iso8601(time.time()), state, reason, self._health.name or None))

    def run(self, source: Source) -> bool:
        """Listen until the source ends, or the configured duration or number of windows
        is reached. The source has the model's sample rate.

        Called again, it goes on after a pause, which is no gap.

        Returns
        -------
        bool
            Whether the duration or the number of windows is reached.
        """
        was_paused = self._expected is not None
        for block in source.blocks():
            if was_paused:
                self._start_anew(block)
                was_paused = False
            elif self._is_gap(block):
                self._report_gap(block)
                self._start_anew(block)
            self._expected = block.position + len(block.samples)
            self._set_clock(block)
            for window in self._windows.push(block.samples):
                self._hear(window, source.name, block)
                self._pulse()
                if self._reached(self._health.windows, self._config.windows):
                    return True
            if self._reached(self._expected / self._rate, self._config.duration):
                return True
        return False

    @staticmethod
    def _reached(count: float, limit: float | None) -> bool:
        return limit is not None and count >= limit

    def _set_clock(self, block: AudioBlock) -> None:
        if block.arrived is None:
            return
        step = self._clock.observe(block.position + len(block.samples), block.arrived)
        if step:
            self.state(self._health.state, f"the system clock stepped by {step:+.1f} s")

    def _is_gap(self, block: AudioBlock) -> bool:
        return self._expected is not None and block.position != self._expected

    def _start_anew(self, block: AudioBlock) -> None:
        """After lost audio or a pause: a new stream, so that no window spans it, and a
        label that owes nothing to what was heard before."""
        self._base = block.position
        self._windows = self._engine.stream(self._rate)
        self._smoother.reset()
        self._sensors.reset()

    def _report_gap(self, block: AudioBlock) -> None:
        assert self._expected is not None
        self._health.gaps += 1
        start, end = self._expected / self._rate, block.position / self._rate
        began, name = iso8601(self._clock.utc(self._expected)), self._health.name or None
        self._emit(GapRecord(began, round(start, 3), round(end, 3), name))

    def _hear(self, window: Window, name: str, block: AudioBlock) -> None:
        """Emit the record of one window, after the change of state that it shows."""
        state = signal_state(window.samples, self._gain)
        level = round(level_dbfs(window.samples), 1)
        if state != self._health.state:
            self.state(state, _REASONS[state])
        smoother = self._smoother  # a reload may put another in its place meanwhile
        genre, confidence, scores = None, None, {}
        smoothed_genre, smoothed_confidence, smoothed_scores = None, None, {}
        if state == "dead" or level < self._config.silence_dbfs:
            label, probabilities = smoother.silence(), None
        else:
            prediction = self._engine.predict(window)
            probabilities = prediction.probabilities
            genre, confidence, scores = prediction.genre, prediction.confidence, prediction.scores
            label, smoothed_genre, mean = smoother.add(probabilities)
            smoothed_confidence = round(mean, 4)
            smoothed = replace(prediction, probabilities=smoother.probabilities)
            smoothed_scores = smoothed.scores
        self._health.windows += 1
        offset = self._base / self._rate
        late = time.monotonic() - block.arrived.monotonic if block.arrived else 0.0
        self._emit(
            LiveRecord(
                start=round(offset + window.start, 3),
                end=round(offset + window.end, 3),
                genre=genre,
                confidence=confidence,
                scores=scores,
                time=iso8601(self._clock.utc(self._base + round(window.start * self._rate))),
                source=self._health.name or name,
                level_dbfs=level,
                state=state,
                latency_ms=round(late * 1000, 1),
                label=label,
                smoothed_genre=smoothed_genre,
                smoothed_confidence=smoothed_confidence,
                smoothed_scores=smoothed_scores,
                is_named=bool(self._health.name),
                sensed=self._sensors.hear(window, probabilities),
            )
        )
