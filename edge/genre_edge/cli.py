"""The command genre-edge: parses the command line, runs one subcommand, turns errors
into one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .commands import (
    bench,
    classify,
    config,
    demo,
    devices,
    doctor,
    history,
    info,
    listen,
    serve,
    service,
)
from .commands.common import run_command
from .version import __version__

_DESCRIPTION = """\
Say what kind of music is playing, on a small device.

Each 3-second window of audio gets one of the model's genres (blues, classical, country, disco,
hiphop, jazz, metal, pop, reggae, rock) with a confidence.
"""

_EPILOG = """\
examples:
  genre-edge                           listen to the microphone (the same as genre-edge listen)
  genre-edge demo                      try it: the clip that comes with the program
  genre-edge classify song.mp3         the genre of each window, and a verdict
  genre-edge classify ~/Music --format json
  genre-edge info                      what the model is and how often it is right
  genre-edge history                   what was played, and for how long (after --history)
  genre-edge serve --live              a page that shows what is playing
  sudo genre-edge service install      run at boot, be restarted when hung
  genre-edge bench --data ~/gtzan      int8 against float32: accuracy and cost

'genre-edge COMMAND --help' explains each command.
"""

_TOP_OPTIONS = ("-h", "--help", "--version")


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
    for command in (
        listen,
        classify,
        devices,
        doctor,
        demo,
        info,
        history,
        serve,
        config,
        service,
        bench,
    ):
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's); returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in _TOP_OPTIONS):
        arguments.insert(0, "listen")
    args = parser().parse_args(arguments)
    return run_command("genre-edge", args.run, args)


if __name__ == "__main__":
    sys.exit(main())
