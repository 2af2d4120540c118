"""Whether a bundle still says what the Keras model says, and how often it is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.files import FileSource
from genre_edge.errors import RuntimeMissing
from genre_edge.judge.measures import calibration_error, uncertain_below
from genre_edge.judge.tracks import Track
from genre_edge.model.bundle import read_bundle
from genre_edge.model.classifier import RUNTIMES, Classifier
from genre_edge.model.engine import Engine
from genre_edge.records import FileRecord
from genre_edge.settings.tables import EngineConfig
from tqdm import tqdm


def answers(path: Path, windows: Float32, runtime: str | None = None) -> npt.NDArray[np.int64]:
    """The bundle's top-1 on each window, int64 [n]."""
    classifier = Classifier(read_bundle(path), runtime)
    return np.array(
        [int(np.argmax(classifier.scores(window))) for window in windows], dtype=np.int64
    )


def runs_in(path: Path, windows: Float32) -> dict[str, float]:
    """{interpreter: share of windows on which its top-1 is the first's} for each that
    is installed. BundleError."""
    found: dict[str, float] = {}
    first: npt.NDArray[np.int64] | None = None
    for runtime in RUNTIMES:
        try:
            said = answers(path, windows, runtime)
        except RuntimeMissing:
            continue
        first = said if first is None else first
        found[runtime] = round(float((said == first).mean()), 4)
    return found


def worst_label(
    labels: Sequence[str],
    truth: npt.NDArray[np.int64],
    expected: npt.NDArray[np.int64],
    said: npt.NDArray[np.int64],
) -> tuple[str, float]:
    """The label that loses most recall against the network's own answers, and how many
    points (negative: loss)."""
    change = {
        label: 100 * float((said == i)[truth == i].mean() - (expected == i)[truth == i].mean())
        for i, label in enumerate(labels)
        if (truth == i).any()
    }
    worst = min(change, key=lambda label: change[label])
    return worst, round(change[worst], 1)


def accuracy(path: Path, tracks: Sequence[Track]) -> dict[str, Any]:
    """Accuracy by window and by track of the bundle over the tracks, through the
    pipeline that users run.

    Also each label's recall by window, the confusions ({"rock > metal": windows}, most
    frequent first), the expected calibration error of the windows' confidences, and the
    confidence below which a window is more likely wrong than right.
    """
    engine = Engine(EngineConfig(str(path)))
    right = {"windows": 0, "tracks": 0}
    count = {"windows": 0, "tracks": 0}
    confused: Counter[str] = Counter()
    by_label: dict[str, list[bool]] = {}
    sure: list[tuple[float, bool]] = []
    for track in tqdm(tracks, desc=path.name, unit="track", leave=False, disable=None):
        source = FileSource(track.path)
        for record in engine.classify(source):
            unit = "tracks" if isinstance(record, FileRecord) else "windows"
            count[unit] += 1
            right[unit] += record.genre == track.genre
            if unit == "windows":
                sure.append((record.confidence, record.genre == track.genre))
                by_label.setdefault(track.genre, []).append(record.genre == track.genre)
                if record.genre != track.genre:
                    confused[f"{track.genre} > {record.genre}"] += 1
        source.close()
    return {
        unit: {"count": count[unit], "accuracy": round(right[unit] / max(1, count[unit]), 4)}
        for unit in count
    } | {
        "recall": {
            label: round(sum(hits) / len(hits), 4) for label, hits in sorted(by_label.items())
        },
        "confusions": dict(confused.most_common(8)),
        "calibration_error": round(calibration_error(sure), 4),
        "uncertain_below": uncertain_below(sure),
    }
