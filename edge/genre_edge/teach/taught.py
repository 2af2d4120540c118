"""The bundle that a lesson makes: the old network with a new last layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Fault, GenreEdgeError, UsageError
from ..model.bundle import Bundle, read_bundle, shipped_models, write_bundle
from ..model.bundle_info import BundleInfo
from ..model.flatbuffer import read_graph
from ..model.head import read_layer, with_layer
from ..settings.places import models_folder
from ..version import __version__
from .deciding import Decision
from .figures import Figures
from .learning import Lesson
from .logistic import Line
from .negatives import NONE
from .trunk import TAUGHT, head_of, trunk_of

_ROOM = 2.0
"""How much further than the logits of the examples an int8 network's logits reach."""
_UNLIKELY = 8.0
"""How far below the most probable label a logit is told from others: exp(-8) is
0.03 %."""
_WORSE = 2
"""Songs that a new fit may lose, of those that both fits were judged on."""


class WorseError(GenreEdgeError):
    """A fit that is worse than the one before it."""


class WriteError(GenreEdgeError):
    """A taught bundle that cannot be written; one that was there is as it was."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A lesson that is learnt, and what it is worth."""

    lesson: Lesson
    """What was learnt from."""
    decision: Decision
    """How sure a label must be."""
    figures: Figures
    """How right it is."""


def old_layer(base: Bundle) -> Line:
    """The layer of the labels that a bundle has."""
    return Line(*read_layer(base.flatbuffer, head_of(base)))


def name_of(path: Path) -> str:
    """What a bundle goes by: its file's name up to the first dot."""
    return path.name.split(".")[0]


def path_of(name: str, base: Bundle) -> Path:
    """The file of a taught bundle. UsageError if it cannot have this name."""
    if not name or any(not (c.isalnum() or c in "-_") for c in name):
        raise UsageError(Fault("name", name, "use letters, digits, - and _"))
    if name in shipped_models() or any(one.split(".")[0] == name for one in shipped_models()):
        raise UsageError(Fault("name", name, "is a shipped model; choose another name"))
    kind = trunk_of(base).dtype
    return models_folder() / f"{name}.{kind}.tflite"


def layer_of(fit: Fit, base: Bundle) -> tuple[tuple[str, ...], Line]:
    """Labels and layer of the bundle: beside the old labels, or in their place."""
    lesson = fit.lesson
    line = lesson.space.layer(fit.decision.line(lesson.line))
    if lesson.old is not None:
        return (*lesson.labels, *base.info.labels), Line(
            np.concatenate([line.weights, lesson.old.weights]),
            np.concatenate([line.bias, lesson.old.bias]),
        )
    size = line.weights.shape[1]
    return (*lesson.labels, NONE), Line(
        np.concatenate([line.weights, np.zeros((1, size), np.float32)]),
        np.concatenate([line.bias, np.zeros(1, np.float32)]),
    )


def write_taught(path: Path, base: Bundle, fit: Fit, anyway: bool = False) -> Bundle:
    """Write the bundle of a fit.

    Parameters
    ----------
    path
        Where; the folder is made.
    base
        What was taught.
    fit
        What it has learnt.
    anyway
        Write it though it is worse than the bundle that is there.

    Raises
    ------
    WorseError
        If it is worse on the songs that both were judged on. The old bundle stays.
    WriteError
        If it cannot be written. The old bundle stays.
    """
    if not anyway:
        check_not_worse(path, fit)
    labels, line = layer_of(fit, base)
    flatbuffer = with_layer(
        base.flatbuffer, head_of(base), line.weights, line.bias, _reach(fit.lesson, line, base)
    )
    info = replace(
        base.info,
        name=path.name.removesuffix(".tflite"),
        labels=labels,
        outputs=(),
        mapping={},
        music={},
        trained_on={TAUGHT: _provenance(fit, base), "base": dict(base.info.trained_on)},
        metrics=_metrics(fit),
    )
    return write_own(path, flatbuffer, info, base.negatives)


def write_own(path: Path, flatbuffer: bytes, info: BundleInfo, negatives: bytes) -> Bundle:
    """Write a bundle into the user's models folder, which is made, and read it again.
    WriteError if that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(path, flatbuffer, info, negatives)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error})") from None
    return read_bundle(path)


def _reach(lesson: Lesson, line: Line, base: Bundle) -> tuple[float, float]:
    """Lowest and highest logit that is needed: what is far below the most probable
    label of its window may be cut off."""
    top = lesson.over_embeddings(line.logits).max(axis=1)
    high = float(top.min()) + _ROOM * (float(top.max()) - float(top.min()))
    tensor = read_graph(base.flatbuffer, base.path).tensors[head_of(base).logits]
    if lesson.old is not None and tensor.scale:  # the old logits reach as far as before
        high = max(high, tensor.scale[0] * (127 - tensor.zero_point[0]))
    return float(top.min()) - _UNLIKELY, high


def _provenance(fit: Fit, base: Bundle) -> dict[str, Any]:
    lesson = fit.lesson
    trunk = trunk_of(base)
    return {
        "from": {"name": trunk.name, "sha256": trunk.sha256},
        "labels": {
            label: {
                "songs": sum(s.label == label and not s.is_wrong for s in lesson.songs),
                "windows": sum(
                    s.windows for s in lesson.songs if s.label == label and not s.is_wrong
                ),
            }
            for label in lesson.labels
        },
        "corrections": sum(song.is_wrong for song in lesson.songs),
        "negatives": len(lesson.negatives.kinds),
        "beside": lesson.old is not None,
        "when": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "version": __version__,
    }


def _metrics(fit: Fit) -> dict[str, Any]:
    figures = fit.figures
    right = {
        str(song.number): bool(figures.labels[int(scores[:-1].argmax())] == song.label)
        for song, scores in zip(figures.judged, figures.scores, strict=True)
    }
    valid = figures.evaluation.to_dict() if figures.evaluation else {}
    return {
        "valid": {**valid, "uncertain_below": figures.uncertain_below},
        TAUGHT: {**figures.to_dict(), "songs_right": right},
    }


def check_not_worse(path: Path, fit: Fit) -> None:
    """WorseError if a bundle that is there names more of the songs right that both have
    met; asked only of the same labels."""
    if not path.is_file():
        return
    before = read_bundle(path).info
    told = before.trained_on.get(TAUGHT, {})
    same_labels = set(told.get("labels", ())) == set(fit.lesson.labels)
    if not same_labels or told.get("beside") != (fit.lesson.old is not None):
        return
    was = before.metrics.get(TAUGHT, {}).get("songs_right", {})
    now = _metrics(fit)[TAUGHT]["songs_right"]
    both = sorted(set(was) & set(now))
    lost = sum(was[one] for one in both) - sum(now[one] for one in both)
    if lost > _WORSE or (both and lost > 0.1 * len(both)):
        raise WorseError(
            f"{name_of(path)}: the new fit names {sum(now[one] for one in both)} of {len(both)} "
            f"songs right that the present one names {sum(was[one] for one in both)} of; the "
            "present one is kept. Look at what was taught last (genre-edge teach list), or "
            "fit with --anyway"
        )
