"""How right the beats per minute are, on clips of known tempo.

    python -m benchmarks.tempo --midi FOLDER --soundfont FILE.sf2 --speech FOLDER

Clips of 12 s: clicks of 60 to 200 beats/min with noise and in rooms; the demo clip's
parts and the page's examples, played at other tempi by this project's synthesiser; with
--midi up to six places of each MIDI file whose tempo stays, as fluidsynth plays it. Of
--speech every clip that is given a tempo is wrong. "Right" is within 4 % of the tempo
("accuracy 1"), "octave aside" also of its double, half, triple or third.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.folders import list_audio
from genre_edge.demo import examples, synth
from genre_edge.live.tempo import SECONDS, SURE_ENOUGH, TempoMeter
from genre_edge.teach.room import in_a_room

RATE = 16_000
LENGTH = int(SECONDS * RATE)
_NEAR = 0.04
_OCTAVES = (1.0, 2.0, 0.5, 3.0, 1 / 3)
_PLACES = 6
_EXAMPLE_BPM = {"jazz-trio": 152, "reggae-groove": 74, "metal-riff": 176}
_SLOWER_FASTER = (0.8, 0.9, 1.0, 1.1, 1.25)


@dataclass(frozen=True, eq=False)
class Clip:
    """12 s of sound."""

    kind: str
    bpm: float
    """Its tempo; 0 if it has none."""
    samples: Float32


def clicks() -> Iterator[Clip]:
    """Tones of 30 ms, alone and with noise, with and without a room."""
    t = np.arange(round(0.03 * RATE)) / RATE
    tone = np.sin(2 * np.pi * 1000 * t) * np.exp(-t * 150)
    for number, (bpm, noise_db, is_roomed) in enumerate(
        (b, n, r) for b in range(60, 201, 10) for n in (None, -10, 0) for r in (False, True)
    ):
        rng = np.random.default_rng(number)
        samples = np.zeros(LENGTH, np.float32)
        for at in np.arange(rng.uniform(0, 60 / bpm), SECONDS - 0.1, 60 / bpm):
            samples[round(at * RATE) : round(at * RATE) + len(tone)] += tone
        if is_roomed:
            samples = in_a_room(samples, RATE, number)
        if noise_db is not None:
            level = np.sqrt(np.mean(samples**2)) * 10 ** (noise_db / 20)
            samples = samples + np.float32(level) * rng.standard_normal(LENGTH, np.float32)
        yield Clip("clicks", bpm, samples)


def synthesised() -> Iterator[Clip]:
    """The examples faster and slower, and the demo's two parts at several tempi."""
    for name, bpm in _EXAMPLE_BPM.items():
        played = examples.play(name)
        for speed in _SLOWER_FASTER:
            samples = soxr.resample(played, synth.RATE * speed, RATE).astype(np.float32)
            for start in range(0, len(samples) - LENGTH, 3 * RATE):
                yield Clip("synthesiser", bpm * speed, samples[start : start + LENGTH])
    rng = np.random.default_rng(0)
    for part, beats, lengths in (
        (synth.piano, 8, (3, 4, 5, 6, 7, 8)),
        (synth.riff, 16, (5, 6, 7, 8, 10, 12, 15)),
    ):
        for seconds in lengths:
            played = np.concatenate([part(seconds, rng) for _ in range(1 + 13 // seconds)])
            samples = soxr.resample(played, synth.RATE, RATE)[:LENGTH].astype(np.float32)
            yield Clip("synthesiser", 60 * beats / seconds, samples)


def tempo_of_midi(path: Path) -> float | None:
    """Beats/min of a MIDI file; None if they change or are not said.

    Its tempo events are FF 51 03 and the microseconds of a beat, in three bytes.
    """
    content = path.read_bytes()
    found = {
        60e6 / int.from_bytes(content[at + 3 : at + 6], "big")
        for at in range(len(content) - 5)
        if content[at : at + 3] == b"\xff\x51\x03"
    }
    return found.pop() if found and max(found) - min(found) < 0.5 else None


def midi(folder: Path, soundfont: Path) -> Iterator[Clip]:
    """Places of MIDI files."""
    with tempfile.TemporaryDirectory() as work:
        played = Path(work) / "played.wav"
        for path in sorted(folder.glob("*.mid")):
            bpm = tempo_of_midi(path)
            if bpm is None:
                continue
            words = ["fluidsynth", "-q", "-ni", "-g", "0.5", "-r", str(RATE), "-F", str(played)]
            subprocess.run([*words, str(soundfont), str(path)], check=True, capture_output=True)
            samples = soundfile.read(played, dtype="float32", always_2d=True)[0].mean(axis=1)
            last = len(samples) - LENGTH - 2 * RATE
            for start in np.linspace(2 * RATE, last, _PLACES).astype(int):
                clip = samples[start : start + LENGTH]
                if len(clip) == LENGTH and np.abs(clip).max() > 1e-3:
                    yield Clip("MIDI", bpm, clip)


def spoken(folder: Path) -> Iterator[Clip]:
    """Speech, recording after recording."""
    parts = [read_mono(path, RATE) for path in list_audio(str(folder)).files[:400]]
    samples = np.concatenate(parts)
    for start in range(0, min(len(samples), 60 * LENGTH) - LENGTH, LENGTH):
        yield Clip("speech", 0.0, samples[start : start + LENGTH])


def is_right(found: float, bpm: float) -> bool:
    """Whether a tempo is within 4 %."""
    return bpm > 0 and abs(found / bpm - 1) <= _NEAR


def row(name: str, judged: list[tuple[bool, bool, float]], sure: float) -> str:
    """A row of the table; of each clip: right, right but for the octave, confidence."""
    kept = [one for one in judged if one[2] >= sure]

    def share(clips: list[tuple[bool, bool, float]], at: int) -> str:
        return f"{np.mean([one[at] for one in clips]):.0%}" if clips else ""

    return (
        f"| {name} | {len(judged)} | {share(judged, 0)} | {share(judged, 1)} "
        f"| {len(kept) / len(judged):.0%} | {share(kept, 0)} | {share(kept, 1)} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--midi", type=Path)
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--speech", type=Path)
    args = parser.parse_args()
    clips = [*clicks(), *synthesised()]
    if args.midi is not None:
        clips += midi(args.midi, args.soundfont)
    if args.speech is not None:
        clips += spoken(args.speech)
    judged: dict[str, list[tuple[bool, bool, float]]] = {}
    meter = TempoMeter(RATE)
    for clip in clips:
        meter.reset()
        meter.push(clip.samples)
        tempo = meter.value()
        assert tempo is not None
        right = is_right(tempo.bpm, clip.bpm)
        aside = any(is_right(tempo.bpm, clip.bpm * octave) for octave in _OCTAVES)
        judged.setdefault(clip.kind, []).append((right, aside, tempo.confidence))
    music = [one for kind in ("synthesiser", "MIDI") for one in judged.get(kind, [])]
    print("| clips | number | right | octave aside | reported | of these right | octave aside |")
    print("|---|---|---|---|---|---|---|")
    for kind, ones in judged.items():
        print(row(kind, ones, SURE_ENOUGH))
    print(row("synthesiser and MIDI", music, SURE_ENOUGH))
    print("\n| confidence | clips | right | octave aside |\n|---|---|---|---|")
    for low in np.arange(0.0, 0.8, 0.1):
        there = [one for one in music if low <= one[2] < low + 0.1 or one[2] >= low >= 0.7]
        if there:
            shares = [f"{np.mean([one[at] for one in there]):.0%}" for at in (0, 1)]
            print(f"| from {low:.1f} | {len(there)} | {shares[0]} | {shares[1]} |")


if __name__ == "__main__":
    main()
