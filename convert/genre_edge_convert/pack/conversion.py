"""One conversion: flatbuffers, bundles, verification, card; all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.demo import clip_path
from genre_edge.model.bundle import Bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.flatbuffer import read_graph
from genre_edge.model.scores import OutputReader

from ..export.audio_in import export_audio_in
from ..export.frontend_graph import check_frontend
from ..quantise.flatbuffers import flatbuffers, write_saved_model
from ..quantise.float_fallback import mixed
from ..read.describe import check_labels, output_kind
from ..read.frontends import as_input, layout_of
from ..read.networks import Network
from ..read.samples import Samples
from ..verify.check_with import check_with, first_window, read_expected
from .card import card
from .config import ConversionConfig
from .verified import Original, write_verified


def check_network(network: Network, described: BundleInfo, config: ConversionConfig) -> str:
    """Check that the network, its labels, its front-end and what that is compared with
    are there and fit, before any data is read; returns the layout. ModelError,
    UsageError, AudioError."""
    if config.check_with is not None:
        clip, expect = config.check_with
        read_expected(expect)
        first_window(clip, described.frontend)
    if config.audio_in:
        check_frontend(described.frontend, "--audio-in")
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
        original = Original(info, network.kind, samples, scores, calibration, work)
        bundles = {
            kind: write_verified(made, kind, flatbuffer, original, config)
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
