"""One conversion: flatbuffers, bundles, verification, card; all of it or nothing."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.demo import clip_path
from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.files import ready_file, ready_folder
from genre_edge.judge.measures import wilson
from genre_edge.model.bundle import Bundle, read_bundle, write_bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.classifier import Classifier
from genre_edge.model.flatbuffer import Graph, read_graph
from genre_edge.model.head import find_head
from genre_edge.model.scores import OutputReader

from ..export.audio_in import export_audio_in
from ..quantise.flatbuffers import flatbuffers, write_saved_model
from ..quantise.float_fallback import mixed
from ..read.describe import check_labels, output_kind
from ..read.frontends import as_input, layout_of
from ..read.networks import Network
from ..read.operators import check_operators, oldest_runtime
from ..read.samples import Samples
from ..verify.agreement import largest_loss, runs_in, scores_of, valid_metrics
from ..verify.causes import at_fault
from ..verify.check_with import check_with
from ..verify.not_music import measure
from ..verify.outliers import outliers
from .card import card

_TRIED = 50
"""Held-out windows on which every installed interpreter is tried."""


@dataclass(frozen=True)
class ConversionConfig:
    """What a conversion makes."""

    output: Path
    """Path of the bundles without their suffixes."""
    kinds: tuple[str, ...] = ("float32", "int8")
    """Of quantise.flatbuffers.KINDS; a TFLite model is packed as it is."""
    layout: str | None = None
    """Order of the input's dimensions; None: found from its shape."""
    min_agreement: float = 97.0
    """Smallest share of held-out windows on which bundle and network name the same
    genre, per cent."""
    target: str | None = None
    """An interpreter that must be able to run the bundles, of operators.TARGETS."""
    quantiser: str = "tflite"
    """Of quantise.flatbuffers.QUANTISERS."""
    audio_in: bool = False
    """Whether each bundle is also written with its front-end inside."""
    multi_label: bool = False
    """Whether several labels may hold at once, whatever the outputs look like."""
    check_with: tuple[Path, Path] | None = None
    """A clip, and a .npy file of what the user's own code made of its first window."""
    float_layers: int = 0
    """Operators that an int8 bundle keeps in float32: those that int8 harms most."""


def check_config(config: ConversionConfig, network: Network, kinds_given: bool) -> None:
    """UsageError for what cannot be made.

    Parameters
    ----------
    config
        What is to be made.
    network
        The network.
    kinds_given
        Whether the user chose the kinds.
    """
    if not config.output.parent.is_dir():
        reason = f"no such folder {config.output.parent}"
        raise UsageError(Fault("output", config.output, reason))
    ready_folder(config.output.parent)
    for ending in (*(f"{kind}.tflite" for kind in config.kinds), "md"):
        ready_file(config.output.with_name(f"{config.output.name}.{ending}"), "output")
    if config.float_layers and (network.export is None or "int8" not in config.kinds):
        reason = "needs --to int8, of a model that is no TFLite file"
        raise UsageError(Fault("float_layers", config.float_layers, reason))
    if network.export is None and kinds_given:
        reason = f"{network.path} is a TFLite model already and is packed as it is"
        raise UsageError(Fault("to", ",".join(config.kinds), reason))


def check_network(network: Network, described: BundleInfo, config: ConversionConfig) -> str:
    """Check that the network, its labels and its front-end fit, before any data is
    read; returns the layout. ModelError."""
    check_labels(network, described.output_names)
    return layout_of(network, described.frontend, config.layout)


def convert(
    network: Network, described: BundleInfo, samples: Samples, config: ConversionConfig
) -> None:
    """Write the bundles and their model card, all of them or none.

    Parameters
    ----------
    network
        The trained network.
    described
        Its labels, front-end and provenance.
    samples
        Windows to calibrate on and to verify with.
    config
        What to make.

    Raises
    ------
    ModelError
        Something is wrong with the network or with one of the bundles.
    """
    layout = check_network(network, described, config)
    calibration = as_input(network, samples.calibration, layout)
    raw = network.run(as_input(network, samples.held_out, layout))
    output = output_kind(network.path, raw, config.multi_label)
    info = replace(described, layout=layout, output=output)
    checked = None
    if config.check_with is not None:
        checked = check_with(*config.check_with, network, info, layout, output)
        within = checked["largest_difference"]
        print(f"front-end: equal to {config.check_with[1].name} within {within:g}")
    info = replace(info, conversion={"frontend_checked": checked})
    takes = "samples" if described.frontend.kind == "waveform" else layout
    several = ", several labels may hold at once" if info.is_multi_label else ""
    print(f"{network.path.name}: {network.kind}, takes {takes}, gives {output}{several}")
    with tempfile.TemporaryDirectory(dir=config.output.parent, prefix=".convert-") as name:
        work, made = Path(name) / "work", Path(name) / "made"
        made.mkdir()
        read = OutputReader(info.output, info.output_names, info.mapping)
        scores = np.stack([read(row) for row in raw])
        original = _Original(info, network.kind, samples, scores, calibration, work)
        bundles = {
            kind: _write_verified(made, kind, flatbuffer, original, config)
            for kind, flatbuffer in _flatbuffers(network, calibration, config, work).items()
        }
        if config.audio_in:
            for bundle in bundles.values():
                _write_audio_in(made, bundle, samples)
        sizes = {kind: Path(bundle.path).stat().st_size for kind, bundle in bundles.items()}
        (made / f"{config.output.name}.md").write_text(card(config.output.name, bundles, sizes))
        for file in sorted(made.iterdir()):
            shutil.move(file, config.output.parent / file.name)


