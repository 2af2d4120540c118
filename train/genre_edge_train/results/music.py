"""Telling music from other sound by what a network of genres makes of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.folders import list_audio
from genre_edge.audio.level import is_silent
from genre_edge.errors import AudioError, UsageError
from genre_edge.model.engine import Engine
from genre_edge.model.music_score import logarithms
from genre_edge.settings.tables import ListenConfig
from genre_edge.teach.room import in_a_room

from .negatives import noise

_PAUSE_SECONDS = 0.3
"""Between two short recordings, s."""
_PEAK = 0.5
"""Each of them is brought to this peak; full scale is 1."""
_INVERSE_PENALTY = 1e3
"""scikit-learn's C: eleven numbers and thousands of windows need no penalty."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model made of windows of one kind of sound."""

    plain: Float32
    """Probabilities of the windows as recorded, float32 [windows, labels]."""
    roomed: Float32
    """Of the same windows in a room each."""

    @property
    def both(self) -> Float32:
        """All of them, float32 [2 windows, labels]."""
        return np.concatenate([self.plain, self.roomed])


def hear(engine: Engine, stretches: Iterable[Float32], most: int) -> Heard:
    """What a model makes of sounds, window by window; of silence nothing.

    Parameters
    ----------
    engine
        The model.
    stretches
        float32 [n] each, mono, at the model's rate.
    most
        Windows taken of each stretch, evenly spread.
    """
    logmel, length = engine.logmel, engine.logmel.spec.window_samples
    plain, roomed = list[Float32](), list[Float32]()
    for number, samples in enumerate(stretches):
        whole = len(samples) // length
        for at in np.linspace(0, whole - 1, min(most, whole)).astype(int):
            window = samples[at * length : (at + 1) * length]
            if is_silent(window, ListenConfig.silence_dbfs):
                continue
            echo = in_a_room(window, engine.sample_rate, 1000 * number + int(at))
            for heard, into in ((window, plain), (echo, roomed)):
                into.append(engine.classifier.scores(logmel.window(heard)))
    if not plain:
        raise UsageError("there is no sound of a window's length among the recordings")
    return Heard(np.stack(plain), np.stack(roomed))


def folder_stretch(folder: Path, rate: int) -> Float32:
    """All recordings of a folder, one after the other at one level: they may be as
    short as a word. Those that cannot be read are left out. UsageError if there is
    none."""
    parts = list[Float32]()
    for path in list_audio(str(folder)).files:
        try:
            samples = read_mono(path, rate)
        except AudioError:
            continue
        peak = float(np.abs(samples).max(initial=0.0))
        if peak > 0:
            pause = np.zeros(round(_PAUSE_SECONDS * rate), np.float32)
            parts += [(samples * np.float32(_PEAK / peak)), pause]
    if not parts:
        raise UsageError(f"{folder}: there is no sound in it")
    return np.concatenate(parts)


def noises(engine: Engine, count: int, seed: int) -> Iterator[Float32]:
    """Windows of noise, from white to brown."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield noise(engine.logmel.spec.window_samples, float(rng.uniform(0, 1.2)), rng)


def fitted(music: Float32, others: Sequence[Float32]) -> dict[str, Any]:
    """The line for a bundle: music against all other sounds, each kind of which counts
    the same.

    Parameters
    ----------
    music
        Probabilities of windows of music, float32 [windows, labels].
    others
        The same of each other kind of sound.

    Returns
    -------
    dict
        The table `music` of a bundle.
    """
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([music, *others])
    is_music = np.arange(len(values)) < len(music)
    shares = [np.full(len(music), 1 / len(music))]
    shares += [np.full(len(one), 1 / len(one) / len(others)) for one in others]
    weights = np.concatenate(shares) * len(values) / 2
    line = LogisticRegression(C=_INVERSE_PENALTY, max_iter=2000)
    line.fit(logarithms(values), is_music, sample_weight=weights)
    return {
        "weights": [round(float(w), 4) for w in line.coef_[0]],
        "bias": round(float(line.intercept_[0]), 4),
    }


def area(music: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """Area under the ROC curve: how often a score of music is above one of other sound;
    equal ones count half."""
    below = np.searchsorted(np.sort(other), music, side="left")
    above = np.searchsorted(np.sort(other), music, side="right")
    return float((below + above).mean() / 2 / len(other))
