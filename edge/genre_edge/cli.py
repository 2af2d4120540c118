"""The command genre-edge: finds the subcommand, reads its options and runs it.

Only the module of the subcommand that is called is imported, so `genre-edge --version`
need not wait for numpy.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module

from .console import run_command
from .errors import GenreEdgeError, UsageError
from .version import __version__

COMMANDS = {
    "listen": "print the genre of what a microphone hears (the default command)",
    "classify": "print the genre of each 3-second window of audio files",
    "library": "write the genres of many files, on all cores or on a cluster",
    "report": "write a page about the genres of many files",
    "tag": "write genres into the tags of files",
    "devices": "list the microphones, with names that survive a reboot",
    "doctor": "check microphone, model and system, and say how to mend them",
    "demo": "classify the clip that comes with the program",
    "info": "describe a model: labels, front-end, quantisation, accuracy",
    "history": "show what was played, and for how long",
    "teach": "teach labels of your own from a few examples",
    "collect": "collect what many devices publish over MQTT in a database",
    "fleet": "show the devices in that database, and what they heard",
    "alerts": "tell when a device in that database is silent or in trouble",
    "publish": "sign models and settings, and publish them for devices that take updates",
    "update": "show what this device knows of updates, or take the last one back",
    "serve": "serve a web page and an HTTP API",
    "notify": "try out the messages that rules of the configuration send",
    "config": "create, check or show the configuration file",
    "service": "run at boot under systemd",
    "provision": "make many devices ready: passwords, rights and a configuration for each",
    "bench": "measure how often models are right, and what they cost",
}
"""Each subcommand with its line in --help. The module commands/NAME.py has
`configure(parser)`, which declares its options."""

_DESCRIPTION = """\
Say what kind of music is playing, on a small device.

Each 3-second window of audio gets one of the model's genres (blues, classical, country, disco,
hiphop, jazz, metal, pop, reggae, rock) with a confidence.
"""

_EPILOG = """\
examples:
  genre-edge                           listen to the microphone (the same as genre-edge listen)
  genre-edge demo                      try it: the clip that comes with the program
  genre-edge song.mp3                  the genre of a file (the same as genre-edge classify)
  genre-edge classify ~/Music --format json
  genre-edge library ~/Music --output genres      a row a file, in Parquet
  genre-edge info                      what the model is, and how often it is right
  genre-edge history                   what was played, and for how long (after --history)
  genre-edge teach add choir ~/choir   labels of your own (then genre-edge teach fit)
  genre-edge serve --live              a page that shows what is playing
  sudo genre-edge service install      run at boot, restart when it hangs
  genre-edge bench --data ~/gtzan      int8 against float32: accuracy and cost

'genre-edge COMMAND --help' explains each command.
"""

_TOP_OPTIONS = ("-h", "--help", "--version")


def parser(configured: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """Build the parser of the whole command line.

    Parameters
    ----------
    configured
        The subcommands whose own options are declared. The others are known by name
        and help line only, and their modules are not imported.
    """
    top = argparse.ArgumentParser(
        prog="genre-edge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"genre-edge {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name in configured:
            _configure(command, name)
    return top


def command_parser(name: str) -> argparse.ArgumentParser:
    """Build the parser of one subcommand alone."""
    command = argparse.ArgumentParser(prog=f"genre-edge {name}")
    _configure(command, name)
    return command


def _configure(command: argparse.ArgumentParser, name: str) -> None:
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    import_module(f".commands.{name}", __package__).configure(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's); returns the exit status."""
    if argv is None and any("://" in word or "header=" in word for word in sys.argv):
        from .command_line_secrets import hide_secrets

        hide_secrets()
    return run_command("genre-edge", _run, list(sys.argv[1:] if argv is None else argv))


def _run(arguments: list[str]) -> int:
    name, *options = with_command(arguments)
    if name not in COMMANDS:
        parser(configured=()).parse_args([name])  # --help and --version exit here
        return 0
    args = command_parser(name).parse_args(options)
    try:
        status: int = args.run(args)
    except GenreEdgeError as error:
        if error.faults:
            from .commands.common import flags_of

            error.rename(flags_of(args))
        raise
    return status


def with_command(arguments: Sequence[str]) -> list[str]:
    """Add the subcommand where it was left out.

    Nothing, or an option, means `listen`. A path that exists, or a name with a suffix,
    means `classify`.

    Raises
    ------
    UsageError
        If the first word is neither a subcommand nor looks like a file.

    Examples
    --------
    >>> with_command(["song.mp3", "--hop", "1"])
    ['classify', 'song.mp3', '--hop', '1']
    >>> with_command(["--hop", "1"])
    ['listen', '--hop', '1']
    """
    if not arguments:
        return ["listen"]
    first = arguments[0]
    if first in COMMANDS or first in _TOP_OPTIONS:
        return list(arguments)
    if first.startswith("-"):
        return ["listen", *arguments]
    if os.path.lexists(first) or len(os.path.splitext(first)[1]) > 1:
        return ["classify", *arguments]
    raise UsageError(f"{first}: no such command or file; {_nearest(first)}")


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, 1)
    return f"did you mean {close[0]}?" if close else "'genre-edge --help' lists the commands"


if __name__ == "__main__":
    sys.exit(main())
