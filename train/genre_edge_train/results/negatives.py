"""Sounds that are none of a user's labels, as a network hears them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.level import is_silent
from genre_edge.errors import UsageError
from genre_edge.model.bundle import Bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel, Window
from genre_edge.settings.tables import ListenConfig
from genre_edge.teach.negatives import MUSIC, NOISE, SPEECH, Negatives, packed
from genre_edge.teach.trunk import trunk_of

from ..data.recordings import Recording

TAUGHT_TRACKS = 8
"""Tracks of an artist from which `evaluate --few-shot` makes a label of them."""
_LEVEL = 0.03
"""Root-mean-square level of noise; full scale is 1."""


@dataclass(frozen=True)
class Sounds:
    """What is none of a user's labels."""

    music: tuple[Path, ...]
    """Recordings; a window of each is taken."""
    speech: tuple[Path, ...]
    """The same of speech."""
    noise: int
    """Windows of noise."""
    seed: int
    """Seed of the windows' places and of the noise."""


def taught_groups(recordings: Sequence[Recording]) -> set[str]:
    """Groups (artists) that have enough tracks to be labels."""
    tracks = {(one.data, one.group, one.name) for one in recordings}
    counts = Counter((data, group) for data, group, _ in tracks)
    return {group for (_, group), count in counts.items() if count >= TAUGHT_TRACKS}


def choose_music(recordings: Sequence[Recording], count: int, seed: int) -> list[Recording]:
    """Training recordings of different tracks: data sets in turn, within them sources
    and labels in turn; none of an artist who has many.

    UsageError if there are too few.
    """
    taught = taught_groups(recordings)
    order = np.random.default_rng(seed).permutation(len(recordings))
    queues: dict[str, dict[tuple[str, str], list[Recording]]] = {}
    seen: set[tuple[str, str]] = set()
    for one in (recordings[i] for i in order):
        if one.side == "train" and one.group not in taught and (one.data, one.name) not in seen:
            seen.add((one.data, one.name))
            queues.setdefault(one.data, {}).setdefault((one.source, one.label), []).append(one)
    turns = [_in_turn(list(of_data.values())) for of_data in queues.values()]
    chosen = [one for _, one in zip(range(count), _in_turn(turns), strict=False)]
    if len(chosen) < count:
        raise UsageError(
            f"the data has {len(chosen)} training tracks that can be used, need {count}"
        )
    return chosen


def _in_turn(queues: Sequence[Sequence[Recording]]) -> list[Recording]:
    longest = max(map(len, queues), default=0)
    return [queue[at] for at in range(longest) for queue in queues if at < len(queue)]


def negatives_for(bundle: Bundle, sounds: Sounds, levels: int) -> bytes:
    """The member of a bundle that holds what its network makes of the sounds, in that
    many levels."""
    logmel, classifier = LogMel(bundle.info.frontend), Classifier(bundle, embeds=True)
    rng = np.random.default_rng(sounds.seed)
    found, kinds = [], list[str]()
    for kind, samples in _samples(sounds, logmel.spec.sample_rate, logmel.spec.window_samples, rng):
        (window,) = _window(logmel, samples)
        if not is_silent(window.samples, ListenConfig.silence_dbfs):
            found.append(classifier.scores_and_embedding(window.features)[1])
            kinds.append(kind)
    return packed(Negatives(trunk_of(bundle).floats(np.stack(found)), tuple(kinds)), levels)


def _samples(
    sounds: Sounds, rate: int, length: int, rng: np.random.Generator
) -> Iterator[tuple[str, Float32]]:
    """The kind and the samples of each window."""
    paths = [(MUSIC, path) for path in sounds.music] + [(SPEECH, path) for path in sounds.speech]
    for kind, path in paths:
        samples = read_mono(path, rate)
        start = int(rng.integers(0, max(1, len(samples) - length)))
        yield kind, np.resize(samples[start : start + length], length)
    for _ in range(sounds.noise):
        yield NOISE, noise(length, float(rng.uniform(0, 1.2)), rng)


def noise(length: int, exponent: float, rng: np.random.Generator) -> Float32:
    """Noise whose amplitude falls with frequency to the power of `exponent`."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20) ** -exponent
    noise = np.fft.irfft(spectrum, length)
    made: Float32 = (_LEVEL * noise / noise.std()).astype(np.float32)
    return made


def _window(logmel: LogMel, samples: Float32) -> list[Window]:
    logmel.reset()
    return list(logmel.push(samples))[:1]
