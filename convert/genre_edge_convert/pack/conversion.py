"""One conversion: flatbuffers, bundles, verification, card; all of it or nothing."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError, UsageError
from genre_edge.model.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.flatbuffer import read_graph

from ..quantise.flatbuffers import flatbuffers, write_saved_model
from ..read.describe import as_input, check_labels, layout_of, output_kind
from ..read.networks import Network
from ..read.operators import check_operators, oldest_runtime
from ..read.samples import Samples
from ..verify.agreement import largest_loss, runs_in, top1_of, valid_metrics
from ..verify.not_music import measure
from ..verify.outliers import outliers
from .card import card

_TRIED = 50
"""Held-out windows that each interpreter must answer alike."""


@dataclass(frozen=True)
class ConversionConfig:
    """What a conversion shall make."""

    output: Path
    """Path of the bundles without their suffixes."""
    kinds: tuple[str, ...] = ("float32", "int8")
    """Of quantise.KINDS; a ready TFLite model is packed as it is."""
    layout: str | None = None
    """Order of the input, or None: as the shape says."""
    min_agreement: float = 97.0
    """Least share of held-out windows with the network's own top-1, per cent."""
    target: str | None = None
    """An interpreter that must be able to run it, a name in operators.TARGETS."""
    quantiser: str = "tflite"
    """Of quantise.QUANTISERS."""


def convert(
    network: Network, described: BundleInfo, samples: Samples, config: ConversionConfig
) -> None:
    """Write the bundles and the card. ModelError, and nothing written, if anything is
    wrong with one of them."""
    check_labels(network, described.labels)
    layout = layout_of(network, described.frontend, config.layout)
    calibration = as_input(network, samples.calibration, layout)
    raw = network.run(as_input(network, samples.held_out, layout))
    info = replace(described, layout=layout, output=output_kind(network.path, raw))
    print(f"{network.path.name}: {network.kind}, takes {layout}, answers with {info.output}")
    with tempfile.TemporaryDirectory(dir=config.output.parent, prefix=".convert-") as name:
        folder = Path(name)
        work, made = folder / "work", folder / "made"
        made.mkdir()
        flatbuffers_ = _flatbuffers(network, calibration, config, work)
        check = _Check(info, network.kind, samples, raw.argmax(axis=1), config, work, calibration)
        bundles = {
            kind: check.bundle(made, kind, flatbuffer) for kind, flatbuffer in flatbuffers_.items()
        }
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
    return flatbuffers(saved_model, config.kinds, calibration, config.quantiser)


@dataclass(frozen=True)
class _Check:
    """Writes one bundle after the other and holds each against the network."""

    info: BundleInfo
    source: str
    samples: Samples
    expected: npt.NDArray[np.int64]
    config: ConversionConfig
    saved_model: Path
    calibration: Float32

    def bundle(self, folder: Path, kind: str, flatbuffer: bytes) -> Bundle:
        """Write, verify and describe one bundle."""
        info = replace(self.info, name=f"{self.config.output.name}.{kind}")
        graph = read_graph(flatbuffer, info.name)
        check_operators(graph, info.name, self.config.target)
        path = folder / f"{info.name}.tflite"
        write_bundle(path, flatbuffer, info)
        answered = top1_of(path, self.samples.held_out)
        share = float((answered == self.expected).mean())
        size = f"{len(flatbuffer) / 1000:.0f} KB"
        print(
            f"{kind:<8} {size:>9}  agrees with the original on {share:.2%} of "
            f"{len(answered)} windows",
            flush=True,
        )
        if share * 100 < self.config.min_agreement:
            self._explain(kind)
            raise ModelError(
                f"{info.name}: agrees with the original on {share:.2%} of windows, "
                f"need {self.config.min_agreement:g} % (--min-agreement); nothing was written"
            )
        metrics: dict[str, Any] = {"agreement": {"windows": len(answered), "top1": round(share, 4)}}
        if self.samples.label is not None:
            label, points = largest_loss(info.labels, self.samples.label, self.expected, answered)
            metrics["worst_label"] = {"label": label, "points": points}
            print(f"{'':8} label that loses most: {label}, {points:+.1f} points")
        if self.samples.valid:
            metrics["valid"] = valid_metrics(path, self.samples.valid)
            metrics["not_music"] = measure(path, metrics["valid"]["uncertain_below"])
            print(
                f"{'':8} right on {metrics['valid']['windows']['accuracy']:.1%} of windows, "
                f"{metrics['valid']['tracks']['accuracy']:.1%} of tracks"
            )
        release = oldest_runtime(graph)
        interpreters = runs_in(path, self.samples.held_out[:_TRIED])
        conversion = {
            "from": self.source,
            "quantiser": self.config.quantiser
            if kind == "int8" and self.source != "tflite"
            else None,
            "oldest_runtime": "unknown" if release is None else f"{release[0]}.{release[1]}",
            "runs_in": interpreters,
            "macs": graph.macs,
        }
        print(
            f"{'':8} runs in {', '.join(interpreters)} here; "
            f"needs TFLite {conversion['oldest_runtime']} or newer; {graph.macs / 1e6:.1f} M "
            "multiply-accumulates"
        )
        quantisation = Classifier(read_bundle(path)).quantisation
        write_bundle(
            path,
            flatbuffer,
            replace(info, quantisation=quantisation, conversion=conversion, metrics=metrics),
        )
        return read_bundle(path)

    def _explain(self, kind: str) -> None:
        """Say on standard error which tensors of a bad int8 model stray."""
        if kind != "int8" or self.config.quantiser != "tflite" or not self.saved_model.exists():
            return
        print(
            "tensors whose int8 values stray furthest (rounding alone: 0.3 steps):", file=sys.stderr
        )
        for line in outliers(str(self.saved_model), self.calibration):
            print(f"  {line}", file=sys.stderr)


def check_config(config: ConversionConfig, network: Network, asked_kinds: bool) -> None:
    """UsageError for what cannot be made."""
    if not config.output.parent.is_dir():
        raise UsageError(f"--output {config.output}: no such folder {config.output.parent}")
    if network.export is None and asked_kinds:
        raise UsageError(f"--to: {network.path} is a TFLite model already and is packed as it is")
