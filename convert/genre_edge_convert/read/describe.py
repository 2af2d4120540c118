"""What a bundle must say that the network's file does not: labels, front-end,
provenance, kind of output."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import Fault, GenreEdgeError, ModelError, UsageError
from genre_edge.model.bundle import read_bundle
from genre_edge.model.bundle_checks import check_meaning, checked_labels
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.text_files import read_text

from .frontends import load_frontend

if TYPE_CHECKING:  # networks brings TensorFlow
    from .networks import Network

_COLUMNS = ("display_name", "label", "name", "genre", "tag")
"""Columns of a CSV table that may hold the labels, the likeliest first."""
_SUM_TOLERANCE = 0.05
"""How far the sum of a softmax's outputs may be from 1, in int8."""


def describe(
    model: Path, labels: str | None, frontend: str | None, mapping: str | None = None
) -> BundleInfo:
    """What is known of a model besides its network: labels, front-end, provenance.

    Each comes from the first of these that has it: the arguments; the .json of the same
    name beside the model; the bundle itself, if the model is one. Without any, the
    front-end is the default one.

    Parameters
    ----------
    model
        The network's file.
    labels
        As for `load_labels`, or None.
    frontend
        As for `load_frontend`, or None.
    mapping
        As for `load_mapping`, or None.

    Raises
    ------
    UsageError
        The labels are not known.
    """
    info = _known(model)
    if frontend is not None:
        info = replace(info, frontend=load_frontend(frontend))
    if labels is not None:
        info = replace(info, labels=load_labels(labels), outputs=(), mapping={})
    if not info.labels:
        raise UsageError(
            f"{model}: its labels are not known: give --labels (a file with one label a line, or "
            f"a list with commas), or put {model.with_suffix('.json').name}, as genre-train "
            "writes it, beside the model"
        )
    if mapping is not None:
        groups = load_mapping(mapping, info.output_names)
        info = replace(info, labels=tuple(groups), outputs=info.output_names, mapping=groups)
    refuse_unfit(info.labels)
    return info


def refuse_unfit(labels: Sequence[str]) -> None:
    """UsageError for a label that cannot be shown, or that the program shows where it
    has none."""
    try:
        checked_labels(list(labels))
        check_meaning(labels)
    except ValueError as error:
        raise UsageError(f"{error} (--labels, or --map)") from None


def _known(model: Path) -> BundleInfo:
    beside = model.with_suffix(".json")
    if beside.is_file():
        return _from_json(beside)
    if model.suffix == ".tflite":
        try:
            info = read_bundle(model).info
            return BundleInfo(
                info.name,
                info.labels,
                info.frontend,
                trained_on=info.trained_on,
                embedding=info.embedding,
                outputs=info.outputs,
                mapping=info.mapping,
            )
        except GenreEdgeError:
            pass  # a plain TFLite model, not a bundle
    return BundleInfo("", (), FrontendSpec())


def _from_json(path: Path) -> BundleInfo:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return BundleInfo(
            name="",
            labels=tuple(str(label) for label in values["labels"]),
            frontend=FrontendSpec.from_dict(values["frontend"]),
            trained_on=values.get("trained_on", {}),
        )
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a description of a model ({error!r})") from None
    except GenreEdgeError as error:
        raise ModelError(f"{path}: {error}") from None


def load_labels(given: str) -> tuple[str, ...]:
    """Labels from a file or a list.

    Parameters
    ----------
    given
        A file with one label a line, or a list such as "a,b,c".

    Raises
    ------
    UsageError
        There are fewer than two labels, one is empty, or two are equal.
    """
    path = Path(given)
    if path.is_file():
        labels = _labels_in(path)
    else:
        labels = tuple(label.strip() for label in given.split(","))
    if len(labels) < 2 and not path.is_file():
        reason = "neither a file nor a list with commas of two labels or more"
        raise UsageError(Fault("labels", given, reason))
    if len(labels) < 2 or not all(labels):
        reason = "needs two labels or more, in a file or separated by commas"
        raise UsageError(Fault("labels", given, reason))
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(Fault("labels", given, f"{', '.join(twice)} is given twice"))
    return labels


def _labels_in(path: Path) -> tuple[str, ...]:
    """Labels in a file: one a line, or the column of a CSV table that is called so."""
    lines = [line for line in read_text(path, western=True).split("\n") if line.strip()]
    rows = list(csv.reader(lines)) if path.suffix == ".csv" else []
    column = next((name for name in _COLUMNS if rows and name in rows[0]), None)
    if column is None:
        return tuple(line.strip() for line in lines)
    at = rows[0].index(column)
    return tuple(row[at].strip() for row in rows[1:] if len(row) > at)


def load_mapping(given: str, outputs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which outputs each of our labels stands for.

    Parameters
    ----------
    given
        A TOML file of lines such as rock = ["Rock music", "Heavy metal"], or a list
        such as "Rock music=rock,Heavy metal=rock".
    outputs
        Names of the network's outputs.

    Raises
    ------
    UsageError
        It cannot be read, or names what is no output.
    """
    path = Path(given)
    groups: dict[str, list[str]] = {}
    if path.is_file():
        try:
            table = tomllib.loads(read_text(path))
        except ValueError as error:
            raise UsageError(Fault("map", given, f"not TOML ({error})")) from None
        groups = {ours: [n] if isinstance(n, str) else n for ours, n in table.items()}
    else:
        for pair in given.split(","):
            theirs, equals, ours = (part.strip() for part in pair.partition("="))
            if not (theirs and equals and ours):
                reason = "must be a TOML file, or THEIRS=OURS pairs separated by commas"
                raise UsageError(Fault("map", given, reason))
            groups.setdefault(ours, []).append(theirs)
    if not groups or not all(isinstance(n, list) and n for n in groups.values()):
        raise UsageError(Fault("map", given, "every label needs a list of outputs"))
    unknown = sorted({str(n) for names in groups.values() for n in names} - set(outputs))
    if unknown:
        reason = f"the network has no output {', '.join(unknown[:5])}"
        raise UsageError(Fault("map", given, reason))
    return {ours: tuple(dict.fromkeys(names)) for ours, names in groups.items()}


def check_labels(network: Network, labels: Sequence[str]) -> None:
    """ModelError unless the network has one output for each label."""
    if network.outputs != len(labels):
        raise ModelError(
            f"{network.path}: has {network.outputs} outputs, but there are {len(labels)} labels "
            f"({', '.join(labels)}): give the right ones with --labels"
        )


def output_kind(path: Path, outputs: Float32, multi_label: bool = False) -> str:
    """What the outputs of a network are.

    Parameters
    ----------
    path
        The network's file, for messages.
    outputs
        Its raw outputs on real windows, float32 [n, labels].
    multi_label
        Whether several labels may hold at once, as the user says.

    Returns
    -------
    str
        One of `genre_edge.model.bundle.OUTPUTS`. Numbers from 0 to 1 whose sum is not 1
        are sigmoids.

    Raises
    ------
    ModelError
        They are not finite.
    """
    if not np.isfinite(outputs).all():
        raise ModelError(
            f"{path}: its outputs on real windows are NaN or infinite: its weights or its "
            "normalisation are broken"
        )
    within = bool((outputs >= -1e-4).all() and (outputs <= 1 + 1e-4).all())
    if multi_label:
        return "sigmoids" if within else "sigmoid-logits"
    if not within:
        return "logits"
    sums_to_one = bool((np.abs(outputs.sum(axis=1) - 1) < _SUM_TOLERANCE).all())
    return "probabilities" if sums_to_one else "sigmoids"
