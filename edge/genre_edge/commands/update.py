"""genre-edge update: what this device knows of updates, and the model before again."""

from __future__ import annotations

import argparse
import time

from ..errors import GenreEdgeError, UsageError

_EPILOG = """\
examples:
  genre-edge update status            the model in use, the one before, what was refused and why
  genre-edge update rollback          hear with the model before, at once
  sudo STATE_DIRECTORY=/var/lib/genre-edge genre-edge update status     of a service of the system

It looks into the state folder of the program that listens (docs/updates.md).

exit status: 0 done, 1 not done, 2 wrong usage
"""
_PATIENCE_SECONDS = 90.0
"""Longest wait for a program to roll back, s: it may be fetching a model."""
_LOOK_SECONDS = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = "Show what this device knows of updates, or take the last model back."
    parser.epilog = _EPILOG
    what = parser.add_subparsers(title="what to do", metavar="status|rollback", required=True)
    for name, run, text in (
        ("status", _status, "show what is installed, what was before, and what was refused"),
        ("rollback", _rollback, "hear with the model before the last update"),
    ):
        one = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        one.set_defaults(run=run)


def _status(args: argparse.Namespace) -> int:
    """Show the state; returns the exit status."""
    from ..update.bundle_store import updates_folder
    from ..update.state import STATE, read_state
    from ..update.wishes import Wishes

    folder = updates_folder()
    state = read_state(folder / STATE)
    if folder.is_dir():
        with Wishes(folder).alone() as is_alone:
            who = "no program looks after updates now" if is_alone else "a program looks after them"
    else:
        who = "there were none yet"
    used, before, refused = state.installed, state.previous, state.refused
    configured = "that of the configuration"
    lines = [("updates", who)]
    if used is None:
        lines.append(("model", configured))
    else:
        note = f"; {used.note}" if used.note else ""
        lines.append(("model", f"{used.shown} (serial {used.serial}){note}"))
        lines.append(("instead of", state.instead_of))
        lines.append(("before", configured if before is None else before.shown))
    if state.on_trial is not None:
        lines.append(("on trial", state.on_trial.shown))
    if refused is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(refused.time))
        lines.append(("refused", f"{refused.what} (serial {refused.serial}), {when}"))
        lines.append(("because", refused.reason))
    lines.append(("serials", f"model {state.model_serial}, settings {state.settings_serial}"))
    for name, text in lines:
        print(f"{name:<11} {text}")
    return 0


def _rollback(args: argparse.Namespace) -> int:
    """Have the model before used again; returns the exit status."""
    from ..update.bundle_store import updates_folder
    from ..update.state import STATE, read_state, write_state
    from ..update.wishes import ROLLBACK, Wishes

    folder = updates_folder()
    state, wishes = read_state(folder / STATE), Wishes(folder)
    if state.on_trial is not None:
        with wishes.alone() as is_alone:
            if not is_alone:
                raise UsageError(f"{state.on_trial.shown} is on trial: wait until that is over")
    if state.installed is None:
        raise UsageError("no model has come as an update: there is nothing to take back")
    with wishes.alone() as is_alone:
        if is_alone:
            write_state(folder / STATE, state.rolled_back())
    if not is_alone:
        wishes.ask(ROLLBACK)
        end = time.monotonic() + _PATIENCE_SECONDS
        while wishes.is_open(ROLLBACK):
            if time.monotonic() > end:
                wishes.done(ROLLBACK)
                raise GenreEdgeError("the program that listens has not taken note: see its log")
            time.sleep(_LOOK_SECONDS)
        if read_state(folder / STATE).installed == state.installed:
            raise GenreEdgeError("the program that listens has not rolled back: see its log")
    print(f"{state.installed.shown} is no longer used")
    return 0
