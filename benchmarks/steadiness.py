"""How steady the label is on one song, and what is said of sound that is no music.

    python -m benchmarks.steadiness --data ~/gtzan --data ~/outside/outside.csv \
        --speech /usr/share/asterisk/sounds

Each valid recording is heard as the live pipeline hears it: with the default smoothing
and the model's own threshold of "uncertain". Each change of the label is a flip.
`--speech` is a folder of recordings without music, however short: they are heard one
after the other.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.folders import list_audio
from genre_edge.audio.level import is_silent
from genre_edge.live.smoothing import UNCERTAIN, Smoother
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig, ListenConfig
from genre_edge_train.data.recordings import load_recordings
from tqdm import tqdm

PAUSE_SECONDS = 0.3
"""Between two recordings of speech, s."""


def labels(engine: Engine, samples: Float32) -> Iterator[str]:
    """The label of each whole window of one recording, as it would be shown live."""
    listen = ListenConfig()
    threshold = engine.bundle.info.metrics.get("valid", {}).get("uncertain_below", 0.0)
    smoother = Smoother(engine.labels, listen.smooth, threshold)
    logmel, length = engine.logmel, engine.logmel.spec.window_samples
    for start in range(0, len(samples) - length + 1, length):
        window = samples[start : start + length]
        if is_silent(window, listen.silence_dbfs):
            smoother.silence()
            continue
        yield smoother.add(engine.classifier.scores(logmel.window(window)))[0]


def flips(shown: Iterable[str]) -> int:
    """Changes from one label to another."""
    return sum(a != b for a, b in pairwise(shown))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model))
    rate = engine.sample_rate
    for data in args.data:
        valid = [r for r in load_recordings(data) if r.side == "valid" and r.label]
        changed, seconds = 0, 0.0
        for recording in tqdm(valid, desc=data.stem, unit="file", disable=None):
            samples = read_mono(recording.path, rate)
            changed += flips(labels(engine, samples))
            seconds += len(samples) / rate
        print(f"{data.stem}: {changed / (seconds / 60):.2f} flips a minute over {seconds:.0f} s")
    for folder in args.speech:
        pause = np.zeros(round(PAUSE_SECONDS * rate), np.float32)
        files = list_audio(str(folder)).files
        parts = [p for file in tqdm(files, disable=None) for p in (read_mono(file, rate), pause)]
        said = Counter(labels(engine, np.concatenate(parts)))
        total = sum(said.values())
        print(
            f"{folder.name}: {1 - said[UNCERTAIN] / total:.1%} of {total} windows of {len(files)} "
            f"recordings get a genre; most often {said.most_common(3)}"
        )


if __name__ == "__main__":
    main()
