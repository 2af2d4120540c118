"""From audio to embeddings, and what is wrong with an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..audio.level import is_silent, signal_state
from ..audio.source import Source
from ..errors import AudioError
from ..model.bundle import Bundle
from ..model.classifier import Classifier
from ..model.frontend import LogMel, Window
from ..model.windows import WindowStream
from ..settings.tables import ListenConfig
from .level_curve import LevelCurve, LevelMeter
from .negatives import MUSIC, NOISE, SPEECH, Negatives
from .room import in_a_room
from .trunk import Trunk

_HOP_SECONDS = 1.0
"""From one window to the next, s: short examples have more windows that way."""
_MOST_WINDOWS = 10
"""Windows heard of one example, spread evenly over it: more teach little more."""
_CLIPPED_SHARE = 0.5
"""Share of clipped windows from which an example is warned of."""
_SAME_SHARE = 0.8
"""Share of windows that must sound like speech, or noise, for a warning."""
_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard of one example."""

    embeddings: npt.NDArray[Any]
    """As the network has them, [windows, size]; of files half of them are in rooms."""
    curve: LevelCurve
    """How loud it was."""
    warnings: tuple[str, ...]
    """What is odd about it, though it can be learnt from."""


class Ear:
    """Hears examples with one network."""

    def __init__(
        self, bundle: Bundle, trunk: Trunk, negatives: Negatives, runtime: str | None
    ) -> None:
        """ModelError if the bundle cannot be used."""
        self._trunk, self._negatives = trunk, negatives
        self._logmel = LogMel(bundle.info.frontend, _HOP_SECONDS)
        self._classifier = Classifier(bundle, runtime, embeds=True)

    def hear(self, source: Source) -> Heard:
        """Hear a whole source, each window as recorded and in a room.

        Raises
        ------
        AudioError
            If it cannot be read, is shorter than a window, or is silent throughout.
        """
        stream = WindowStream(self._logmel, source.sample_rate, source.name)
        meter = LevelMeter(source.sample_rate)
        windows = _spread(_windows(source, stream, meter))
        if stream.seconds < 0.99 * self._logmel.spec.window_seconds:
            needed = f"{self._logmel.spec.window_seconds:g} s"
            raise AudioError(
                source.name, f"is too short to learn from: {stream.seconds:g} s, need {needed}"
            )
        heard = [one for one in windows if not is_silent(one.samples, ListenConfig.silence_dbfs)]
        if not heard:
            raise AudioError(source.name, "is silent: there is nothing to learn from")
        clipped = sum(signal_state(one.samples) == "clipping" for one in heard)
        plain = np.stack([self._embedding(one.features) for one in heard])
        roomed = [self._in_a_room(one, number) for number, one in enumerate(heard)]
        warnings = list[str]()
        if clipped >= _CLIPPED_SHARE * len(heard):
            warnings.append(
                f"{clipped} of {len(heard)} windows are clipped (too loud): it was learnt from, "
                "but a cleaner recording teaches better"
            )
        embeddings = np.stack([*plain, *roomed])
        return Heard(embeddings, meter.curve(), (*warnings, *self.odd(plain)))

    def _embedding(self, features: Float32) -> npt.NDArray[Any]:
        return self._classifier.scores_and_embedding(features)[1]

    def _in_a_room(self, window: Window, number: int) -> npt.NDArray[Any]:
        samples = in_a_room(window.samples, self._logmel.spec.sample_rate, number)
        return self._embedding(self._logmel.window(samples))

    def odd(self, raw: npt.NDArray[Any]) -> list[str]:
        """Whether embeddings, [windows, size], sound like speech or noise and not like
        music; by the nearest of the negatives."""
        embeddings, kinds = self._trunk.floats(raw), np.array(self._negatives.kinds)
        if MUSIC not in kinds:
            return []
        away = self._negatives.embeddings[None] - embeddings[:, None]
        nearest = np.argsort((away**2).sum(axis=2), axis=1)[:, :_NEIGHBOURS]
        return [
            f"sounds like {kind}, not like music: it was learnt from; if that is not what you "
            "mean, remove it"
            for kind in (SPEECH, NOISE)
            if ((kinds[nearest] == kind).mean(axis=1) > 0.5).mean() >= _SAME_SHARE
        ]


def _windows(source: Source, stream: WindowStream, meter: LevelMeter) -> Iterator[Window]:
    """Every window of a whole source, whose level is measured on the way."""
    for block in source.blocks():
        meter.push(block.samples)
        yield from stream.push(block.samples)
    yield from stream.finish()


def _spread(windows: Iterable[Window]) -> list[Window]:
    """At most _MOST_WINDOWS of them, evenly spread, without keeping all in memory.

    Every `step`-th is kept; when there are too many, every second of these goes.
    """
    kept: list[Window] = []
    step = 1
    for number, window in enumerate(windows):
        if number % step:
            continue
        kept.append(window)
        if len(kept) > _MOST_WINDOWS:
            kept, step = kept[::2], 2 * step
    return kept
