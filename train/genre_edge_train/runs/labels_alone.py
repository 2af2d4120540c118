"""One run without a teacher: a network is fitted to the labels, calibrated and
judged."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.errors import UsageError
from genre_edge.judge.predictions import Predictions
from genre_edge.judge.tracks import Track, labels_of
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.version import __version__

from ..data.features import TrackFeatures, extract_all
from ..data.splits import window_sides
from ..data.windows import Windows
from ..network.fit import FitSpec, fit, predict
from ..network.models import build
from ..network.temperature import apply_temperature, fit_temperature
from ..results.run_folder import Curves, HeldOut, write_results, write_tracks


def prepare(
    tracks: Sequence[Track], arch: str, cache: Path, jobs: int
) -> tuple[list[TrackFeatures], FrontendSpec]:
    """Features of every track, for any number of runs.

    Parameters
    ----------
    tracks
        The tracks. Those that cannot be read are named on standard error.
    arch
        The network to be trained, a name in models.ARCHITECTURES.
    cache
        The folder of cached features.
    jobs
        Number of processes.

    Returns
    -------
    tuple
        The features, and the front-end that made them.
    """
    frontend = FrontendSpec()
    build(arch, frontend.shape, 2)  # an unknown name is an error before the long part begins
    features, bad = extract_all(tracks, frontend, cache, jobs)
    for line in bad:
        print(f"genre-train: skipped {line}", file=sys.stderr)
    return features, frontend


def train_on_labels(
    features: Sequence[TrackFeatures],
    tracks: Sequence[Track],
    frontend: FrontendSpec,
    protocol: str,
    spec: FitSpec,
    output: Path,
) -> dict[str, Any]:
    """Train a network and write the results.

    Parameters
    ----------
    features
        Features of these tracks; there may be more.
    tracks
        The tracks, each on its side.
    frontend
        The front-end of the features.
    protocol
        How the sides were made, for the record.
    spec
        The network, and how it is fitted.
    output
        Where the results go (see `write_results`).

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    UsageError
        No windows are left to train or to validate on.
    """
    labels = labels_of(tracks)
    side = {track.name: track for track in tracks}
    used = [replace(f, track=side[f.track.name]) for f in features if f.track.name in side]
    train, valid, test = _sides(Windows.of(used, labels), protocol, spec.seed)
    if not len(train) or not len(valid):
        raise UsageError(
            f"nothing left to train or validate on ({len(tracks) - len(used)} files skipped)"
        )
    model = fit(train, valid, len(labels), spec, output)
    temperature = fit_temperature(np.log(predict(model, valid) + 1e-9), valid.label)
    apply_temperature(model, temperature)
    held, name = (test, "test") if len(test) else (valid, "valid")
    predictions = Predictions.of_windows(labels, predict(model, held), held.label, held.track)
    held_out = HeldOut(predictions, name, protocol)
    description = {
        "labels": labels,
        "frontend": frontend.to_dict(),
        "trained_on": {
            "architecture": spec.arch,
            "tracks": train.tracks(),
            "windows": len(train),
            "skipped": len(tracks) - len(used),
            "seed": spec.seed,
            "temperature": round(temperature, 2),
            "version": __version__,
        },
    }
    write_tracks(output, tracks)
    return write_results(output, model, description, held_out, _curves(output / "history.csv"))


def _sides(windows: Windows, protocol: str, seed: int) -> tuple[Windows, Windows, Windows]:
    if protocol == "segments":
        sides = window_sides(len(windows), seed)
        return (
            windows.where(sides == "train"),
            windows.where(sides == "valid"),
            windows.where(sides == "test"),
        )
    return windows.on_side("train"), windows.on_side("valid"), windows.on_side("test")


def _curves(path: Path) -> Curves:
    """Loss and accuracy from CSVLogger's table."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        measure: {
            "train": [float(row[measure]) for row in rows],
            "valid": [float(row[f"val_{measure}"]) for row in rows],
        }
        for measure in ("loss", "accuracy")
    }
