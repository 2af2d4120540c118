"""The example tracks of the page: `python -m genre_edge.demo.examples FOLDER`.

Three pieces of 21 seconds, written and played by this program, as Ogg/Opus. The same
seed gives the same samples.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..arrays import Float32
from .instruments import (
    brush,
    chopped_guitar,
    distorted_chord,
    organ_stab,
    plucked_bass,
    ride,
    rimshot,
    voice,
)
from .synth import RATE, add, float32, hat, kick, piano_note, snare

SECONDS = 21.0
"""Length of each example, s."""
_OPUS_RATE = 48_000
"""Sample rate of Opus, Hz."""

_TWO_FIVE_ONE = (
    (50, (60, 64, 65, 69)),
    (43, (59, 64, 65, 69)),
    (48, (59, 62, 64, 67)),
    (45, (61, 64, 67, 70)),
)
"""D minor 7, G 13, C major 9, A 7 with a flat ninth: root, and voicing of the right
hand."""
_SCALE = (0, 2, 3, 5, 7, 9, 10, 12)
"""Dorian mode, in semitones."""


def jazz_trio(rng: np.random.Generator) -> Float32:
    """A swinging trio: walking bass, ride cymbal and brushes, a piano that comps and
    improvises; float32 [n]."""
    track = _silence()
    beat = 60 / 152
    for number in range(int(SECONDS / beat)):
        at, bar = number * beat, number // 4
        root, voicing = _TWO_FIVE_ONE[bar % 4]
        following = _TWO_FIVE_ONE[(bar + 1) % 4][0]
        walk = (root, root + 4, root + 7, following + (1 if number % 2 else -1))
        note = walk[number % 4] - 12
        add(track, 0.75 * plucked_bass(note, beat * 1.05, 0.45), at + abs(rng.normal(0, 0.006)))
        add(track, ride(rng, 0.22), at)
        if number % 2:
            add(track, ride(rng, 0.15), at + beat * 2 / 3)
            add(track, 0.10 * hat(rng), at)
        add(track, 0.03 * brush(rng, beat * 0.9), at)
        if rng.random() < 0.4:
            late = at + beat * (2 / 3 if rng.random() < 0.6 else 0)
            for tone in voicing:
                add(track, piano_note(tone, 0.5, 0.13), late + abs(rng.normal(0, 0.004)))
        if bar % 4 and rng.random() < 0.85:
            _phrase(track, at, beat, rng)
    return track


def _phrase(track: Float32, at: float, beat: float, rng: np.random.Generator) -> None:
    """Two swung eighths of a solo."""
    step = int(rng.integers(0, len(_SCALE)))
    for offset, length in ((0.0, 2 / 3), (2 / 3, 1 / 3)):
        note = 74 + _SCALE[step % len(_SCALE)]
        loudness = float(rng.uniform(0.2, 0.32))
        add(track, piano_note(note, 0.7, loudness), at + beat * offset)
        step += int(rng.choice((-1, 1, 2))) if length else 0


_REGGAE_BASS = (0.0, 1.5, 2.0, 2.5, 3.5)
"""Beats of a bar that the bass plays on."""


def reggae_groove(rng: np.random.Generator) -> Float32:
    """One drop: bass drum and rim on the third beat, guitar and organ off the beat, a
    deep bass; float32 [n]."""
    track = _silence()
    beat = 60 / 74
    chords = (((57, 60, 64), 33), ((62, 65, 69), 38), ((57, 60, 64), 33), ((55, 59, 62), 31))
    for bar in range(int(SECONDS / (4 * beat)) + 1):
        notes, root = chords[bar % 4]
        start = bar * 4 * beat
        for number, at in enumerate(_REGGAE_BASS):
            note = root + (0, 0, 7, 5, 3)[number]
            add(track, 1.0 * plucked_bass(note, 0.7, 0.35), start + at * beat)
        for half in range(4):
            off = start + (half + 0.5) * beat
            add(track, 0.9 * chopped_guitar(tuple(n + 12 for n in notes), 0.12), off)
            for bubble in (0.25, 0.75):
                at = start + (half + bubble) * beat
                add(track, 0.16 * organ_stab(notes, 0.11), at)
        add(track, 0.6 * kick(), start + 2 * beat)
        add(track, 0.5 * rimshot(rng), start + 2 * beat)
        for eighth in range(8):
            loudness = 0.5 if eighth % 2 else 0.3
            swing = 0.06 * beat if eighth % 2 else 0.0
            add(track, loudness * hat(rng), start + eighth * beat / 2 + swing)
    return track


_METAL_RIFF = (40, 40, 52, 40, 40, 51, 40, 46, 40, 40, 47, 40, 43, 43, 45, 46)
_METAL_LEAD = ((64, "a"), (67, "o"), (66, "e"), (64, "a"), (71, "o"), (70, "a"), (67, "e"))


def metal_riff(rng: np.random.Generator) -> Float32:
    """A fast palm-muted riff over drums, and a lead like a shouted voice;
    float32 [n]."""
    track = _silence()
    step = 60 / 176 / 2
    for number in range(int(SECONDS / step)):
        at = number * step
        note = _METAL_RIFF[number % len(_METAL_RIFF)]
        is_muted = note <= 43
        chord = distorted_chord(note, step * (1.2 if is_muted else 2.5), 1.0 if is_muted else 0.3)
        add(track, (0.75 if is_muted else 1.0) * chord, at)
        add(track, 0.2 * kick(), at)
        if number % 4 == 2:
            add(track, 0.4 * snare(rng), at)
        if number % 2 == 0:
            add(track, 0.6 * hat(rng), at)
        if number % 8 == 0:
            add(track, ride(rng, 0.2), at)
    for number in range(int(SECONDS / (8 * step))):
        if number % 4 == 3:
            continue
        pitch, vowel = _METAL_LEAD[number % len(_METAL_LEAD)]
        add(track, 0.2 * voice(pitch, 7 * step, vowel, 0.7), number * 8 * step)
    return track


EXAMPLES: dict[str, Callable[[np.random.Generator], Float32]] = {
    "jazz-trio": jazz_trio,
    "reggae-groove": reggae_groove,
    "metal-riff": metal_riff,
}
"""Name of each example, and what plays it."""


def play(name: str, seed: int = 7) -> Float32:
    """One example, float32 [21 s * 22 050], with a peak of 0.8 and a faded end."""
    track = EXAMPLES[name](np.random.default_rng(seed))
    fade = np.minimum(1.0, np.arange(len(track))[::-1] / (0.5 * RATE))
    return float32(track * fade / np.max(np.abs(track)) * 0.8)


def _silence() -> Float32:
    return np.zeros(round(SECONDS * RATE), dtype=np.float32)


def write(folder: Path) -> None:
    """Write all examples as Ogg/Opus into a folder."""
    import soundfile
    import soxr

    folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        samples = soxr.resample(play(name), RATE, _OPUS_RATE)
        soundfile.write(folder / f"{name}.opus", samples, _OPUS_RATE, "OPUS", format="OGG")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
