"""genre-convert onnx: a bundle's network as an ONNX model."""

from __future__ import annotations

import argparse

from genre_edge.quiet import quiet_stderr

from .output import Export, add_options, run_export

SUFFIX = ".onnx"

_DESCRIPTION = """\
Write a bundle's network as an ONNX model: features in, probabilities out. The front-end is not in
it; the model's properties describe it.
"""
_EPILOG = """\
examples:
  genre-convert onnx gtzan-edge.float32
  genre-convert onnx mine.int8.tflite --check-with ~/my-music -o mine.onnx

ONNX Runtime and the bundle are asked about every window of the recordings. Nothing is written
unless they name the same genre on 99 % of the windows, with nearly the same scores.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert onnx",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(top, SUFFIX)
    return top


def run(args: argparse.Namespace) -> int:
    """Make the file; returns the exit status."""
    return run_export(args, SUFFIX, _load)


def _load() -> Export:
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from ..export.onnx_model import export_onnx
    return export_onnx
