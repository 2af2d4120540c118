"""Whether a bundle still says what the Keras model says, and how often it is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.bundle import read_bundle
from genre_edge.classifier import Classifier
from genre_edge.frontend import Float32
from genre_edge.pipeline import Engine, EngineConfig
from genre_edge.records import FileRecord
from genre_edge.sources import FileSource
from genre_edge.statistics import calibration_error, uncertain_below
from genre_edge.tracks import Track
from tqdm import tqdm


def keras_top1(model: keras.Model, windows: Float32) -> npt.NDArray[np.int64]:
    """Index of the most probable label of each window, int64 [n]."""
    scores = model.predict(windows[..., None], batch_size=64, verbose=0)
    return np.argmax(scores, axis=1)


def agreement(path: Path, windows: Float32, expected: npt.NDArray[np.int64]) -> float:
    """Share of windows on which the bundle's top-1 is the expected one, 0 to 1."""
    classifier = Classifier(read_bundle(path))
    same = [int(np.argmax(classifier.scores(w))) == e for w, e in zip(windows, expected, strict=True)]
    return float(np.mean(same))


def accuracy(path: Path, tracks: Sequence[Track]) -> dict[str, Any]:
    """Accuracy by window and by track of the bundle over the tracks, through the pipeline that users run.

    Also the confusions ({"rock > metal": windows}, most frequent first), the expected calibration
    error of the windows' confidences, and the confidence below which a window is more likely wrong than right.
    """
    engine = Engine(EngineConfig(str(path)))
    right = {"windows": 0, "tracks": 0}
    count = {"windows": 0, "tracks": 0}
    confused: Counter[str] = Counter()
    sure: list[tuple[float, bool]] = []
    for track in tqdm(tracks, desc=path.name, unit="track", leave=False, disable=None):
        source = FileSource(track.path)
        for record in engine.classify(source):
            unit = "tracks" if isinstance(record, FileRecord) else "windows"
            count[unit] += 1
            right[unit] += record.genre == track.genre
            if unit == "windows":
                sure.append((record.confidence, record.genre == track.genre))
                if record.genre != track.genre:
                    confused[f"{track.genre} > {record.genre}"] += 1
        source.close()
    return {
        unit: {"count": count[unit], "accuracy": round(right[unit] / max(1, count[unit]), 4)}
        for unit in count
    } | {
        "confusions": dict(confused.most_common(8)),
        "calibration_error": round(calibration_error(sure), 4),
        "uncertain_below": uncertain_below(sure),
    }
