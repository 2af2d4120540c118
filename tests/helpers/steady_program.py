"""A program that listens in this process to sources that never end, and the model that
it begins with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.audio.source import Arrival, AudioBlock
from genre_edge.health import SourceHealth
from genre_edge.live.recovery import OnState
from genre_edge.records import LiveRecord, Record
from genre_edge.service.program import ListeningProgram
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.settings.settings import Settings
from genre_edge.settings.source_table import SourceConfig
from genre_edge.sinks import kinds

from tests.helpers.tiny_models import tiny_model
from tests.helpers.waiting import wait_for

OLD, NEW = ("jazz", "rock"), ("blues", "metal", "pop")
"""Labels of the model that it begins with, and of others that tests make."""
TWO = "".join(f'[[source]]\nurl = "http://h/{name}"\nname = "{name}"\n' for name in ("bar", "hall"))
"""Its sources."""
RMS = 0.1
"""Root mean square of what they give, full scale being 1."""


class Steady:
    """A source of noise without end."""

    channels = 1
    level = 1.0
    """Factor of the noise."""

    def __init__(
        self,
        config: SourceConfig,
        rate: int,
        stop: threading.Event,
        on_state: OnState,
        health: SourceHealth,
        pulse: Callable[[], None],
    ) -> None:
        self.name, self.sample_rate = config.label, rate
        self._stop, self._on_state = stop, on_state

    def blocks(self) -> Iterator[AudioBlock]:
        self._on_state("listening", "made by a test")
        rng, at = np.random.default_rng(0), 0
        samples = rng.normal(0, RMS, (round(0.07 * self.sample_rate), 1)).astype(np.float32)
        while not self._stop.wait(0.005):
            block = samples * np.float32(type(self).level)
            yield AudioBlock(block, at, Arrival(time.monotonic(), time.time()))
            at += len(samples)

    def set_gain(self, gain_db: float) -> None:
        """It has none."""

    def close(self) -> None:
        """Nothing is open."""


class Running:
    """A ListeningProgram on a thread, and what it has told."""

    def __init__(self, folder: Path, text: str = TWO, more: str = "", **options: Any) -> None:
        self.folder, self.file = folder, folder / "c.toml"
        self.old = tiny_model(folder / "old.tflite", OLD)
        self.file.write_text(f"[model]\nmodel = '{self.old}'\n{more}{text}")
        self.records: list[Record] = []
        self.said: list[str] = []
        self.program = ListeningProgram(
            self.load, lambda health: self, self.said.append, Notifier({}), **options
        )
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.program.run()
        except RuntimeError as error:
            self.error = error

    def load(self) -> Settings:
        return load(kinds.sections(), self.file, {})[0]

    def write(self, record: Record) -> None:
        self.records.append(record)

    def close(self) -> None:
        """Nothing is held back."""

    def windows(self, *labels: str, source: str = "bar") -> list[LiveRecord]:
        """Windows of a source that are told in these labels."""
        return [
            one
            for one in list(self.records)
            if isinstance(one, LiveRecord) and one.source == source and set(one.scores) == {*labels}
        ]

    def wait_for_windows(self, *labels: str, more: int = 3) -> None:
        """Wait until both sources have told more in these labels."""

        def fewest() -> int:
            return min(len(self.windows(*labels, source=source)) for source in ("bar", "hall"))

        enough = fewest() + more
        wait_for(lambda: fewest() >= enough, f"windows with {labels}")

    def join_with_error(self, words: str) -> None:
        """Wait until it has ended by itself, with an error that has these words."""
        self._thread.join(60)
        assert words in str(self.error)

    def stop(self) -> None:
        self.program.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
