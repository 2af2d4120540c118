"""genre-edge info: what a model is, as its bundle describes it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..settings.tables import DEFAULT_MODEL

if TYPE_CHECKING:
    from ..model.bundle import Bundle

_EPILOG = """\
examples:
  genre-edge info
  genre-edge info my-model.int8.tflite
  genre-edge info --json gtzan-edge.float32 | jq .metrics
"""

_LEFT_OUT = ("genres", "confusion")
"""Tables of an evaluation that are too long for people; --json has them."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Check that a model's bundle is whole, and print what it says about itself."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "model",
        nargs="?",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="a bundle or the name of a shipped one (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    from ..model.bundle import find_model, read_bundle

    bundle = read_bundle(find_model(args.model))
    described = {
        **bundle.info.to_dict(),
        "flatbuffer": {"bytes": len(bundle.flatbuffer), "sha256": bundle.sha256},
        "signed_by": bundle.signed_by or None,
        "can_be_taught": _teachable(bundle).startswith("yes"),
    }
    if args.json:
        print(json.dumps(described, indent=1))
        return 0
    _print_text(bundle, described)
    return 0


def _print_text(bundle: Bundle, described: dict[str, Any]) -> None:
    print(bundle.info.name)
    print(f"  file          {bundle.path} ({os.path.getsize(bundle.path)} bytes)")
    print(f"  sha256        {bundle.sha256} (of the flatbuffer, verified)")
    if bundle.signed_by:
        print(f"  signed by     {bundle.signed_by}")
    print(f"  labels        {', '.join(bundle.info.labels)}")
    print(f"  can be taught {_teachable(bundle)}")
    print(f"  music score   {'yes' if bundle.info.music else 'no'}")
    for section in ("frontend", "quantisation", "trained_on", "metrics"):
        print(f"  {section}")
        for line in _lines(described[section]):
            print(f"    {line}")
    from ..model.bundle import shipped_models

    others = [name for name in shipped_models() if name != bundle.info.name]
    if others:
        print(f"  also shipped  {', '.join(others)}")


def _teachable(bundle: Bundle) -> str:
    """Whether labels can be taught from it (genre-edge teach), and from what."""
    from ..errors import ModelError
    from ..teach.negatives import negatives_of
    from ..teach.trunk import trunk_of

    try:
        trunk = trunk_of(bundle)
        sounds = len(negatives_of(bundle, trunk).kinds)
    except ModelError as error:
        return f"no ({str(error).rpartition(': ')[2]})"
    return f"yes: {trunk.size} numbers a window; it carries {sounds} sounds that are none of yours"


def _lines(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Nested values flattened to "a.b  value" lines."""
    lines: list[str] = []
    for key, value in values.items():
        if key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            lines += _lines(value, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix + key:<28} {value}")
    return lines
