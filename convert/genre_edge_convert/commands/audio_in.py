"""genre-convert audio-in: a bundle's network with its front-end inside."""

from __future__ import annotations

import argparse

from genre_edge.quiet import quiet_stderr

from .output import Export, export_parser, run_export

SUFFIX = ".audio-in.tflite"

_DESCRIPTION = """\
Write a bundle's network with its front-end inside: one TFLite file that takes samples and
gives probabilities. It runs in browsers and phones, and in MediaPipe's AudioClassifier.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return export_parser(
        "genre-convert audio-in", _DESCRIPTION, SUFFIX, "The file", "int8", "page/genre.tflite"
    )


def run(args: argparse.Namespace) -> int:
    """Make the file; returns the exit status."""
    return run_export(args, SUFFIX, _load)


def _load() -> Export:
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from ..export.audio_in import export_audio_in
    return export_audio_in
