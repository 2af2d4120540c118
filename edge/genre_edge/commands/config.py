"""genre-edge config: the configuration file: begin one, check it, show what is in
force."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import write_atomically
from ..settings.load import expanded, find_file, load, user_file
from ..settings.text import commented, effective
from .common import add_config_option

_EPILOG = """\
examples:
  genre-edge config init                     a commented file to edit
  genre-edge config init --output - | less   look at it
  genre-edge config check                    every fault, with its line
  genre-edge config show                     what is in force, and who said so

exit status: 0 well, 2 faults
"""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "config",
        help="begin, check or show the configuration file",
        description="The configuration of genre-edge listen: a TOML file, environment variables "
        "above it, flags above both.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(title="what to do", metavar="check|show|init", required=True)
    for name, run, text in (
        ("check", _check, "read it and name every fault"),
        ("show", _show, "print what is in force, as TOML, and where it was said"),
    ):
        sub = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        add_config_option(sub)
        sub.set_defaults(run=run)
    init = what.add_parser(
        "init", help="write a commented file", description="Write a commented file."
    )
    init.add_argument(
        "--output",
        default=str(user_file()),
        metavar="FILE",
        help="- for the screen (default: %(default)s)",
    )
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.set_defaults(run=_init)


def _check(args: argparse.Namespace) -> int:
    file = find_file(args.config)
    load(file)
    print(f"{file}: well" if file else "no configuration file: the defaults are in force")
    return 0


def _show(args: argparse.Namespace) -> int:
    file = find_file(args.config)
    settings, origins = load(file)
    print(f"# file: {file or 'none'}\n")
    print(effective(settings, origins), end="")
    return 0


def _init(args: argparse.Namespace) -> int:
    text = commented({})
    if args.output == "-":
        sys.stdout.write(text)
        return 0
    write_new(expanded(args.output), text, args.force)
    print(f"wrote {args.output}; 'genre-edge config check' reads it")
    return 0


def write_new(path: Path, text: str, replace: bool) -> None:
    """Write a file at once or not at all. UsageError if it is there already, or cannot
    be written."""
    if path.exists() and not replace:
        raise UsageError(f"{path}: is there already; --force replaces it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
