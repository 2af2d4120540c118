"""Augmentation of log-mels whose audio is not there: what `audio` does to samples, done
to mel power.

A sum of sounds is a sum of power. An equaliser is a gain for each band. A room's tail
is a decaying sum over earlier frames. A faster tape shortens time and moves the bands
up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.signal
from genre_edge.arrays import Float32
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.mel import hz_to_mel, mel_to_hz

from .audio import AugmentSpec

Power = npt.NDArray[np.floating[Any]]
"""Mel power, [frames, mels]."""


@dataclass(frozen=True)
class Extra:
    """Log-mels whose audio is not there."""

    features: Float32
    """Normalised, float32 [n, frames, mels]."""
    decibels: Float32
    """How many decibels one unit of the features is: their standard deviation before
    they were normalised, [n]."""
    label: npt.NDArray[np.int64]
    """Index into the labels, [n]."""


class MelAugmenter:
    """Draws augmented log-mels.

    Parameters
    ----------
    extra
        The log-mels to draw from.
    labels
        Number of labels.
    frontend
        The front-end that made them.
    spec
        How strongly they are changed, as for audio.
    room_share
        Share that is played in a room, 0 to 1.
    """

    def __init__(
        self,
        extra: Extra,
        labels: int,
        frontend: FrontendSpec,
        spec: AugmentSpec,
        room_share: float,
    ) -> None:
        self._extra, self._spec, self._frontend, self._room_share = (
            extra,
            spec,
            frontend,
            room_share,
        )
        self._one_hot = np.eye(labels, dtype=np.float32)
        edges = mel_to_hz(
            np.linspace(hz_to_mel(frontend.f_min), hz_to_mel(frontend.f_max), frontend.n_mels + 2)
        )
        self._centre = edges[1:-1]

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Float32, Float32]:
        """Draw `count` log-mels.

        Returns
        -------
        tuple
            Normalised log-mels [count, frames, mels] and label distributions [count,
            labels], float32.
        """
        pairs = [self._one(rng) for _ in range(count)]
        return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])

    def _one(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        spec = self._spec
        power, target = self._recording(rng)
        if rng.random() < spec.mix_probability:
            other, other_target = self._recording(rng)
            share = rng.uniform(0.5, 0.95)
            power = share * power + (1 - share) * other
            target = share * target + (1 - share) * other_target
        if rng.random() < self._room_share:
            power = self._room(rng, power)
        elif rng.random() < spec.noise_probability:
            power = _noisy(rng, power, 15, 40)
        db = 10 * np.log10(power)
        db = np.maximum(db, db.max() - 80)
        return ((db - db.mean()) / db.std()).astype(np.float32), target.astype(np.float32)

    def _recording(self, rng: np.random.Generator) -> tuple[Power, Float32]:
        """Mel power of a random log-mel at another speed and through an equaliser, with
        a mean of 1; and its label."""
        pick = int(rng.integers(len(self._extra.label)))
        factor = float(np.exp(rng.uniform(-1, 1) * np.log1p(self._spec.speed)))
        db = self._faster(self._extra.features[pick], factor) * self._extra.decibels[pick]
        if rng.random() < self._spec.equaliser_probability:
            octaves = np.log2(np.maximum(self._centre, 40) / 40)
            knots = rng.normal(0, self._spec.equaliser_db, 10)
            db = db + np.interp(octaves, np.arange(10), knots)
        power = 10 ** (db / 10)
        return power / power.mean(), self._one_hot[self._extra.label[pick]]

    def _faster(self, x: Float32, factor: float) -> Float32:
        """A log-mel [frames, mels], interpolated as if it was played `factor` times
        faster."""
        frames, mels = x.shape
        at = np.arange(frames) * factor
        at = (frames - 1) - np.abs((frames - 1) - at % (2 * frames - 2))  # past the end: backwards
        low = np.minimum(at.astype(int), frames - 2)
        part = (at - low)[:, None]
        y = x[low] * (1 - part) + x[low + 1] * part
        band = np.interp(self._centre / factor, self._centre, np.arange(mels))
        low = np.minimum(band.astype(int), mels - 2)
        part = band - low
        moved: Float32 = y[:, low] * (1 - part) + y[:, low + 1] * part
        return moved

    def _room(self, rng: np.random.Generator, power: Power) -> Power:
        """Adds a reverberant tail, the colour of a small loudspeaker and of a
        microphone, and noise."""
        spec, frontend = self._spec, self._frontend
        if rng.random() < 0.8:
            decay = np.exp(rng.uniform(*np.log(spec.decay_seconds)))
            left = 10 ** (-6 * frontend.hop_length / frontend.sample_rate / decay)
            tail = 10 ** (-rng.uniform(*spec.direct_db) / 10) * (1 - left)
            reverb = scipy.signal.lfilter([0, 1], [1, -left], power, axis=0)
            power = power + tail * reverb
        if rng.random() < 0.6:
            corner = np.exp(rng.uniform(np.log(70), np.log(450)))
            power = power / (1 + (corner / self._centre) ** (2 * rng.integers(1, 4)))
        octaves = np.log2(np.maximum(self._centre, 40) / 40)
        power = power * 10 ** (np.interp(octaves, np.arange(10), rng.normal(0, 4, 10)) / 10)
        return _noisy(rng, power, *spec.room_noise_db) if rng.random() < 0.85 else power


def _noisy(rng: np.random.Generator, power: Power, low_db: float, high_db: float) -> Power:
    """Adds steady noise, tilted over the bands, at a signal-to-noise ratio from this
    range."""
    tilt = 10 ** (np.linspace(0, -rng.uniform(0, 20), power.shape[1]) / 10)
    noise = tilt * rng.chisquare(8, power.shape) / 8
    ratio = 10 ** (-rng.uniform(low_db, high_db) / 10)
    noisy: Power = power + noise * (ratio * power.mean() / noise.mean())
    return noisy
