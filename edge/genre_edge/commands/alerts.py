"""genre-edge alerts: says when something is wrong in a fleet, and when it is over."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import complain
from ..errors import Fault, GenreEdgeError, UsageError
from ..records import json_text
from ..sinks.history_report import parse_age

if TYPE_CHECKING:
    from ..fleet.alert import Alert
    from ..fleet.alert_program import AlertProgram, Reader, Teller
    from ..fleet.alert_rules import Limits
    from ..service.systemd_notify import Notifier

_EPILOG = """\
examples:
  genre-edge alerts sqlite:///fleet.db --mqtt mqtt://broker
  genre-edge alerts postgresql://genre_edge_viewer@db/fleet --webhook https://example.org/alerts
  genre-edge alerts sqlite:///fleet.db --silent-after 30m --ignore 'shop-*' --mqtt mqtt://broker
  genre-edge alerts sqlite:///fleet.db --once || echo look at the fleet

exit status with --once: 0 nothing is wrong, 1 there are alerts, 2 wrong usage, 3 the database
cannot be read
"""
_UNKNOWN = 3
"""Exit status of --once when the database cannot be read."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Watch the devices in a database that genre-edge collect fills. Say once when one is "
        "silent, or its microphone, its clock or an output is in trouble, and once when that is "
        "over."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "database", metavar="DATABASE", help="postgresql://USER@HOST/NAME or sqlite:///FILE"
    )
    parser.add_argument(
        "--database-password-file", type=Path, metavar="FILE", help="file with its password"
    )
    _add_receivers(parser.add_argument_group("who is told"))
    _add_limits(parser.add_argument_group("what is wrong"))
    parser.add_argument("--once", action="store_true", help="print what is wrong now, and end")
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="of what is printed (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def _add_receivers(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--mqtt",
        metavar="URL[,KEY=VALUE]",
        help="keep what is wrong on topics below PREFIX/fleet/alerts, as retained JSON: "
        "mqtt[s]://[USER@]HOST[:PORT][/PREFIX]. Keys: password-file=, ca=, cert=, key=, name=, "
        "discovery=false (no messages to Home Assistant)",
    )
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL[,KEY=VALUE]",
        help="POST each alert there as JSON; may be repeated. Keys: timeout=, retries=, "
        "secret-file= (HMAC-SHA256), token-file= (bearer), header=NAME:VALUE, template=TEXT",
    )
    group.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="what was told, and is still to be told (default: alerts.json where data is kept)",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--silent-after",
        default="10m",
        metavar="AGE",
        help="a device is silent after 5m, 1h, 2d without a message (default: %(default)s)",
    )
    group.add_argument(
        "--clock-off",
        type=float,
        default=60.0,
        metavar="S",
        help="a clock is wrong if it is further off, s (default: %(default)g)",
    )
    group.add_argument(
        "--hold",
        default="2m",
        metavar="AGE",
        help="how long trouble must last to begin, and to be over (default: %(default)s)",
    )
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out devices whose names match, such as 'shop-*'; may be repeated",
    )
    group.add_argument(
        "--parts",
        type=int,
        default=1,
        metavar="N",
        help="how many collectors share the devices (genre-edge collect --part I/N)",
    )
    group.add_argument(
        "--every",
        type=float,
        default=10.0,
        metavar="S",
        help="time between two looks, s (default: %(default)g)",
    )


def run(args: argparse.Namespace) -> int:
    """Watch, or look once; returns the exit status."""
    from ..fleet.address import parse_address
    from ..fleet.alert_program import Reader
    from ..fleet.open_store import store_at

    limits = _limits(args)
    if args.once and (args.mqtt or args.webhook or args.state):
        raise UsageError("--once tells nobody else: leave out --mqtt, --webhook and --state")
    address = parse_address(args.database, args.database_password_file)
    reader = Reader(store_at(address, must_exist=True))
    return _look_once(args, reader, limits) if args.once else _watch(args, reader, limits)


def _limits(args: argparse.Namespace) -> Limits:
    from ..fleet.alert_rules import Limits
    from ..fleet.alert_watch import LONGEST_GAP_SECONDS

    found = Limits(
        parse_age(args.silent_after, "silent_after"),
        args.clock_off,
        parse_age(args.hold, "hold"),
        tuple(args.ignore),
        args.parts,
    )
    most_every = LONGEST_GAP_SECONDS / 2
    for name, value, shown, low, high, bounds in (
        ("silent_after", found.silent_after, args.silent_after, 60, 30 * 86_400, "1m and 30d"),
        ("hold", found.hold, args.hold, 0, 86_400, "0m and 1d"),
        ("clock_off", found.clock_off, found.clock_off, 1, 86_400, "1 and 86400"),
        ("every", args.every, args.every, 0.1, most_every, f"0.1 and {most_every:g}"),
        ("parts", found.parts, found.parts, 1, 999, "1 and 999"),
    ):
        if not low <= value <= high:
            raise UsageError(Fault(name, shown, f"must be between {bounds}"))
    return found


def _look_once(args: argparse.Namespace, reader: Reader, limits: Limits) -> int:
    from ..fleet.alert_rules import wrong_now

    try:
        rows = reader.read()
    except UsageError:
        raise
    except GenreEdgeError as error:
        complain(error)
        return _UNKNOWN
    finally:
        reader.close()
    found, say = wrong_now(rows, time.time(), limits), _say(args.format)
    for alert in found:
        say(alert)
    return 1 if found else 0


def _watch(args: argparse.Namespace, reader: Reader, limits: Limits) -> int:
    import threading

    from ..fleet.alert_memory import AlertMemory
    from ..fleet.alert_program import AlertProgram
    from ..fleet.alert_watch import Watch
    from ..service.signals import ends, signals_call
    from ..service.systemd_notify import Notifier
    from ..settings.places import default_folder

    tellers = _tellers(args)
    path = args.state or default_folder() / "alerts.json"
    memory = AlertMemory(path, [one.name for one in tellers], complain)
    watch = Watch(limits, memory.known)
    stop, notifier = threading.Event(), Notifier()
    program = AlertProgram(reader, watch, memory, tellers, _say(args.format), complain)
    with signals_call(dict.fromkeys(ends(), stop.set)):
        notifier.ready("watching")
        program.run(stop, args.every, _beat(notifier))
        notifier.stopping()
    return 0


def _tellers(args: argparse.Namespace) -> list[Teller]:
    """Those who are told; they read their secrets."""
    from ..fleet.alert_webhook import WebhookTeller
    from ..sinks.webhook_settings import parse_webhook

    found: list[Teller] = [WebhookTeller(parse_webhook(text), complain) for text in args.webhook]
    if args.mqtt:
        from ..fleet.alert_mqtt import MqttTeller, parse_alert_broker

        found.append(MqttTeller(parse_alert_broker(args.mqtt), complain))
    if len({one.name for one in found}) < len(found):
        raise UsageError("--webhook: the same address is given twice")
    return found


def _say(form: str) -> Callable[[Alert], None]:
    """Prints an alert."""

    def say(alert: Alert) -> None:
        print(json_text(alert.to_json()) if form == "json" else alert.line, flush=True)

    return say


def _beat(notifier: Notifier) -> Callable[[AlertProgram], None]:
    """Tells systemd how it goes."""
    shown = ""

    def beat(program: AlertProgram) -> None:
        nonlocal shown
        notifier.heartbeat(program.trouble)
        if program.status != shown:
            shown = program.status
            notifier.status(shown)

    return beat
