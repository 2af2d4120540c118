"""genre-convert repack: another name, labels or provenance for a bundle; the network
stays as it is."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file
from genre_edge.model.bundle import find_model, read_bundle, write_bundle

from ..read.describe import load_labels, refuse_unfit

_EPILOG = """\
examples:
  genre-convert repack mine.int8.tflite --labels blues,klassik,country -o mine-de.int8.tflite
  genre-convert repack mine.int8.tflite --set "collection=my own records" --set seed=3 \\
      -o mine.int8.tflite
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert repack",
        description="Change what a bundle says about itself. The network and its measured accuracy "
        "stay as they are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("bundle", metavar="BUNDLE", help="a bundle, or the name of a shipped one")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the new bundle (.tflite)"
    )
    top.add_argument("--name", help="its name (default: the output's)")
    top.add_argument(
        "--labels", metavar="FILE_OR_LIST", help="as many as before, in the order of the outputs"
    )
    top.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one entry of the provenance; may be given several times",
    )
    return top


def run(args: argparse.Namespace) -> int:
    """Repack; returns the exit status."""
    bundle = read_bundle(find_model(args.bundle))
    info = bundle.info
    if args.output.suffix != ".tflite" or not args.output.parent.is_dir():
        reason = "must be a .tflite file in a folder that exists"
        raise UsageError(Fault("output", args.output, reason))
    ready_file(args.output, "output")
    if args.labels is not None:
        labels = load_labels(args.labels)
        if len(labels) != len(info.labels):
            reason = f"{len(labels)} labels, but the network has {len(info.labels)} outputs"
            raise UsageError(Fault("labels", args.labels, reason))
        refuse_unfit(labels)
        info = replace(info, labels=labels)
    trained_on = dict(info.trained_on)
    for pair in args.set:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(Fault("set", pair, "must be KEY=VALUE"))
        trained_on[key.strip()] = value.strip()
    name = args.name or args.output.name.removesuffix(".tflite")
    said = replace(info, name=name, trained_on=trained_on)
    write_bundle(args.output, bundle.flatbuffer, said, bundle.negatives)
    print(f"written: {args.output}")
    return 0
