"""Every model on the same windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..audio.files import FileSource
from ..errors import AudioError
from ..judge.measures import calibration_error, macro_f1, mcnemar, wilson
from ..judge.tracks import Track
from ..model.classifier import Classifier
from ..model.engine import Counted, windows_of
from ..model.frontend import LogMel
from ..model.frontend_spec import FrontendSpec


@dataclass
class Answers:
    """What one model says of every window."""

    scores: list[Float32] = field(default_factory=list)
    """Probabilities of each window, float32 [labels]."""

    def by_window(self) -> Float32:
        """float32 [windows, labels]."""
        return np.array(self.scores, dtype=np.float32)


@dataclass
class Heard:
    """The windows that were classified."""

    labels: tuple[str, ...]
    """The models' labels."""
    track: list[int] = field(default_factory=list)
    """Each window's track, an index into `truth` and `names`."""
    truth: list[int] = field(default_factory=list)
    """Each track's label, an index into `labels`."""
    names: list[str] = field(default_factory=list)
    """Each track's name."""
    seconds: float = 0.0
    """Length of all tracks, s."""
    skipped: list[str] = field(default_factory=list)
    """One line for each file that cannot be read."""
    sample: list[dict[FrontendSpec, Float32]] = field(default_factory=list)
    """Audio of some windows by front-end, to measure the cost on: float32
    [window_samples]."""

    def window_truth(self) -> npt.NDArray[np.int64]:
        """Each window's label: [windows]."""
        return np.array(self.truth, dtype=np.int64)[np.array(self.track, dtype=np.int64)]


SAMPLE = 32
"""Windows kept to measure the cost on."""


def ask(
    classifiers: Sequence[Classifier], frontends: Sequence[FrontendSpec], tracks: Iterable[Track]
) -> tuple[Heard, list[Answers]]:
    """Every classifier's answers on every window of the tracks, as `genre-edge
    classify` takes them.

    `frontends` belong to the classifiers, in order; each distinct one is computed once.
    All must have the same labels and the same window length. A track that cannot be
    read to its end counts for nothing.
    """
    heard = Heard(classifiers[0].labels)
    answers = [Answers() for _ in classifiers]
    logmels = {spec: LogMel(spec) for spec in frontends}
    for track in tracks:
        sources: list[Counted] = []
        found: list[list[Float32]] = []
        try:
            sources += [Counted(FileSource(track.path)) for _ in logmels]
            streams = [
                windows_of(s, logmel) for s, logmel in zip(sources, logmels.values(), strict=True)
            ]
            for row in zip(*streams, strict=True):
                features = {
                    spec: window.features for spec, window in zip(logmels, row, strict=True)
                }
                found.append(
                    [
                        c.scores(features[spec])
                        for c, spec in zip(classifiers, frontends, strict=True)
                    ]
                )
                if len(heard.sample) < SAMPLE and len(found) % 5 == 1:
                    heard.sample.append({s: w.samples for s, w in zip(logmels, row, strict=True)})
        except AudioError as error:
            heard.skipped.append(str(error))
            continue
        finally:
            for source in sources:
                source.close()
        heard.track += [len(heard.names)] * len(found)
        heard.names.append(track.name)
        heard.truth.append(heard.labels.index(track.genre))
        heard.seconds += sources[0].seconds
        for answer, scores in zip(answers, zip(*found, strict=True), strict=True):
            answer.scores += scores
    return heard, answers


def by_track(heard: Heard, answers: Answers) -> Float32:
    """Mean probabilities of each track's windows, float32 [tracks, labels]."""
    scores, track = answers.by_window(), np.array(heard.track)
    return np.stack([scores[track == number].mean(axis=0) for number in range(len(heard.names))])


def judged(heard: Heard, answers: Answers) -> dict[str, Any]:
    """One model's accuracy by window and by track, as in bench.json."""
    scores = answers.by_window()
    truth = heard.window_truth()
    said = scores.argmax(axis=1)
    sure = [(float(p), bool(r)) for p, r in zip(scores.max(axis=1), said == truth, strict=True)]
    return {
        "windows": _share(heard.labels, truth, said),
        "tracks": _share(
            heard.labels, np.array(heard.truth), by_track(heard, answers).argmax(axis=1)
        ),
        "calibration_error": round(calibration_error(sure), 4),
        "top1": said.tolist(),
    }


def _share(
    labels: Sequence[str], truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Accuracy with its 95 % interval, macro F1, the genres and the confusion matrix
    [true][predicted]."""
    n = len(labels)
    pairs = (truth * n + said).astype(np.intp)  # 32-bit systems count no int64
    confusion = np.bincount(pairs, minlength=n * n).reshape(n, n)
    right, count = int((truth == said).sum()), len(truth)
    low, high = wilson(right, count)
    return {
        "count": count,
        "right": right,
        "accuracy": round(right / count, 4),
        "interval": [round(low, 4), round(high, 4)],
        "macro_f1": round(macro_f1(confusion), 4),
        "genres": {
            label: {
                "count": int(confusion[i].sum()),
                "recall": _ratio(confusion[i, i], confusion[i].sum()),
                "precision": _ratio(confusion[i, i], confusion[:, i].sum()),
            }
            for i, label in enumerate(labels)
        },
        "confusion": confusion.tolist(),
    }


def _ratio(part: int, whole: int) -> float | None:
    """None where there is nothing to take a share of."""
    return round(float(part / whole), 4) if whole else None


def difference(heard: Heard, small: Answers, large: Answers) -> dict[str, Any]:
    """A quantised model beside its float original, on the same windows, as in
    bench.json."""
    truth = heard.window_truth()
    a, b = small.by_window(), large.by_window()
    said_a, said_b = a.argmax(axis=1), b.argmax(axis=1)
    shift = np.abs(a - b).max(axis=1)
    moved = Counter(
        f"{heard.labels[j]} > {heard.labels[i]}"
        for i, j in zip(said_a, said_b, strict=True)
        if i != j
    )
    track_truth = np.array(heard.truth)
    return {
        "windows": _paired(said_a == truth, said_b == truth),
        "tracks": _paired(
            by_track(heard, small).argmax(axis=1) == track_truth,
            by_track(heard, large).argmax(axis=1) == track_truth,
        ),
        "agreement": round(float((said_a == said_b).mean()), 4),
        "probability_shift": {
            "mean": round(float(shift.mean()), 4),
            "worst": round(float(shift.max()), 4),
        },
        "moved": dict(moved.most_common()),
    }


def _paired(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Difference of two accuracies on the same cases, in points, with McNemar's exact
    p."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return {
        "points": round(100 * float(first.mean() - second.mean()), 2),
        "only_first": only_first,
        "only_second": only_second,
        "p": round(mcnemar(only_first, only_second), 4),
    }
