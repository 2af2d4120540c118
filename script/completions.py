"""Shell completion for bash, zsh and fish, generated from the parser of genre-edge.

    python script/completions.py FOLDER

Building the package runs it, so completing costs nothing when the program starts. The
files lie under FOLDER as they do under share/ in an installation.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

FILES = {
    "bash": "bash-completion/completions/genre-edge",
    "zsh": "zsh/site-functions/_genre-edge",
    "fish": "fish/vendor_completions.d/genre-edge.fish",
}
"""Where each shell looks for completions, below share/."""

_FILES_TOO = {
    "bash": "\ncomplete -o bashdefault -o default -F _shtab_genre_edge genre-edge\n",
    "zsh": "",
    "fish": "\ncomplete -c genre-edge -n '_shtab_genre_edge_using' -F\n",
}
"""Appended, because `genre-edge song.mp3` needs no command: files complete where
commands do."""


_HOME = "/HOME"
"""Stands for the home folder while defaults are made."""


def write(folder: Path) -> list[Path]:
    """Write the completion of each shell below `folder`; returns the files.

    Raises
    ------
    ImportError
        If shtab is not installed.
    """
    import shtab

    parser = _parser()
    _complete_paths(parser, shtab.FILE)
    written = []
    for shell, name in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = shtab.complete(parser, shell).replace(f"\\{_HOME}", "~").replace(_HOME, "~")
        path.write_text(text + _FILES_TOO[shell], encoding="utf-8")
        written.append(path)
    return written


def _parser() -> argparse.ArgumentParser:
    """The whole parser, with no path of this machine in its defaults."""
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[name]
    os.environ["HOME"] = _HOME
    from genre_edge.cli import parser

    return parser()


def _complete_paths(parser: argparse.ArgumentParser, files: object) -> None:
    """Mark options that take paths, and describe commands by their help line."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                action.choices[choice.dest].description = choice.help
            for command in action.choices.values():
                _complete_paths(command, files)
        elif action.type is Path or action.metavar in ("PATH", "FILE", "MODEL", "M"):
            action.complete = files  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "edge"))
    for path in write(Path(sys.argv[1])):
        print(path)
