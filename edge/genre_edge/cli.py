"""The command genre-edge: parses the command line, runs one subcommand, turns errors into one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .commands import classify, demo, info
from .commands.common import run_command
from .version import __version__

_DESCRIPTION = """\
Say what kind of music is playing, on a small device.

Each 3-second window of audio gets one of the model's genres (blues, classical, country, disco, hiphop,
jazz, metal, pop, reggae, rock) with a confidence.
"""

_EPILOG = """\
examples:
  genre-edge demo                      try it: the clip that comes with the program
  genre-edge classify song.mp3         the genre of each window, and a verdict
  genre-edge classify ~/Music --format json
  genre-edge info                      what the model is and how often it is right

'genre-edge COMMAND --help' explains each command.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="genre-edge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"genre-edge {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (classify, demo, info):
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's); returns the exit status."""
    args = parser().parse_args(argv)
    return run_command("genre-edge", args.run, args)


if __name__ == "__main__":
    sys.exit(main())
