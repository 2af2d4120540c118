"""genre-convert audio-in: a bundle's network with its front-end inside."""

from __future__ import annotations

import argparse

from genre_edge.quiet import quiet_stderr

from .output import Export, add_options, run_export

SUFFIX = ".audio-in.tflite"

_DESCRIPTION = """\
Write a bundle's network with its front-end inside: one TFLite file that takes samples and
gives probabilities. It runs in browsers and phones, and in MediaPipe's AudioClassifier.
"""
_EPILOG = """\
examples:
  genre-convert audio-in gtzan-edge.int8
  genre-convert audio-in mine.int8.tflite --check-with ~/my-music -o page/genre.tflite

The file and the bundle are asked about every window of the recordings. Nothing is written
unless they name the same genre on 99 % of the windows, with nearly the same scores.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert audio-in",
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
        from ..export.audio_in import export_audio_in
    return export_audio_in
