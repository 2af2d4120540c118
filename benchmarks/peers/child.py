"""One way in a process of its own: answers the parent's lines on standard input with
lines of JSON.

first FILE      load, name the genre of the file's first window: {"label"}
accuracy        {"windows": [right, count], "tracks": [right, count]}, valid tracks
window K        {"ms"} for window K of the valid tracks, decoded before the clock starts
memory          {"peak_mb"}
describe        {"packages", "model_kb"}
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.audio.file_source import read_mono
from genre_edge.bench.alone import peak_bytes
from genre_edge.judge.tracks import Track, load_tracks
from ways import LABELS, RATE, WAYS, Given, Way

LENGTH = 3 * RATE


def windows(track: Track) -> Any:
    """The track's windows, one after the other, float32 [n, LENGTH]."""
    samples = read_mono(track.path, RATE)
    count = len(samples) // LENGTH
    return samples[: count * LENGTH].reshape(count, LENGTH)


def accuracy(way: Way, tracks: list[Track]) -> dict[str, Any]:
    """Windows and tracks right."""
    found = {"windows": [0, 0], "tracks": [0, 0]}
    for track in tracks:
        scores = np.array([way.scores(w) for w in windows(track)])
        truth = LABELS.index(track.genre)
        found["windows"][0] += int((scores.argmax(axis=1) == truth).sum())
        found["windows"][1] += len(scores)
        found["tracks"][0] += int(scores.mean(axis=0).argmax() == truth)
        found["tracks"][1] += 1
    return found


def main() -> None:
    """Serve."""
    name, data = sys.argv[1], Path(sys.argv[2])
    way = WAYS[name](Given(*map(Path, sys.argv[3:6])))
    valid: list[Track] = []
    sample: Any = None
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "first":
            found: dict[str, Any] = {
                "label": LABELS[
                    int(np.argmax(way.scores(windows(Track("", "", Path(rest), ""))[0])))
                ]
            }
        elif command == "memory":
            found = {"peak_mb": peak_bytes() / 1e6}
        elif command == "describe":
            size = sum(file.stat().st_size for file in way.files)
            found = {"packages": list(way.packages), "model_kb": size / 1e3}
        else:
            valid = valid or [track for track in load_tracks(data) if track.split == "valid"]
            if command == "accuracy":
                found = accuracy(way, valid)
            else:
                sample = (
                    sample
                    if sample is not None
                    else np.concatenate([windows(t)[4:6] for t in valid])
                )
                given = sample[int(rest) % len(sample)]
                start = time.perf_counter()
                way.scores(given)
                found = {"ms": (time.perf_counter() - start) * 1e3}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
