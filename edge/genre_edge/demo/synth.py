"""The synthesiser of the demo clip: `python -m genre_edge.demo.synth OUT.flac`.

Six seconds of an arpeggiated piano-like piece, then six of a distorted riff with drums.
numpy only; the same seed gives the same clip.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

RATE = 22_050
"""Sample rate of the clip, Hz."""

_CHORDS = ((48, 55, 60, 64, 67), (45, 52, 57, 60, 64), (41, 48, 53, 57, 60), (43, 50, 55, 59, 62))
"""C, A minor, F, G as MIDI notes: bass, fifth, and the triad above."""
_PATTERN = (0, 2, 3, 4, 3, 2, 1, 2)
_RIFF = (40, 40, 43, 40, 45, 40, 46, 45, 40, 40, 43, 40, 38, 38, 39, 39)
"""E minor with its flat fifth, eighth notes, MIDI."""


def hertz(note: int) -> float:
    """Equal temperament, A4 (69) = 440 Hz."""
    return float(440.0 * 2.0 ** ((note - 69) / 12))


def times(seconds: float) -> Float32:
    """The time of each sample of a sound, s; float32 [n]."""
    return np.arange(round(seconds * RATE), dtype=np.float32) / np.float32(RATE)


def float32(values: npt.ArrayLike) -> Float32:
    """Any numbers as samples."""
    return np.asarray(values, dtype=np.float32)


def add(track: Float32, sound: Float32, at: float) -> None:
    """Mix a sound into a track, `at` seconds from its start; the track stays as
    long."""
    start = round(at * RATE)
    length = max(0, min(len(sound), len(track) - start))
    track[start : start + length] += sound[:length]


def piano_note(note: int, seconds: float, loudness: float) -> Float32:
    """A struck string: stretched partials that fade faster the higher they are; float32
    [n]."""
    t, f0 = times(seconds), hertz(note)
    sound = np.zeros_like(t)
    for k in range(1, 13):
        frequency = f0 * k * np.sqrt(1 + 4e-4 * k * k)  # stiffness sharpens upper partials
        if frequency < RATE / 2:
            fade = np.exp(-t * (1.2 + 0.45 * k + f0 / 500))
            sound += np.sin(2 * np.pi * frequency * t + k) * fade / k**1.4
    attack = np.minimum(1.0, t / 0.004)
    return float32(loudness * sound * attack)


def piano(seconds: float, rng: np.random.Generator) -> Float32:
    """Broken chords in sixteenths of a slow beat, with a pedalled bass; float32 [n]."""
    track = np.zeros(round(seconds * RATE), dtype=np.float32)
    step = seconds / (len(_CHORDS) * len(_PATTERN))
    for bar, chord in enumerate(_CHORDS):
        add(track, piano_note(chord[0] - 12, 2.0, 0.5), bar * len(_PATTERN) * step)
        for i, voice in enumerate(_PATTERN):
            at = (bar * len(_PATTERN) + i) * step + rng.normal(0, 0.006)
            note = piano_note(chord[voice] + 12, 1.6, float(rng.uniform(0.25, 0.42)))
            add(track, note, max(0.0, at))
    return track


def power_chord(note: int, seconds: float) -> Float32:
    """Root, fifth and octave of two detuned saws through a hard clipper and a cabinet's
    roll-off."""
    t = times(seconds)
    strings = np.zeros_like(t)
    for interval in (0, 7, 12):
        for detune in (0.997, 1.003):
            phase = hertz(note + interval) * detune * t
            strings += 2 * (phase % 1.0) - 1
    muted = strings * np.exp(-t * 3.0) * np.minimum(1.0, t / 0.003)
    driven = np.tanh(6.0 * muted)
    cabinet = np.hanning(11) / np.hanning(11).sum()
    return np.convolve(driven, cabinet, mode="same").astype(np.float32)


def kick() -> Float32:
    """A bass drum: a sine that falls in pitch; float32 [n]."""
    t = times(0.25)
    return float32(np.sin(2 * np.pi * (48 * t + 9 * (1 - np.exp(-t * 35)))) * np.exp(-t * 14))


def snare(rng: np.random.Generator) -> Float32:
    """A snare drum: noise, and the tone of its skin; float32 [n]."""
    t = times(0.22)
    noise = rng.standard_normal(len(t)) * np.exp(-t * 18)
    return float32(0.6 * noise + 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-t * 22))


def hat(rng: np.random.Generator) -> Float32:
    """A closed hi-hat; float32 [n]."""
    t = times(0.08)
    noise = np.diff(rng.standard_normal(len(t) + 2), n=2)  # twice differenced: treble only
    return float32(0.12 * noise * np.exp(-t * 60))


def riff(seconds: float, rng: np.random.Generator) -> Float32:
    """A palm-muted riff in eighths with kick, snare and hi-hat; float32 [n]."""
    track = np.zeros(round(seconds * RATE), dtype=np.float32)
    eighth = seconds / (2 * len(_RIFF))
    for i in range(2 * len(_RIFF)):
        at = i * eighth
        add(track, 0.5 * power_chord(_RIFF[i % len(_RIFF)], eighth * 1.1), at)
        add(track, hat(rng), at)
        if i % 8 in (0, 3, 6):
            add(track, kick(), at)
        if i % 8 in (2, 6):
            add(track, 0.7 * snare(rng), at)
    return track


def clip(seed: int = 7) -> Float32:
    """The demo clip, float32 [12 s * 22 050], peak at 0.8 in each half."""
    rng = np.random.default_rng(seed)
    halves = [half / np.max(np.abs(half)) * 0.8 for half in (piano(6.0, rng), riff(6.0, rng))]
    return np.concatenate(halves).astype(np.float32)


if __name__ == "__main__":
    import soundfile

    soundfile.write(sys.argv[1], clip(), RATE, subtype="PCM_16")
