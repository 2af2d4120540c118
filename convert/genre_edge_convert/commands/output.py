"""What the commands that make another file of a bundle have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from genre_edge.demo import clip_path
from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file
from genre_edge.model.bundle import Bundle, find_model, read_bundle

from ..export.recordings import Comparison

Export = Callable[[Path, Bundle, Sequence[str]], Comparison]


def add_options(parser: argparse.ArgumentParser, suffix: str) -> None:
    """BUNDLE, --output and --check-with."""
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle, or the name of a shipped one")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the file to write (default: the bundle's name with {suffix}, in this folder)",
    )
    parser.add_argument(
        "--check-with",
        nargs="+",
        metavar="AUDIO",
        help="audio files or folders to check with (default: the demo clip)",
    )


def run_export(args: argparse.Namespace, suffix: str, load: Callable[[], Export]) -> int:
    """Make the file that the options describe; returns the exit status.

    Parameters
    ----------
    args
        Of `add_options`.
    suffix
        How the file's name ends; what follows its last dot is asked for.
    load
        Imports what makes it, once the options are known to be right.
    """
    bundle = read_bundle(find_model(args.bundle))
    output: Path = args.output or Path(bundle.info.name + suffix)
    ending = f".{suffix.rpartition('.')[2]}"
    if output.suffix != ending or not output.parent.is_dir():
        reason = f"must be a {ending} file in a folder that exists"
        raise UsageError(Fault("output", output, reason))
    if output.exists() and output.samefile(bundle.path):
        raise UsageError(Fault("output", output, "is the bundle itself: choose another name"))
    ready_file(output, "output")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = load()(output, bundle, args.check_with or [str(clip_path())])
    print(f"{bundle.info.name}: {found.line(output).strip()}")
    print(f"written: {output}")
    return 0
