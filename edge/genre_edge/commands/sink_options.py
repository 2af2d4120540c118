"""Options for the places that records also go to, declared once for listen and
classify."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..console import complain
from ..errors import UsageError
from ..health import Health
from ..settings.load import default_history
from ..settings.options import add_flags, given
from ..settings.tables import HistoryConfig, ProgramConfig
from ..sinks.mqtt_settings import MqttOptions, parse_mqtt
from ..sinks.webhook_settings import parse_webhook


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """--history, --history-windows, --mqtt, --webhook and --on-change."""
    group = parser.add_argument_group("also send to")
    group.add_argument(
        "--history",
        type=Path,
        nargs="?",
        const=default_history(),
        metavar="PATH",
        help="SQLite file of what was heard, for genre-edge history (default: "
        f"{default_history()})",
    )
    add_flags(group, "history", HistoryConfig)
    group.add_argument(
        "--mqtt",
        metavar="URL[,KEY=VALUE]",
        help="mqtt[s]://[USER@]HOST[:PORT][/PREFIX]. Keys: name=, password-file=, ca=, cert=, "
        "key=, discovery=on|off, "
        "spool=, spool-mb=",
    )
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL[,KEY=VALUE]",
        help="POST there when the label changes; may be repeated. Keys: every=change|window, "
        "timeout=, retries=, "
        "secret-file= (HMAC-SHA256), token-file= (bearer), header=NAME:VALUE, template=TEXT",
    )
    add_flags(group, "on_change", ProgramConfig)


def output_flags(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What those options say, for settings.load. UsageError."""
    history = given(args, "history")
    if args.history is not None:
        history |= {"path": args.history, "enabled": True}
    said: dict[str, dict[str, Any]] = {"history": history, "on_change": given(args, "on_change")}
    if args.mqtt:
        options = parse_mqtt(args.mqtt)
        said["mqtt"] = {name: getattr(options, name) for name in MqttOptions.__dataclass_fields__}
    if args.webhook:
        said["webhook"] = {"all": [parse_webhook(text) for text in args.webhook]}
    return said


def check_history(args: argparse.Namespace, enabled: bool) -> None:
    """UsageError if --history-windows has no history to keep windows in."""
    if given(args, "history").get("windows") and not enabled:
        raise UsageError("--history-windows: goes with --history")


def report_sinks(health: Health) -> bool:
    """A line for each sink that lost something; True if one did."""
    lost = [entry for entry in health.sinks if entry.dropped or entry.failures]
    for entry in lost:
        complain(
            f"{entry.name}: {entry.failures} failures, {entry.dropped} records dropped; last: "
            f"{entry.trouble or '-'}"
        )
    return bool(lost)
