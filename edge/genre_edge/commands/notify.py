"""genre-edge notify: tries out the messages that rules of the configuration send."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..console import complain
from ..errors import UsageError
from ..settings.load import load
from ..settings.places import find_file
from ..sinks import kinds
from .common import add_config_option

if TYPE_CHECKING:
    from ..sinks.notify.settings import NotifyConfig

_EPILOG = """\
examples:
  genre-edge notify                   list the rules, and whether Apprise knows their URLs
  genre-edge notify --test            send a message for each rule, and say what became of it
  genre-edge notify --test jazz       for this rule alone

exit status: 0 all is well, 1 a message was not sent or a URL is not known, 2 wrong usage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "List the rules [[notify]] of the configuration, or send a message for each to try it out."
    )
    parser.epilog = _EPILOG
    parser.add_argument("--test", action="store_true", help="send a message now")
    parser.add_argument("rule", nargs="?", metavar="RULE", help="this rule alone, by its name")
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Try each rule; returns the exit status."""
    import socket

    from ..sinks.notify.message import test_message
    from ..sinks.notify.send import send

    troubles = 0
    for rule in _rules(args):
        message = test_message(rule.title, socket.gethostname())
        for found in send(rule.addresses(), message, rule.timeout_seconds, args.test):
            troubles += bool(found.trouble)
            well = "sent" if args.test else "ok"
            print(f"{rule.title}: {found.service}: {found.trouble or well}", flush=True)
    if troubles:
        complain("docs/notifications.md says what a trouble may mean")
    return 1 if troubles else 0


def _rules(args: argparse.Namespace) -> list[NotifyConfig]:
    """The rules that are asked for. UsageError if there are none."""
    from ..sinks.notify.settings import SECTION

    file = find_file(args.config)
    rules = list(load(kinds.sections(), file)[0].all_of(SECTION))
    if not rules:
        raise UsageError(f"{file or 'no configuration file'}: has no table [[notify]]")
    chosen = [rule for rule in rules if args.rule in (None, rule.title)]
    if not chosen:
        titles = ", ".join(rule.title for rule in rules)
        raise UsageError(f"{args.rule}: no rule is called so; there are {titles}")
    return chosen
