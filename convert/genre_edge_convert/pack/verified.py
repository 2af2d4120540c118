"""One bundle, written and compared with the network that it was made from."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import BundleError, ModelError
from genre_edge.judge.measures import wilson
from genre_edge.model.bundle import Bundle, read_bundle, write_bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.classifier import Classifier
from genre_edge.model.flatbuffer import Graph, read_graph

from ..quantise.flatbuffers import stripped
from ..read.board_times import too_slow
from ..read.embedding import embedding_number
from ..read.operators import check_operators, oldest_runtime
from ..read.samples import Samples
from ..verify.agreement import largest_loss, runs_in, scores_of, valid_metrics
from ..verify.causes import always_zero, at_fault, furthest_apart
from ..verify.not_music import measure
from ..verify.outliers import outliers
from .card import knows_its_training
from .config import ConversionConfig

_TRIED = 50
"""Held-out windows on which every installed interpreter is tried."""


@dataclass(frozen=True)
class Original:
    """The network that bundles are compared with."""

    info: BundleInfo
    """What all its bundles say."""
    kind: str
    """keras, saved-model or tflite."""
    samples: Samples
    scores: Float32
    """Its scores on each held-out window: [n, labels]."""
    calibration: Float32
    """The calibration windows as it takes them."""
    saved_model: Path
    """Where it was exported to, if it was."""


def write_verified(
    folder: Path, kind: str, flatbuffer: bytes, original: Original, config: ConversionConfig
) -> Bundle:
    """Write one bundle, compare it with the original, and add what was measured."""
    info = replace(original.info, name=f"{config.output.name}.{kind}")
    graph = read_graph(flatbuffer, info.name)
    check_operators(graph, info.name, config.target)
    if info.embedding:
        info = replace(info, embedding=embedding_number(graph, info.name, info.embedding))
    if original.kind != "tflite":
        flatbuffer = stripped(flatbuffer)
    path = folder / f"{info.name}.tflite"
    write_bundle(path, flatbuffer, info)
    try:
        agreement = _agreement(path, kind, len(flatbuffer), original, config)
    except BundleError:  # the interpreter does not say why it cannot load it
        layer = always_zero(graph)
        if layer is None:
            raise
        raise ModelError(
            f"{info.name}: cannot be loaded, for {layer} gives 0 on every calibration window and "
            "int8 has no range for that: look at the network's training (all its ReLUs are zero) "
            "and at --frontend, or use --to float32; nothing was written"
        ) from None
    measured = replace(
        info,
        quantisation=Classifier(read_bundle(path)).quantisation,
        metrics={**agreement, **_accuracy(path, original)},
        conversion=_made_how(path, kind, graph, original, config),
    )
    write_bundle(path, flatbuffer, measured)
    return read_bundle(path)


def _agreement(
    path: Path, kind: str, size: int, original: Original, config: ConversionConfig
) -> dict[str, Any]:
    """How often the bundle names the original's genre. ModelError if too seldom."""
    samples, name = original.samples, path.name.removesuffix(".tflite")
    scores = scores_of(path, samples.held_out)
    answers, expected = scores.argmax(axis=1), original.scores.argmax(axis=1)
    share, count = float((answers == expected).mean()), len(answers)
    furthest = float(np.abs(scores - original.scores).max())
    low, high = wilson(round(share * count), count)
    print(
        f"{kind:<8} {f'{size / 1000:.0f} KB':>9}  agrees with the original on {share:.2%} of "
        f"{count} windows; scores differ by up to {furthest:.4f}",
        flush=True,
    )
    said = f"{share:.2%} of {count} windows ({low:.0%} to {high:.0%})"
    if high * 100 < config.min_agreement:
        if kind == "int8" and config.quantiser == "tflite" and original.saved_model.exists():
            _print_outliers(original)
        cause = at_fault(kind, samples, furthest_apart(original.scores, answers))
        alone = ": --to float32 makes that bundle alone"
        raise ModelError(
            f"{name}: agrees with the original on {said}, need {config.min_agreement:g} % "
            f"(--min-agreement); {cause}; nothing was written"
            f"{alone if kind != 'float32' and 'float32' in config.kinds else ''}"
        )
    if share * 100 < config.min_agreement:
        print(
            f"{name}: agrees on {said}: too few windows to say that it is below "
            f"{config.min_agreement:g} %",
            file=sys.stderr,
        )
    found: dict[str, Any] = {
        "agreement": {
            "windows": count,
            "top1": round(share, 4),
            "largest_difference": round(furthest, 6),
        }
    }
    if samples.label is not None:
        labels = original.info.labels
        label, points = largest_loss(labels, samples.label, expected, answers)
        found["worst_label"] = {"label": label, "points": points}
        print(f"{'':8} label that loses most: {label}, {points:+.1f} points")
    return found


def _print_outliers(original: Original) -> None:
    """Name the tensors of a bad int8 model that differ most, on standard error."""
    print(
        "tensors whose int8 values differ most from float32 (rounding alone: 0.3 steps):",
        file=sys.stderr,
    )
    for line in outliers(str(original.saved_model), original.calibration):
        print(f"  {line}", file=sys.stderr)


def _accuracy(path: Path, original: Original) -> dict[str, Any]:
    """How right the bundle is on the valid tracks, if there are any."""
    if not original.samples.valid:
        return {}
    valid = valid_metrics(path, original.samples.valid)
    known = knows_its_training(original.info)
    print(
        f"{'':8} right on {valid['windows']['accuracy']:.1%} of windows, "
        f"{valid['tracks']['accuracy']:.1%} of tracks"
        f"{'' if known else ', too good if training used any of them'}"
    )
    return {"valid": valid, "not_music": measure(path, valid["uncertain_below"])}


def _made_how(
    path: Path, kind: str, graph: Graph, original: Original, config: ConversionConfig
) -> dict[str, Any]:
    """What made the bundle, and which interpreters run it."""
    release = oldest_runtime(graph)
    oldest = "unknown" if release is None else f"{release[0]}.{release[1]}"
    interpreters = runs_in(path, original.samples.held_out[:_TRIED])
    print(
        f"{'':8} runs in {', '.join(interpreters)} here; needs TFLite {oldest} or newer; "
        f"{graph.macs / 1e6:.1f} M multiply-accumulates"
    )
    slow = too_slow(graph, original.info.frontend.window_seconds)
    if slow:
        print(f"{path.name.removesuffix('.tflite')}: {slow}", file=sys.stderr)
    quantised_here = kind == "int8" and original.kind != "tflite"
    return {
        **original.info.conversion,
        "from": original.kind,
        "quantiser": config.quantiser if quantised_here else None,
        "oldest_runtime": oldest,
        "runs_in": interpreters,
        "macs": graph.macs,
    }
