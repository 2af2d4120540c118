"""The live pipeline: source -> windows -> scores -> smoothed label -> records."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ..arrays import Float32
from ..audio.level import level_dbfs, signal_state
from ..audio.source import AudioBlock, Source
from ..health import SourceHealth
from ..model.engine import Engine
from ..model.frontend import Window
from ..model.scores import Prediction
from ..records import GapRecord, LiveRecord, Record, StateRecord, iso8601
from ..settings.tables import ListenConfig
from .clock import AudioClock
from .gate import Gate
from .recent import RecentAudio
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


class Judge(Protocol):
    """Watches how the model answers. Listeners call it on their own threads."""

    def asked(self, engine: Engine) -> None:
        """The model is about to be asked about a window, on this thread."""

    def answered(self, engine: Engine, seconds: float) -> None:
        """A window took so many seconds, from samples to scores. Raises an exception
        for an answer that cannot be used: the window then counts as one that failed."""

    def rescued(self, engine: Engine, error: Exception) -> bool:
        """Whether a model that failed on a window has been replaced by another, by now.
        Called while no window is under way in this thread."""


class Trusting:
    """A judge of a model that nothing stands in for."""

    def asked(self, engine: Engine) -> None:
        """It may take its time."""

    def answered(self, engine: Engine, seconds: float) -> None:
        """Every answer will do."""

    def rescued(self, engine: Engine, error: Exception) -> bool:
        """There is no other model."""
        return False


class _ModelFailed(Exception):
    """The model failed on a window, of which nothing was told."""

    def __init__(self, engine: Engine, error: Exception) -> None:
        super().__init__(str(error))
        self.engine, self.error = engine, error


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
    gate
        Where each window passes; several listeners may share it. None: one of its own.
    judge
        Watches how the model answers.
    """

    def __init__(
        self,
        engine: Engine,
        config: ListenConfig,
        emit: Emit,
        health: SourceHealth,
        gain: float = 1.0,
        pulse: Callable[[], None] = lambda: None,
        gate: Gate | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._gate, self._judge = gate or Gate(), judge or Trusting()
        self._engine, self._emit, self._health, self._pulse = engine, emit, health, pulse
        self._rate = engine.sample_rate
        """Rate of the source, Hz: it was opened for the first model."""
        self._sensors = Sensors((), self._rate, None)
        self.configure(config, gain)
        self._clock = AudioClock(self._rate)
        self._recent = RecentAudio()
        """From the first window that is not yet heard on."""
        self._begin_stream(0)
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
            self._begin_sensors()

    def change(self, engine: Engine) -> None:
        """Hear with another model: its first window begins where the next one of the
        model before it would have begun. Where that one left audio out between two
        windows, it begins at once.

        Smoothing and sensors begin anew. The source goes on as it is; its samples are
        resampled for a model of another rate. Call it within `gate.change`, and while
        nobody calls `configure`.
        """
        begin = self._next_begin
        if self._expected is not None:
            begin = min(begin, self._expected)
        self._engine = engine
        self.configure(self._config, self._gain)
        self._begin_sensors()
        self._begin_stream(begin)
        for samples in self._recent.since(begin):
            self._push(samples)

    @property
    def _next_begin(self) -> int:
        """Position at which the first window that is not yet heard begins."""
        return self._base + self._windows.begins(self._heard)

    def _begin_stream(self, position: int) -> None:
        self._base = position  # at which the stream of windows began
        self._windows = self._engine.stream(self._rate)
        self._heard = 0  # windows of this stream that were heard
        self._waiting: deque[tuple[Window, float]] = deque()
        """Windows to be heard, each with the time that its features took, s."""

    def _begin_sensors(self) -> None:
        engine = self._engine
        self._sensors = Sensors(self._config.sensors, engine.sample_rate, engine.music_score)

    def state(self, state: str, reason: str) -> None:
        """Report a change of state."""
        self._health.state = state
        self._emit(StateRecord(iso8601(time.time()), state, reason, self._health.name or None))

    def run(self, source: Source) -> bool:
        """Listen until the source ends, or the configured duration or number of windows
        is reached. The source has the first model's sample rate.

        Called again, it goes on after a pause, which is no gap.

        Returns
        -------
        bool
            Whether the duration or the number of windows is reached.
        """
        was_paused = self._expected is not None
        for block in source.blocks():
            with self._gate.window():
                end = self._take(block, was_paused)
            was_paused = False
            while self._waiting and self._hear_next(source.name, block):
                self._pulse()
                if self._reached(self._health.windows, self._config.windows):
                    return True
            if self._reached(end / self._rate, self._config.duration):
                return True
        return False

    def _take(self, block: AudioBlock, was_paused: bool) -> int:
        """Take samples; windows that they complete wait to be heard. Returns the
        position just past them."""
        if was_paused:
            self._start_anew(block)
        elif self._is_gap(block):
            self._report_gap(block)
            self._start_anew(block)
        self._expected = block.position + len(block.samples)
        self._set_clock(block)
        self._recent.add(block)
        self._push(block.samples)
        return self._expected

    def _push(self, samples: Float32) -> None:
        began = time.monotonic()
        windows = self._windows.push(samples)
        if windows:
            each = (time.monotonic() - began) / len(windows)
            self._waiting.extend((window, each) for window in windows)

    def _hear_next(self, name: str, block: AudioBlock) -> bool:
        """Hear the next window; False if none waits. One that the model fails on waits
        for the model that takes its place."""
        try:
            with self._gate.window():
                if not self._waiting:  # the model has changed meanwhile
                    return False
                self._hear(*self._waiting[0], name, block)
                self._waiting.popleft()
                self._heard += 1
                self._recent.forget_before(self._next_begin)
        except _ModelFailed as failed:
            if not self._judge.rescued(failed.engine, failed.error):
                raise failed.error from None
        return True

    def _answer(self, window: Window, seconds: float) -> Prediction:
        """The model's answer, if it is of use. Its features took `seconds`."""
        began = time.monotonic()
        self._judge.asked(self._engine)
        try:
            prediction = self._engine.predict(window)
            self._judge.answered(self._engine, seconds + time.monotonic() - began)
        except Exception as error:
            raise _ModelFailed(self._engine, error) from error
        return prediction

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
        self._recent.clear()
        self._begin_stream(block.position)
        self._smoother.reset()
        self._sensors.reset()

    def _report_gap(self, block: AudioBlock) -> None:
        assert self._expected is not None
        self._health.gaps += 1
        start, end = self._expected / self._rate, block.position / self._rate
        began, name = iso8601(self._clock.utc(self._expected)), self._health.name or None
        self._emit(GapRecord(began, round(start, 3), round(end, 3), name))

    def _hear(self, window: Window, seconds: float, name: str, block: AudioBlock) -> None:
        """Emit the record of one window, after the change of state that it shows. Its
        features took `seconds`."""
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
            prediction = self._answer(window, seconds)
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