def _flatbuffers(
    network: Network, calibration: Float32, config: ConversionConfig, work: Path
) -> dict[str, bytes]:
    if network.export is None:
        graph = read_graph(network.flatbuffer, str(network.path))
        kind = "int8" if graph.tensors[graph.inputs[0]].dtype in ("int8", "uint8") else "float32"
        return {kind: network.flatbuffer}
    saved_model = write_saved_model(network.export, work)
    if not config.float_layers:
        return flatbuffers(saved_model, config.kinds, calibration, config.quantiser)
    others = tuple(kind for kind in config.kinds if kind != "int8")
    made = flatbuffers(saved_model, others, calibration, config.quantiser)
    return {**made, "int8": mixed(saved_model, calibration, config.float_layers)}


def _write_audio_in(folder: Path, bundle: Bundle, samples: Samples) -> None:
    """Write a bundle's network with its front-end inside; checked on the valid
    tracks."""
    path = folder / f"{bundle.info.name}.audio-in.tflite"
    recordings = [str(track.path) for track in samples.valid] or [str(clip_path())]
    print(f"audio-in {export_audio_in(path, bundle, recordings).line(path)}")


@dataclass(frozen=True)
class _Original:
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


def _write_verified(
    folder: Path, kind: str, flatbuffer: bytes, original: _Original, config: ConversionConfig
) -> Bundle:
    """Write one bundle, compare it with the original, and add what was measured."""
    info = replace(original.info, name=f"{config.output.name}.{kind}")
    graph = read_graph(flatbuffer, info.name)
    check_operators(graph, info.name, config.target)
    if info.embedding:
        find_head(graph, info.name, info.embedding)
    path = folder / f"{info.name}.tflite"
    write_bundle(path, flatbuffer, info)
    agreement = _agreement(path, kind, len(flatbuffer), original, config)
    measured = replace(
        info,
        quantisation=Classifier(read_bundle(path)).quantisation,
        metrics={**agreement, **_accuracy(path, original)},
        conversion=_made_how(path, kind, graph, original, config),
    )
    write_bundle(path, flatbuffer, measured)
    return read_bundle(path)


def _agreement(
    path: Path, kind: str, size: int, original: _Original, config: ConversionConfig
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
        raise ModelError(
            f"{name}: agrees with the original on {said}, need {config.min_agreement:g} % "
            f"(--min-agreement); {at_fault(kind, samples)}; nothing was written"
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


def _print_outliers(original: _Original) -> None:
    """Name the tensors of a bad int8 model that differ most, on standard error."""
    print(
        "tensors whose int8 values differ most from float32 (rounding alone: 0.3 steps):",
        file=sys.stderr,
    )
    for line in outliers(str(original.saved_model), original.calibration):
        print(f"  {line}", file=sys.stderr)


def _accuracy(path: Path, original: _Original) -> dict[str, Any]:
    """How right the bundle is on the valid tracks, if there are any."""
    if not original.samples.valid:
        return {}
    valid = valid_metrics(path, original.samples.valid)
    print(
        f"{'':8} right on {valid['windows']['accuracy']:.1%} of windows, "
        f"{valid['tracks']['accuracy']:.1%} of tracks"
    )
    return {"valid": valid, "not_music": measure(path, valid["uncertain_below"])}


def _made_how(
    path: Path, kind: str, graph: Graph, original: _Original, config: ConversionConfig
) -> dict[str, Any]:
    """What made the bundle, and which interpreters run it."""
    release = oldest_runtime(graph)
    oldest = "unknown" if release is None else f"{release[0]}.{release[1]}"
    interpreters = runs_in(path, original.samples.held_out[:_TRIED])
    print(
        f"{'':8} runs in {', '.join(interpreters)} here; needs TFLite {oldest} or newer; "
        f"{graph.macs / 1e6:.1f} M multiply-accumulates"
    )
    quantised_here = kind == "int8" and original.kind != "tflite"
    return {
        **original.info.conversion,
        "from": original.kind,
        "quantiser": config.quantiser if quantised_here else None,
        "oldest_runtime": oldest,
        "runs_in": interpreters,
        "macs": graph.macs,
    }
