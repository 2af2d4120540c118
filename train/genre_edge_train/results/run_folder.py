"""What a training run leaves in its folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from genre_edge.files import write_atomically
from genre_edge.judge.evaluation import Evaluation, evaluate
from genre_edge.judge.measures import reliability
from genre_edge.judge.predictions import Predictions
from genre_edge.judge.tracks import Track

from ..data.splits import PROTOCOLS
from .plots import plot_calibration, plot_confusion, plot_history

Curves = Mapping[str, Mapping[str, Sequence[float]]]
"""{"loss": {"train": [...], "valid": [...]}, ...}, with a number for each epoch."""


@dataclass(frozen=True)
class HeldOut:
    """A trained model's answers on the windows that its figures are about."""

    predictions: Predictions
    """The answers."""
    side: str
    """"test", or "valid" where there are no test tracks."""
    protocol: str
    """How the sides were made; a name in splits.PROTOCOLS, or "fold 2 of 5"."""


def write_results(
    folder: Path,
    model: keras.Model,
    description: Mapping[str, Any],
    held_out: HeldOut,
    curves: Curves,
    in_rooms: Predictions | None = None,
) -> dict[str, Any]:
    """Write what a run leaves behind: model.keras, model.json, metrics.json,
    network.txt, card.md and the pictures.

    Parameters
    ----------
    folder
        Where the files go.
    model
        The trained network.
    description
        What model.json holds: labels, frontend and trained_on.
    held_out
        The model's answers on the windows that its figures are about.
    curves
        What was measured after each epoch.
    in_rooms
        The answers on the same windows played in rooms, if that was done.

    Returns
    -------
    dict
        The content of metrics.json: protocol, side, the evaluation, and under "room"
        the evaluation in rooms.
    """
    labels, predictions = description["labels"], held_out.predictions
    evaluation = evaluate(predictions)
    metrics = {
        "protocol": held_out.protocol,
        "side": held_out.side,
        **evaluation.to_dict(),
        **({} if in_rooms is None else {"room": evaluate(in_rooms).to_dict()}),
    }
    model.save(folder / "model.keras")
    write_atomically(folder / "model.json", json.dumps(description, indent=1) + "\n")
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line), line_length=100)
    (folder / "network.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card(description, held_out, evaluation))
    plot_history(curves, folder / "history.png")
    title = f"{held_out.side} windows, protocol {held_out.protocol}"
    plot_confusion(evaluation.windows.confusion, labels, folder / "confusion.png", title)
    plot_calibration(
        reliability(predictions.confidence, predictions.right),
        folder / "calibration.png",
        evaluation.calibration_error,
    )
    # Last: its presence says that the run is finished.
    write_atomically(folder / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    return metrics


def card(description: Mapping[str, Any], held_out: HeldOut, evaluation: Evaluation) -> str:
    """The run's model card in Markdown."""
    windows, tracks = evaluation.windows, evaluation.tracks
    protocol = PROTOCOLS.get(
        held_out.protocol, "cross-validation over tracks; neighbouring names stay together"
    )
    rows = [
        f"| {genre} | {found.precision or 0:.2f} | {found.recall or 0:.2f} | {found.f1:.2f} | "
        f"{found.count} |"
        for genre, found in windows.genres.items()
    ]
    return "\n".join(
        [
            f"# {description['trained_on']['architecture']}: {', '.join(description['labels'])}",
            "",
            f"Right on {windows.accuracy:.1%} of {windows.count} windows and "
            f"{tracks.accuracy:.1%} of {tracks.count} tracks ({held_out.side} side). "
            f"Protocol {held_out.protocol}: {protocol}. "
            f"Expected calibration error {evaluation.calibration_error:.3f}.",
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
    """Write tracks.csv: the recordings of a run and their sides, for genre-convert and
    genre-edge bench."""
    with (folder / "tracks.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["track", "genre", "file", "split", "filtered"])
        table.writerows([t.name, t.genre, t.path.resolve(), t.split, t.filtered] for t in tracks)


def headline(metrics: Mapping[str, Any]) -> str:
    """One line of what metrics.json holds: side, protocol and accuracy."""
    windows, tracks, room = metrics["windows"], metrics["tracks"], metrics.get("room")
    in_rooms = (
        f"; in rooms {room['windows']['accuracy']:.1%} and {room['tracks']['accuracy']:.1%}"
        if room
        else ""
    )
    return (
        f"{metrics['side']} ({metrics['protocol']}): {windows['accuracy']:.1%} of "
        f"{windows['count']} windows, {tracks['accuracy']:.1%} of {tracks['count']} "
        f"tracks{in_rooms}"
    )
