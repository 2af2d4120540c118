"""genre-convert card: the model card anew, from what the bundles say of themselves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file, write_atomically
from genre_edge.model.bundle import Bundle, find_model, read_bundle

from ..pack.card import card, with_sections_of

_EPILOG = """\
examples:
  genre-convert card mine.float32.tflite mine.int8.tflite -o mine.md
  genre-convert card gtzan-edge.float32 gtzan-edge.int8 -o gtzan-edge.md

Sections of the old card that genre-convert does not write stay as they are: those that
genre-train evaluate --card added, and your own.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert card",
        description="Write a model's card again, after repack or with a newer genre-convert. "
        "Nothing is measured: every figure is one that the bundles carry.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "bundle",
        nargs="+",
        metavar="BUNDLE",
        help="bundles of one model, named MODEL.KIND; shipped ones by their names",
    )
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.md", help="the card to write"
    )
    return top


def run(args: argparse.Namespace) -> int:
    """Write the card; returns the exit status."""
    output: Path = args.output
    if output.suffix != ".md" or not output.parent.is_dir():
        raise UsageError(Fault("output", output, "must be a .md file in a folder that exists"))
    ready_file(output, "output")
    text = card_of([read_bundle(find_model(name)) for name in args.bundle])
    if output.exists():
        text = with_sections_of(output.read_text(encoding="utf-8"), text)
    write_atomically(output, text)
    print(f"written: {output}")
    return 0


def card_of(bundles: Sequence[Bundle]) -> str:
    """The card of one model's bundles, Markdown. UsageError if they are of several, or
    genre-convert did not measure them."""
    for bundle in bundles:
        if "agreement" not in bundle.info.metrics or "macs" not in bundle.info.conversion:
            reason = "says nothing of its conversion: genre-convert did not make it"
            raise UsageError(Fault("bundle", bundle.path, reason))
    parts = [bundle.info.name.rpartition(".") for bundle in bundles]
    names = dict.fromkeys(name or kind for name, _, kind in parts)
    if len(names) != 1:
        reason = "bundles of several models: a card is about one"
        raise UsageError(Fault("bundle", ", ".join(names), reason))
    kinds = {kind: bundle for (*_, kind), bundle in zip(parts, bundles, strict=True)}
    sizes = {kind: Path(bundle.path).stat().st_size for kind, bundle in kinds.items()}
    return card(next(iter(names)), kinds, sizes)
