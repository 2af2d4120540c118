"""genre-convert onnx: a bundle's network as an ONNX model."""

from __future__ import annotations

import argparse

from genre_edge.quiet import quiet_stderr

from .output import Export, export_parser, run_export

SUFFIX = ".onnx"

_DESCRIPTION = """\
Write a bundle's network as an ONNX model: features in, probabilities out. The front-end is not in
it; the model's properties describe it.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return export_parser(
        "genre-convert onnx", _DESCRIPTION, SUFFIX, "ONNX Runtime", "float32", "mine.onnx"
    )


def run(args: argparse.Namespace) -> int:
    """Make the file; returns the exit status."""
    return run_export(args, SUFFIX, _load)


def _load() -> Export:
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from ..export.onnx_model import export_onnx
    return export_onnx
