"""genre-convert audio-in: a bundle's network with its front-end inside."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from genre_edge.demo import clip_path
from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.quiet import quiet_stderr

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
    top.add_argument("bundle", metavar="BUNDLE", help="a bundle, or the name of a shipped one")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the file to write (default: the bundle's name with {SUFFIX}, in this folder)",
    )
    top.add_argument(
        "--check-with",
        nargs="+",
        metavar="AUDIO",
        help="audio files or folders to check with (default: the demo clip)",
    )
    return top


def run(args: argparse.Namespace) -> int:
    """Make the file; returns the exit status."""
    bundle = read_bundle(find_model(args.bundle))
    output: Path = args.output or Path(bundle.info.name + SUFFIX)
    if output.suffix != ".tflite" or not output.parent.is_dir():
        reason = "must be a .tflite file in a folder that exists"
        raise UsageError(Fault("output", output, reason))
    if output.exists() and output.samefile(bundle.path):
        raise UsageError(Fault("output", output, "is the bundle itself: choose another name"))
    ready_file(output, "output")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from ..export.audio_in import export_audio_in

    found = export_audio_in(output, bundle, args.check_with or [str(clip_path())])
    print(f"{bundle.info.name}: {found.line(output).strip()}")
    print(f"written: {output}")
    return 0
