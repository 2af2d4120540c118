"""Fixed conditions to judge a model under: rooms, loudspeakers, microphones, noise.

They are seeded, and training uses none of them: its rooms are decaying noise, while
these are made by the image method (J. B. Allen and D. A. Berkley, "Image method for
efficiently simulating small-room acoustics", JASA 65(4), 1979).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import scipy.signal
from genre_edge.arrays import Float32
from genre_edge.audio.array import ArraySource
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.pcm import from_int16, to_int16
from genre_edge.audio.source import Source
from genre_edge.judge.evaluation import Evaluation, evaluate
from genre_edge.judge.predict import LabelledSource, predict
from genre_edge.judge.predictions import Predictions
from genre_edge.judge.tracks import Track, check_genres
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from tqdm import tqdm

_SOUND = 343.0
"""Speed of sound, m/s."""

Change = Callable[[Float32, int, np.random.Generator], Float32]
"""Takes samples, float32 [n], their rate in Hz and a generator; returns float32 [n]."""


def image_room(
    rate: int, size: tuple[float, float, float], decay: float, rng: np.random.Generator
) -> Float32:
    """Impulse response of a room in the shape of a box.

    Loudspeaker and microphone are at random places, at least half a metre from the
    walls. All walls absorb alike, as Sabine's formula says. Every image of the
    loudspeaker counts with its distance and its number of reflections.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    size
        Length, width and height, m.
    decay
        Reverberation time (RT60), s.
    rng
        Draws the places.

    Returns
    -------
    ndarray
        float32 [n]; it begins with the direct sound, which is 1.
    """
    box = np.array(size)
    volume, surface = (
        float(box.prod()),
        2 * float(box[0] * box[1] + box[1] * box[2] + box[0] * box[2]),
    )
    absorption = min(0.95, 0.161 * volume / (surface * decay))
    reflection = np.sqrt(1 - absorption)
    source, microphone = (rng.uniform(0.5, box - 0.5) for _ in range(2))
    n = int(rate * decay * 1.1)
    reach = np.ceil(n / rate * _SOUND / (2 * box)).astype(int)
    axes = []
    for axis in range(3):
        order = np.arange(-reach[axis], reach[axis] + 1)
        straight = 2 * order * box[axis] + source[axis] - microphone[axis]
        mirrored = 2 * order * box[axis] - source[axis] - microphone[axis]
        axes.append(
            (
                np.concatenate([straight, mirrored]),
                np.concatenate([2 * np.abs(order), np.abs(2 * order - 1)]),
            )
        )
    response = np.zeros(n, dtype=np.float64)
    for x, bounces_x in zip(*axes[0], strict=True):
        flat = x**2 + axes[1][0][:, None] ** 2 + axes[2][0][None, :] ** 2
        distance = np.sqrt(flat)
        bounces = bounces_x + axes[1][1][:, None] + axes[2][1][None, :]
        at = np.round(distance / _SOUND * rate).astype(int)
        inside = at < n
        np.add.at(
            response, at[inside], reflection ** bounces[inside] / np.maximum(distance[inside], 0.1)
        )
    first = int(np.argmax(response > 0))
    direct: Float32 = (response[first:] / response[first]).astype(np.float32)
    return direct


def _band(samples: Float32, rate: int, low: float, high: float, order: int = 2) -> Float32:
    """Between two frequencies, Hz; above half the rate there is nothing to take."""
    edges, kind = ([low, high], "bandpass") if high < rate / 2 else (low, "highpass")
    sections = scipy.signal.butter(order, edges, kind, fs=rate, output="sos")
    return np.asarray(scipy.signal.sosfilt(sections, samples), np.float32)


def _room(size: tuple[float, float, float], decay: float) -> Change:
    def change(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
        response = image_room(rate, size, decay, rng)
        changed = scipy.signal.fftconvolve(samples, response)[: len(samples)]
        return np.asarray(changed, np.float32)

    return change


def _noise(ratio_db: float) -> Change:
    def change(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
        noise = scipy.signal.lfilter([1], [1, -0.7], rng.standard_normal(len(samples)))
        scale = 10 ** (-ratio_db / 20) * samples.std() / noise.std()
        return np.asarray(samples + noise * scale, np.float32)

    return change


def _small_speaker(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
    changed = _band(samples, rate, 220, 7000)
    peak_b, peak_a = scipy.signal.iirpeak(900, 1.2, fs=rate)
    return np.asarray(changed + 0.8 * scipy.signal.lfilter(peak_b, peak_a, changed), np.float32)


def _cheap_microphone(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
    changed = _band(samples, rate, 120, 9000, 1)
    presence_b, presence_a = scipy.signal.iirpeak(4200, 1.5, fs=rate)
    changed = changed + 0.9 * scipy.signal.lfilter(presence_b, presence_a, changed)
    return _noise(25)(np.tanh(changed / (4 * changed.std())).astype(np.float32), rate, rng)


def _low_level(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
    scale = 10 ** (-58 / 20) / samples.std()
    return from_int16(to_int16(samples * scale))


def _all(samples: Float32, rate: int, rng: np.random.Generator) -> Float32:
    steps = (_small_speaker, _room((5.0, 4.0, 2.6), 0.5), _cheap_microphone, _noise(18), _low_level)
    for step in steps:
        samples = step(samples, rate, rng)
    return samples


CONDITIONS: dict[str, Change] = {
    "as recorded": lambda samples, rate, rng: samples,
    "small room, 0.3 s": _room((3.2, 2.8, 2.4), 0.3),
    "living room, 0.7 s": _room((6.5, 4.5, 2.7), 0.7),
    "small loudspeaker": _small_speaker,
    "cheap microphone": _cheap_microphone,
    "noise at 15 dB": _noise(15),
    "low level, -58 dBFS in 16 bits": _low_level,
    "all of it, room of 0.5 s": _all,
}
"""Name: what happens to the audio."""


def evaluate_conditions(
    model: str | Path, tracks: Sequence[Track], names: Sequence[str], seed: int = 2026
) -> dict[str, Evaluation]:
    """How right a bundle is under conditions, through the engine that users run.

    Parameters
    ----------
    model
        The bundle.
    tracks
        Labelled recordings. Those that cannot be read are named on standard error.
    names
        Which of CONDITIONS.
    seed
        Seed of rooms and noise; with the number of track and condition.

    Returns
    -------
    dict
        {condition: evaluation}
    """
    predictions = predict_conditions(model, tracks, names, seed)
    return {name: evaluate(of_one) for name, of_one in predictions.items()}


def predict_conditions(
    model: str | Path, tracks: Sequence[Track], names: Sequence[str], seed: int = 2026
) -> dict[str, Predictions]:
    """A bundle's answers under conditions; parameters as for `evaluate_conditions`.

    Recordings of the same name are excerpts of one track.
    """
    engine = Engine(EngineConfig(str(model)))
    check_genres(tracks, engine.labels)
    shown = tqdm(tracks, desc="conditions", unit="track", disable=None)
    sources = _under_conditions(shown, names, engine.sample_rate, seed)
    answers = predict([engine], sources)
    for line in dict.fromkeys(answers.skipped):  # the same for each condition
        print(f"genre-train: skipped {line}", file=sys.stderr)
    of_track: dict[str, list[str]] = {}
    for source in answers.sources:
        of_track.setdefault(source.group, []).append(source.name)
    return {
        name: _excerpts_together(of_one, of_track[name])
        for name, of_one in answers.predictions[0].by_group().items()
    }


def _excerpts_together(predictions: Predictions, names: Sequence[str]) -> Predictions:
    """The predictions with the windows of tracks of one name in one track."""
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    track = np.array([number[name] for name in names])[predictions.window_track]
    return Predictions.of_windows(
        predictions.labels, predictions.scores, predictions.window_label, track
    )


def _under_conditions(
    tracks: Iterable[Track], names: Sequence[str], rate: int, seed: int
) -> Iterator[LabelledSource]:
    """Each track under each condition; a group is a condition."""
    decoded = lru_cache(maxsize=1)(partial(read_mono, rate=rate))

    def source(track: Track, number: int, name: str) -> Source:
        rng = np.random.default_rng([seed, number, list(CONDITIONS).index(name)])
        return ArraySource(CONDITIONS[name](decoded(track.path), rate, rng), rate, track.name)

    for number, track in enumerate(tracks):
        for name in names:
            opening = partial(source, track, number, name)
            yield LabelledSource(track.name, track.genre, opening, name)


def table(found: Mapping[str, Evaluation]) -> str:
    """`evaluate_conditions`' result as a Markdown table."""
    rows = ["| condition | windows right | tracks right |", "|---|---|---|"]
    rows += [
        f"| {name} | {one.windows.accuracy:.1%} of {one.windows.count} "
        f"| {one.tracks.accuracy:.1%} of {one.tracks.count} |"
        for name, one in found.items()
    ]
    return "\n".join(rows)
