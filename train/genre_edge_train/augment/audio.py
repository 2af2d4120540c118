"""Augmentation of 3-second clips of audio.

`Augmenter.speed` and `recording` vary how a recording sounds. `Augmenter.room` makes
what a microphone on a shelf hears of it: loudspeaker, room, microphone, noise, low
level. All filters of the room are applied as one product of spectra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from genre_edge.arrays import Float32
from genre_edge.audio.pcm import INT16_FULL_SCALE


@dataclass(frozen=True)
class AugmentSpec:
    """How strongly clips are changed; probabilities are per clip."""

    speed: float = 0.08
    """Largest relative change of speed; tempo and pitch change together."""
    equaliser_probability: float = 0.6
    """A random smooth equaliser."""
    equaliser_db: float = 7.0
    """Standard deviation of the equaliser's curve, dB."""
    bandlimit_probability: float = 0.2
    """A low-pass between 3.5 and 10 kHz: old recordings and lossy codecs."""
    saturation_probability: float = 0.15
    """Soft clipping, as in loud mastering."""
    mix_probability: float = 0.35
    """A second clip is mixed in at a random ratio, and so is its label."""
    other_probability: float = 0.0
    """A clip of speech or noise takes the place of music. All genres are equally right
    for it, so that the network learns to be unsure."""
    noise_probability: float = 0.25
    """Coloured noise, 15 to 40 dB below the clip, where no room is added."""
    decay_seconds: tuple[float, float] = (0.1, 1.0)
    """Range of the rooms' reverberation time (RT60), s."""
    direct_db: tuple[float, float] = (-7.0, 15.0)
    """Range of the direct-to-reverberant ratio, dB."""
    room_noise_db: tuple[float, float] = (8.0, 35.0)
    """Range of the microphone's signal-to-noise ratio, dB."""


