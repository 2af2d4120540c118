"""What a simulated year has instead of arithmetic: windows without features, answers
from a table, and a spool whose messages are counted instead of sent."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.health import SinkHealth
from genre_edge.model.frontend import Window
from genre_edge.model.scores import Prediction
from genre_edge.records import LiveRecord, Record, compact_json
from genre_edge.sinks.mqtt.spool import Spool

HOP, RATE = 3.0, 4
LABELS = ("jazz", "rock", "classical")
LEVELS = (0.1, 0.2, 0.4, 0.0001)
"""Amplitudes: of each label, and of silence."""


class Arithmetic:
    """Stands for the engine: windows without features, and answers from a table."""

    labels, sample_rate = LABELS, RATE
    bundle = SimpleNamespace(info=SimpleNamespace(metrics={}))

    def __init__(self) -> None:
        self._at = 0.0

    def stream(self, rate: int) -> Arithmetic:
        """A new stream of windows."""
        return Arithmetic()

    def begins(self, number: int) -> int:
        """Index of the first sample of a window."""
        return round(number * HOP * RATE)

    def push(self, samples: Float32) -> list[Window]:
        """A block is a window."""
        start, self._at = self._at, self._at + HOP
        return [Window(start, self._at, samples, samples[:, 0])]

    def predict(self, window: Window) -> Prediction:
        """The answer to a window of one level."""
        place = LEVELS.index(round(float(abs(window.samples[0])), 4))
        return Prediction(LABELS, np.eye(3, dtype=np.float32)[place] * 0.7 + np.float32(0.1))


class Broker(Protocol):
    """What the spool's outputs share."""

    folder: Path
    """Where the spool is."""
    is_away: bool
    """Whether nothing can be delivered."""
    is_over: bool
    """Whether the last output delivers all that is left."""
    last_start: float
    """Start of the last window that was delivered, s."""


class SpoolSink:
    """Windows into the spool, and out of it while the broker is there."""

    def __init__(self, broker: Broker, entry: SinkHealth) -> None:
        self._broker, self._entry = broker, entry
        self._spool: Spool | None = None

    def write(self, record: Record) -> int:
        """Take a window; deliver every tenth time."""
        if not isinstance(record, LiveRecord):
            return 0
        if self._spool is None:  # the one before it has left the file by now
            self._spool = Spool(self._broker.folder / "spool", 2_000_000)
        if self._broker.is_away:
            self._entry.dropped += self._spool.park()
        payload = compact_json(record.to_json()).encode()
        self._entry.dropped += self._spool.put(repr(record.start), payload)
        if not self._broker.is_away and round(record.start / HOP) % 10 == 9:
            return self._deliver(self._spool)
        return 0

    def _deliver(self, spool: Spool) -> int:
        count = 0
        while found := spool.after(0, 500):
            for message in found:
                start = float(message.topic)
                assert start > self._broker.last_start, "in order, once each"
                self._broker.last_start = start
            spool.remove([message.seq for message in found])
            count += len(found)
        return count

    def close(self) -> int:
        """What is left stays on disk for the next one; at the end it is delivered."""
        if self._spool is None:
            return 0
        count = self._deliver(self._spool) if self._broker.is_over else 0
        self._entry.dropped += self._spool.close()
        return count
