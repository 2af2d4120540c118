"""What a bundle must say that the network's file does not: labels, front-end,
provenance, kind of output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import Fault, GenreEdgeError, ModelError, UsageError
from genre_edge.model.bundle import BundleInfo, read_bundle
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.text_files import read_text

from .frontends import load_frontend

if TYPE_CHECKING:  # networks brings TensorFlow
    from .networks import Network

_SUM_TOLERANCE = 0.05
"""How far the sum of a softmax's outputs may be from 1, in int8."""


def describe(model: Path, labels: str | None, frontend: str | None) -> BundleInfo:
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

    Raises
    ------
    UsageError
        The labels are not known.
    """
    info = _known(model)
    if frontend is not None:
        info = BundleInfo(
            info.name, info.labels, load_frontend(frontend), trained_on=info.trained_on
        )
    if labels is not None:
        info = BundleInfo(info.name, load_labels(labels), info.frontend, trained_on=info.trained_on)
    if not info.labels:
        raise UsageError(
            f"{model}: its labels are not known: give --labels (a file with one label a line, or "
            f"a list with commas), or put {model.with_suffix('.json').name}, as genre-train "
            "writes it, beside the model"
        )
    return info


def _known(model: Path) -> BundleInfo:
    beside = model.with_suffix(".json")
    if beside.is_file():
        return _from_json(beside)
    if model.suffix == ".tflite":
        try:
            return read_bundle(model).info
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
        labels = tuple(read_text(path, western=True).split("\n"))
        labels = tuple(label.strip() for label in labels if label.strip())
    else:
        labels = tuple(label.strip() for label in given.split(","))
    if len(labels) < 2 or not all(labels):
        reason = "needs two labels or more, in a file or separated by commas"
        raise UsageError(Fault("labels", given, reason))
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(Fault("labels", given, f"{', '.join(twice)} is given twice"))
    return labels


def check_labels(network: Network, labels: Sequence[str]) -> None:
    """ModelError unless the network has one output for each label."""
    if network.outputs != len(labels):
        raise ModelError(
            f"{network.path}: has {network.outputs} outputs, but there are {len(labels)} labels "
            f"({', '.join(labels)}): give the right ones with --labels"
        )


def output_kind(path: Path, outputs: Float32) -> str:
    """What the outputs of a network are.

    Parameters
    ----------
    path
        The network's file, for messages.
    outputs
        Its raw outputs on real windows, float32 [n, labels].

    Returns
    -------
    str
        "probabilities" or "logits".

    Raises
    ------
    ModelError
        They are neither: not finite, or the outputs of sigmoids.
    """
    if not np.isfinite(outputs).all():
        raise ModelError(
            f"{path}: its outputs on real windows are NaN or infinite: its weights or its "
            "normalisation are broken"
        )
    within = bool((outputs >= -1e-4).all() and (outputs <= 1 + 1e-4).all())
    if within and bool((np.abs(outputs.sum(axis=1) - 1) < _SUM_TOLERANCE).all()):
        return "probabilities"
    if within:
        raise ModelError(
            f"{path}: its outputs are between 0 and 1 but their sum is not 1 (sigmoids?): one "
            "softmax over the labels is needed"
        )
    return "logits"
