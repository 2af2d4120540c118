"""What a training run leaves in its folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.judge.measures import calibration_error, reliability
from genre_edge.judge.tracks import Track

from ..data.splits import PROTOCOLS
from .accuracy import report
from .plots import plot_calibration, plot_confusion, plot_history

Curves = Mapping[str, Mapping[str, Sequence[float]]]
"""{"loss": {"train": [...], "valid": [...]}, ...}, a number an epoch."""


@dataclass(frozen=True)
class Judged:
    """A trained model's answers on the windows that its figures are about."""

    scores: Float32
    """Probabilities, float32 [n, labels]."""
    label: npt.NDArray[np.int64]
    """True labels, [n]."""
    track: npt.NDArray[np.int64]
    """Track numbers, [n]."""
    side: str
    """"test", or "valid" where there are no test tracks."""
    protocol: str
    """How the sides were made; a name in splits.PROTOCOLS, or "fold 2 of 5"."""

    def metrics(self, labels: Sequence[str]) -> dict[str, Any]:
        """The figures, as in metrics.json."""
        return {
            "protocol": self.protocol,
            "side": self.side,
            **report(self.scores, self.label, self.track, labels),
            "calibration_error": round(calibration_error(self.sure()), 4),
        }

    def sure(self) -> list[tuple[float, bool]]:
        """(confidence, right) of each window."""
        right = self.scores.argmax(axis=1) == self.label
        return [(float(p), bool(r)) for p, r in zip(self.scores.max(axis=1), right, strict=True)]


def write_results(
    folder: Path,
    model: keras.Model,
    description: Mapping[str, Any],
    judged: Judged,
    curves: Curves,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """model.keras, model.json, metrics.json, network.txt, card.md and the pictures;
    returns the metrics.

    `description` holds labels, frontend and trained_on; `more` is added to the metrics.
    """
    labels = description["labels"]
    metrics = {**judged.metrics(labels), **(more or {})}
    model.save(folder / "model.keras")
    (folder / "model.json").write_text(json.dumps(description, indent=1) + "\n")
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line), line_length=100)
    (folder / "network.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card(description, metrics))
    plot_history(curves, folder / "history.png")
    title = f"{judged.side} windows, protocol {judged.protocol}"
    plot_confusion(metrics["window"]["confusion"], labels, folder / "confusion.png", title)
    plot_calibration(
        reliability(judged.sure()), folder / "calibration.png", metrics["calibration_error"]
    )
    return metrics


def card(description: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The run's model card in Markdown."""
    window, track = metrics["window"], metrics["track"]
    protocol = PROTOCOLS.get(
        metrics["protocol"], "cross-validation over tracks; neighbouring names stay together"
    )
    rows = [
        f"| {genre} | {found['precision']:.2f} | {found['recall']:.2f} | {found['f1']:.2f} | "
        f"{found['count']} |"
        for genre, found in window["genres"].items()
    ]
    return "\n".join(
        [
            f"# {description['trained_on']['architecture']}: {', '.join(description['labels'])}",
            "",
            f"Right on {window['accuracy']:.1%} of {window['count']} windows and "
            f"{track['accuracy']:.1%} of "
            f"{track['count']} tracks ({metrics['side']} side). Protocol {metrics['protocol']}: "
            f"{protocol}. "
            f"Expected calibration error {metrics['calibration_error']:.3f}.",
            "",
            "| label | precision | recall | F1 | windows |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "## Made from",
            "",
            *(f"- {key}: {value}" for key, value in description["trained_on"].items()),
            "",
        ]
    )


def write_tracks(folder: Path, tracks: Sequence[Track]) -> None:
    """tracks.csv: the recordings and sides of this run, for genre-convert and
    genre-edge bench."""
    with (folder / "tracks.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["track", "genre", "file", "split", "filtered"])
        table.writerows([t.name, t.genre, t.path.resolve(), t.split, t.filtered] for t in tracks)


def headline(metrics: Mapping[str, Any]) -> str:
    """One line: side, protocol and accuracy."""
    room = metrics.get("room")
    heard = (
        f"; in rooms {room['window']['accuracy']:.1%} and {room['track']['accuracy']:.1%}"
        if room
        else ""
    )
    return (
        f"{metrics['side']} ({metrics['protocol']}): {metrics['window']['accuracy']:.1%} of "
        f"{metrics['window']['count']} windows, {metrics['track']['accuracy']:.1%} of "
        f"{metrics['track']['count']} tracks{heard}"
    )
