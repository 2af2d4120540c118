"""genre-edge config: create, check or show the configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..console import complain, standard_output
from ..errors import UsageError
from ..files import write_atomically
from ..settings.places import expanded, find_file, user_file
from ..settings.reader import SettingsReader
from ..settings.signed import SignedSettings, signed_file
from ..settings.text import commented, effective
from ..sinks import kinds
from .common import add_config_option

_EPILOG = """\
examples:
  genre-edge config init                     write a commented file to edit
  genre-edge config init --output - | less   read that file first
  genre-edge config check                    name every fault and its line
  genre-edge config show                     print the values in use and where each comes from

exit status: 0 ok, 2 faults
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Create, check or show the configuration file (TOML). Environment variables override\n"
        "the file, and flags override both."
    )
    parser.epilog = _EPILOG
    what = parser.add_subparsers(title="what to do", metavar="check|show|init", required=True)
    for name, run, text in (
        ("check", _check, "read the file and name every fault"),
        ("show", _show, "print the values in use, as TOML, and where each comes from"),
    ):
        sub = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the same as --config")
        add_config_option(sub)
        sub.set_defaults(run=run)
    init = what.add_parser(
        "init", help="write a commented file", description="Write a commented file."
    )
    init.add_argument(
        "--output",
        default=str(user_file()),
        metavar="FILE",
        help="where to write it; - for standard output (default: %(default)s)",
    )
    init.add_argument("--force", action="store_true", help="replace a file that exists")
    init.set_defaults(run=_init)


def _file(args: argparse.Namespace) -> Path | None:
    if args.file is not None and args.config is not None:
        raise UsageError("--config: the file is named twice")
    return find_file(args.file or args.config)


def _check(args: argparse.Namespace) -> int:
    from ..service.updates import check_updates

    file = _file(args)
    settings = SettingsReader(kinds.sections(), file)()
    check_updates(settings)
    print(f"{file}: ok" if file else "no configuration file: the defaults are in use")
    return 0


def _show(args: argparse.Namespace) -> int:
    file = _file(args)
    sections = kinds.sections()
    signed = SignedSettings(signed_file(), complain)
    settings, origins = SettingsReader(sections, file, signed=signed).read()
    print(f"# file: {file or 'none'}")
    if signed.keys:
        print(f"# signed settings: {signed.path}; without that file they are not in force")
    print()
    print(effective(sections, settings, origins), end="")
    return 0


def _init(args: argparse.Namespace) -> int:
    text = commented(kinds.sections())
    if args.output == "-":
        standard_output().write(text)
        return 0
    write_new(expanded(args.output), text, args.force)
    print(f"wrote {args.output}; 'genre-edge config check' reads it")
    return 0


def write_new(path: Path, text: str, replace: bool) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder is made if it is missing.
    text : str
        Its content.
    replace : bool
        Whether a file that exists is replaced.

    Raises
    ------
    UsageError
        If the file exists and must not be replaced, or cannot be written.
    """
    if path.exists() and not replace:
        raise UsageError(f"{path}: already exists; --force replaces it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
