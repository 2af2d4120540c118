"""Below which level nothing can be heard: accuracy of quiet music after a 16-bit
converter.

    python -m benchmarks.silence --data DIR [--model NAME] [--self-noise -75]

Each window of the valid tracks is scaled to a level, white self-noise of the microphone
is added, and the sum is rounded to 16 bits; the table shows how many windows are still
right. The default of `--silence` stands where that falls off.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.level import level_dbfs
from genre_edge.audio.pcm import from_int16, to_int16
from genre_edge.judge.tracks import load_tracks
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig

LEVELS = (-20, -40, -50, -60, -65, -70, -75, -80, -85, -90, -95)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--self-noise", type=float, nargs="*", default=[-90, -75], help="dBFS")
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model))
    spec, labels = engine.logmel.spec, engine.classifier.labels
    windows = []
    for track in load_tracks(args.data):
        if track.split == "valid":
            samples = read_mono(track.path, spec.sample_rate)
            for start in range(0, len(samples) - spec.window_samples + 1, 3 * spec.window_samples):
                windows.append((track.genre, samples[start : start + spec.window_samples]))
    levels = sorted(level_dbfs(samples) for _, samples in windows)
    print(
        f"{args.model}: {len(windows)} windows, levels {levels[0]:.0f} to {levels[-1]:.0f} dBFS "
        "as recorded"
    )
    rng = np.random.default_rng(0)
    for noise in args.self_noise:
        for level in LEVELS:
            right = 0
            for genre, samples in windows:
                gain = 10 ** ((level - level_dbfs(samples)) / 20)
                heard = samples * gain + rng.standard_normal(len(samples)) * 10 ** (noise / 20)
                pcm = from_int16(to_int16(heard))
                scores = engine.classifier.scores(engine.logmel.window(pcm))
                right += labels[int(np.argmax(scores))] == genre
            print(
                f"self-noise {noise:g} dBFS, music at {level:4d} dBFS: "
                f"{right / len(windows):6.1%} right"
            )


if __name__ == "__main__":
    main()
