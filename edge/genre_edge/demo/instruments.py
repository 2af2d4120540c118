"""More instruments for the synthesiser: strings, an organ, cymbals, a voice."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
from .synth import RATE, float32, hertz, times


def plucked_bass(note: int, seconds: float, brightness: float) -> Float32:
    """A plucked string with a deep body; float32 [n].

    Parameters
    ----------
    note
        MIDI.
    seconds
        Length.
    brightness
        How much of the overtones is left, 0 to 1.
    """
    t, f0 = times(seconds), hertz(note)
    sound = np.zeros_like(t)
    for k in range(1, 9):
        fade = np.exp(-t * (2.0 + 2.2 * k))
        sound += np.sin(2 * np.pi * f0 * k * t) * fade * brightness ** (k - 1)
    return float32(sound * np.minimum(1.0, t / 0.006) * ending(t))


def organ_stab(notes: tuple[int, ...], seconds: float) -> Float32:
    """A short chord of drawbars with a click at its start; float32 [n]."""
    t = times(seconds)
    sound = np.zeros_like(t)
    for note in notes:
        for ratio, loudness in ((1.0, 1.0), (2.0, 0.6), (3.0, 0.4), (4.0, 0.25)):
            sound += loudness * np.sin(2 * np.pi * hertz(note) * ratio * t)
    click = np.exp(-t * 300) * np.sin(2 * np.pi * 2500 * t)
    return float32((sound / len(notes) + click) * np.minimum(1.0, t / 0.003) * ending(t))


def chopped_guitar(notes: tuple[int, ...], seconds: float) -> Float32:
    """A muted upstroke over a chord: bright strings that stop at once; float32 [n]."""
    t = times(seconds)
    sound = np.zeros_like(t)
    for string, note in enumerate(notes):
        delayed = np.maximum(0.0, t - 0.004 * string)
        phase = hertz(note) * delayed
        saw = 2 * (phase % 1.0) - 1
        sound += saw * np.exp(-delayed * 18) * (t >= 0.004 * string)
    return float32(np.diff(sound, prepend=0.0) * 2.0 * ending(t))


def distorted_chord(note: int, seconds: float, decay: float) -> Float32:
    """Root, fifth and octave on two doubled guitars through an amplifier that clips;
    float32 [n].

    Parameters
    ----------
    note
        MIDI, the root.
    seconds
        Length.
    decay
        How fast the strings fade; a palm on them makes it larger.
    """
    t = times(seconds)
    strings = np.zeros_like(t)
    for interval in (0, 7, 12):
        for detune in (0.994, 0.998, 1.003, 1.007):
            strings += 2 * ((hertz(note + interval) * detune * t + 0.37 * interval) % 1.0) - 1
    driven = np.tanh(6 * strings * np.exp(-t * decay) * np.minimum(1.0, t / 0.003))
    cabinet = np.hanning(7) / np.hanning(7).sum()
    return float32(np.convolve(driven, cabinet, mode="same"))


def ride(rng: np.random.Generator, loudness: float) -> Float32:
    """A ride cymbal: inharmonic partials in bright noise; float32 [n]."""
    t = times(0.9)
    noise = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t * 9)
    ping = np.zeros_like(t)
    for f in (3170.0, 4210.0, 5330.0, 6890.0, 8120.0):
        ping += np.sin(2 * np.pi * f * t + f) * np.exp(-t * 5)
    return float32(loudness * (0.5 * noise + 0.16 * ping))


def brush(rng: np.random.Generator, seconds: float) -> Float32:
    """A brush that sweeps a snare drum; float32 [n]."""
    t = times(seconds)
    noise = np.diff(rng.standard_normal(len(t) + 1))
    return float32(noise * np.sin(np.pi * t / seconds) ** 2)


def rimshot(rng: np.random.Generator) -> Float32:
    """A stick across the rim of a snare drum; float32 [n]."""
    t = times(0.08)
    crack = rng.standard_normal(len(t)) * np.exp(-t * 120)
    return float32(0.4 * crack + np.sin(2 * np.pi * 820 * t) * np.exp(-t * 70))


_VOWELS = {
    "a": ((730, 90), (1090, 110), (2440, 160)),
    "o": ((450, 80), (800, 100), (2830, 160)),
    "e": ((530, 80), (1840, 120), (2480, 160)),
}
"""Resonances of a voice: frequency and width, Hz."""


def voice(note: int, seconds: float, vowel: str, rough: float) -> Float32:
    """A sung vowel: a buzz with vibrato, shaped by the resonances of a throat; float32
    [n].

    Parameters
    ----------
    note
        MIDI.
    seconds
        Length.
    vowel
        "a", "e" or "o".
    rough
        How much the voice breaks, 0 (clean) to 1 (shouted).
    """
    t = times(seconds)
    vibrato = 1 + 0.012 * np.sin(2 * np.pi * 5.5 * t) * np.minimum(1.0, t / 0.3)
    phase = np.cumsum(hertz(note) * vibrato) / RATE
    sound = np.zeros_like(t)
    for k in range(1, int(5000 / hertz(note))):
        frequency = k * hertz(note)
        shape = sum(
            1 / (1 + ((frequency - centre) / width) ** 2) for centre, width in _VOWELS[vowel]
        )
        sound += np.sin(2 * np.pi * k * phase) * (shape + 0.02) / np.sqrt(k)
    growl = 1 - rough * (0.5 + 0.5 * np.sign(np.sin(np.pi * phase)))
    driven = np.tanh((1 + 5 * rough) * sound * growl)
    return float32(driven * np.minimum(1.0, t / 0.05) * ending(t, 0.08))


def ending(t: Float32, seconds: float = 0.02) -> Float32:
    """A factor that fades the last moments of a sound, so that it ends without a
    click."""
    return float32(np.clip((t[-1] - t) / seconds, 0.0, 1.0))
