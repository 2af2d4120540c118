"""Whether a bundle agrees with the network it was made from, and how right it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.errors import RuntimeMissing
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.measures import uncertain_below
from genre_edge.judge.predict import LabelledSource, predict
from genre_edge.judge.tracks import Track
from genre_edge.model.bundle import read_bundle
from genre_edge.model.classifier import RUNTIMES, Classifier
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from tqdm import tqdm

_CONFUSIONS = 8
"""The most frequent confusions that a bundle names."""


def scores_of(path: Path, windows: Float32, runtime: str | None = None) -> Float32:
    """A bundle's scores on each window, float32 [n, labels].

    Parameters
    ----------
    path
        The bundle.
    windows
        Features, float32 [n, *FrontendSpec.shape].
    runtime
        The interpreter; None takes the first that is installed.
    """
    classifier = Classifier(read_bundle(path), runtime)
    return np.stack([classifier.scores(window) for window in windows])


def runs_in(path: Path, windows: Float32) -> dict[str, float]:
    """The interpreters that are installed and run a bundle.

    Returns
    -------
    dict
        {interpreter: share of windows on which its most probable label is the first
        interpreter's}

    Raises
    ------
    BundleError
        An interpreter cannot load the bundle.
    """
    found: dict[str, float] = {}
    first: npt.NDArray[np.int64] | None = None
    for runtime in RUNTIMES:
        try:
            answered = scores_of(path, windows, runtime).argmax(axis=1)
        except RuntimeMissing:
            continue
        first = answered if first is None else first
        found[runtime] = round(float((answered == first).mean()), 4)
    return found


def largest_loss(
    labels: Sequence[str],
    truth: npt.NDArray[np.int64],
    network: npt.NDArray[np.int64],
    bundle: npt.NDArray[np.int64],
) -> tuple[str, float]:
    """The label that conversion harms most.

    Parameters
    ----------
    labels
        Names of the outputs.
    truth, network, bundle
        Index of the true label, of the network's and of the bundle's most probable
        label for each window: int64 [n].

    Returns
    -------
    tuple
        The label whose recall falls most, and by how many percentage points it changes
        (below 0: it falls).
    """
    change = {
        label: 100 * float((bundle == i)[truth == i].mean() - (network == i)[truth == i].mean())
        for i, label in enumerate(labels)
        if (truth == i).any()
    }
    worst = min(change, key=lambda label: change[label])
    return worst, round(change[worst], 1)


def valid_metrics(path: Path, tracks: Sequence[Track]) -> dict[str, Any]:
    """How right a bundle is on tracks, through the engine that users run.

    Parameters
    ----------
    path
        The bundle.
    tracks
        Labelled recordings. Those that cannot be read are named on standard error.

    Returns
    -------
    dict
        What the bundle says under `metrics.valid`: the evaluation, and `recall` of each
        label by window, `confusions` ({"rock > metal": windows}, most frequent first)
        and `uncertain_below` (see `genre_edge.judge.measures`).
    """
    shown = tqdm(tracks, desc=path.name, unit="track", leave=False, disable=None)
    answers = predict([Engine(EngineConfig(str(path)))], map(LabelledSource.of, shown))
    for line in answers.skipped:
        tqdm.write(f"genre-convert: skipped {line}", file=sys.stderr)
    (predictions,) = answers.predictions
    evaluation = evaluate(predictions)
    genres = sorted(evaluation.windows.genres.items())
    confusions = evaluation.windows.confusions().items()
    return {
        **evaluation.to_dict(),
        "recall": {
            label: round(genre.recall, 4) for label, genre in genres if genre.recall is not None
        },
        "confusions": dict(islice(confusions, _CONFUSIONS)),
        "uncertain_below": uncertain_below(predictions.confidence, predictions.right),
    }