class Augmenter:
    """Random changes of clips.

    Parameters
    ----------
    spec
        How strong they are.
    sample_rate
        Rate of the clips, Hz.
    rng
        Draws them.
    """

    def __init__(self, spec: AugmentSpec, sample_rate: int, rng: np.random.Generator) -> None:
        self.spec = spec
        self.rate = sample_rate
        self.rng = rng

    def _chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def speed(self, samples: Float32, length: int) -> Float32:
        """Play a clip faster or slower.

        Parameters
        ----------
        samples
            float32, at least (1 + speed) times as many as `length`.
        length
            Number of samples to return.
        """
        factor = float(np.exp(self.rng.uniform(-1, 1) * np.log1p(self.spec.speed)))
        # Through the spectrum, which keeps the whole band; soxr's filters would weaken
        # its upper end.
        taken = min(len(samples), scipy.fft.next_fast_len(round(length * factor), real=True))
        spectrum = scipy.fft.rfft(samples[:taken])
        resampled = scipy.fft.irfft(
            spectrum, scipy.fft.next_fast_len(round(taken / factor), real=True)
        )
        return np.resize(resampled, length).astype(np.float32)

    def recording(self, samples: Float32) -> Float32:
        """Equalise, band-limit and saturate a clip, each with its probability."""
        spectrum = scipy.fft.rfft(samples)
        response = np.ones(len(spectrum), dtype=np.float32)
        if self._chance(self.spec.equaliser_probability):
            response *= self._smooth_curve(len(spectrum), self.spec.equaliser_db)
        if self._chance(self.spec.bandlimit_probability):
            response *= self._lowpass(len(spectrum), self._log_uniform(3_500, 10_000), 8)
        out = np.asarray(scipy.fft.irfft(spectrum * response, len(samples)), np.float32)
        if self._chance(self.spec.saturation_probability):
            drive = self.rng.uniform(1.0, 4.0) / (3.0 * np.std(out) + 1e-6)
            out = np.tanh(out * drive)
        return np.asarray(out, np.float32)

    def noise(self, samples: Float32, low_db: float, high_db: float) -> Float32:
        """Add noise of a random colour, white to brown.

        Parameters
        ----------
        samples
            float32 [n].
        low_db, high_db
            Range of the signal-to-noise ratio, dB.
        """
        n = len(samples)
        spectrum = scipy.fft.rfft(self.rng.standard_normal(n).astype(np.float32))
        tilt = np.maximum(np.arange(len(spectrum)), 20 * n // self.rate) ** -self.rng.uniform(0, 1)
        noise = scipy.fft.irfft(spectrum * tilt.astype(np.float32), n)
        ratio = 10 ** (-self.rng.uniform(low_db, high_db) / 20)
        scale = ratio * np.std(samples) / (np.std(noise) + 1e-12)
        return np.asarray(samples + noise * scale, np.float32)

    def no_music(self, speech: Sequence[Float32], length: int) -> Float32:
        """A clip without music: speech (one voice, or several at once) or noise (hiss,
        rumble, hum).

        Parameters
        ----------
        speech
            Samples of voices to draw from; without any there is only noise.
        length
            Number of samples.
        """
        kind = self.rng.random()
        if speech and kind < 0.65:
            voices = 1 if kind < 0.5 else int(self.rng.integers(3, 9))
            spoken = np.zeros(length, dtype=np.float32)
            for _ in range(voices):
                voice = speech[int(self.rng.integers(len(speech)))]
                spoken += np.resize(np.roll(voice, int(self.rng.integers(len(voice)))), length)
            return self.noise(spoken, 20, 60)
        hum = np.zeros(length, dtype=np.float32)
        if kind > 0.85:
            t = np.arange(length, dtype=np.float32) / self.rate
            mains = self._log_uniform(45, 300)
            for k in range(1, 12):
                hum += (
                    np.sin(2 * np.pi * k * mains * t + k).astype(np.float32) * self.rng.random() / k
                )
        # Slow swells, as of wind, traffic and taps.
        swell = np.interp(
            np.arange(length),
            np.linspace(0, length, 7),
            np.exp(self.rng.normal(0, self.rng.uniform(0, 1), 7)),
        )
        return (self.noise(hum + np.float32(1e-4), -30, 20) * swell).astype(np.float32)

    def room(self, samples: Float32, length: int) -> Float32:
        """What a microphone hears of a clip that is played in a random room.

        Parameters
        ----------
        samples
            float32 [n].
        length
            Number of samples to return: the last ones, so that what comes before can
            fill the room.
        """
        n = scipy.fft.next_fast_len(
            len(samples) + int(self.rate * self.spec.decay_seconds[1]), real=True
        )
        spectrum = scipy.fft.rfft(samples, n)
        if self._chance(0.8):
            spectrum *= scipy.fft.rfft(self._impulse_response(), n)
        if self._chance(0.6):
            spectrum *= self._loudspeaker(len(spectrum))
        if self._chance(0.7):
            spectrum *= self._smooth_curve(len(spectrum), 4.0)
        out = scipy.fft.irfft(spectrum, n)[len(samples) - length : len(samples)].astype(np.float32)
        if self._chance(0.85):
            out = self.noise(out, *self.spec.room_noise_db)
        if self._chance(0.3):
            level = (
                10 ** (self.rng.uniform(-55, -20) / 20) * INT16_FULL_SCALE / (np.std(out) + 1e-9)
            )
            out = np.round(out * level)
        return np.asarray(out, np.float32)

    def _impulse_response(self) -> Float32:
        """A direct sound, a few early reflections, and an exponential tail in which
        high frequencies decay faster."""
        decay = self._log_uniform(*self.spec.decay_seconds)
        n = int(self.rate * decay)
        t = np.arange(n, dtype=np.float32) / self.rate
        tail = self.rng.standard_normal(n).astype(np.float32) * 10 ** (-3.0 * t / decay)
        bright = self.rng.standard_normal(n).astype(np.float32) * 10 ** (
            -3.0 * t / (decay * self.rng.uniform(0.3, 0.9))
        )
        dull = np.convolve(tail, np.full(self.rng.integers(2, 9), 0.3, np.float32))[:n]
        reverb = dull + bright * self.rng.uniform(0.1, 1.0)
        start = int(self.rng.uniform(0.001, 0.012) * self.rate)
        reverb[:start] = 0.0
        for _ in range(int(self.rng.integers(2, 10))):
            at = int(self.rng.uniform(0.001, 0.04) * self.rate)
            if at < n:
                reverb[at] += self.rng.normal() * 4.0
        energy = float(np.dot(reverb, reverb)) + 1e-9
        response = reverb * np.float32(
            10 ** (-self.rng.uniform(*self.spec.direct_db) / 20) / np.sqrt(energy)
        )
        response[0] = 1.0
        return response.astype(np.float32)

    def _loudspeaker(self, bins: int) -> Float32:
        response = self._highpass(bins, self._log_uniform(70, 450), int(self.rng.integers(1, 4)))
        if self._chance(0.6):
            response = response * self._lowpass(
                bins, self._log_uniform(3_500, 10_000), int(self.rng.integers(1, 4))
            )
        return (response * self._smooth_curve(bins, 3.0)).astype(np.float32)

    def _frequencies(self, bins: int) -> Float32:
        return np.linspace(1e-3, self.rate / 2, bins, dtype=np.float32)

    def _highpass(self, bins: int, corner: float, order: int) -> Float32:
        """Butterworth magnitude."""
        ratio = corner / self._frequencies(bins)
        return np.asarray(1 / np.sqrt(1 + ratio ** (2 * order)), np.float32)

    def _lowpass(self, bins: int, corner: float, order: int) -> Float32:
        """Butterworth magnitude."""
        ratio = self._frequencies(bins) / corner
        return np.asarray(1 / np.sqrt(1 + ratio ** (2 * order)), np.float32)

    def _smooth_curve(self, bins: int, deviation_db: float) -> Float32:
        """A random gain, smooth over the logarithm of frequency (one knot for each
        octave), with this standard deviation in dB."""
        knots = np.log2(
            np.array([20, 60, 120, 240, 480, 960, 1920, 3840, 7680, 12000], dtype=np.float64)
        )
        gains = self.rng.normal(0, deviation_db, len(knots))
        gains = np.convolve(np.pad(gains, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid") * 1.4
        curve = np.interp(np.log2(np.maximum(self._frequencies(bins), 20)), knots, gains)
        return (10 ** (curve / 20)).astype(np.float32)

    def _log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
