"""Options for the places that records also go to, declared once for listen and classify."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..bundle import BundleInfo
from ..errors import UsageError
from ..health import Health, SinkHealth
from ..sinks import Sink
from .common import complain


def default_history() -> Path:
    """Where a history is looked for: $XDG_STATE_HOME/genre-edge/history.db, by default below ~/.local/state."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "genre-edge" / "history.db"


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """--history, --history-windows, --webhook and --on-change."""
    group = parser.add_argument_group("also send to")
    group.add_argument(
        "--history",
        type=Path,
        nargs="?",
        const=default_history(),
        metavar="PATH",
        help=f"SQLite file of what was heard, for genre-edge history (default: {default_history()})",
    )
    group.add_argument("--history-windows", action="store_true", help="keep every window there as well")
    group.add_argument(
        "--mqtt",
        metavar="URL[,KEY=VALUE]",
        help="mqtt[s]://[USER@]HOST[:PORT][/PREFIX]. Keys: name=, password-file=, ca=, cert=, key=, discovery=on|off, "
        "spool=, spool-mb=",
    )
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL[,KEY=VALUE]",
        help="POST there when the label changes; may be repeated. Keys: every=change|window, timeout=, retries=, "
        "secret-file= (HMAC-SHA256), token-file= (bearer), header=NAME:VALUE, template=TEXT",
    )
    group.add_argument(
        "--on-change",
        metavar="CMD",
        help="run this when the label changes, the record as JSON on its standard input",
    )


def open_outputs(args: argparse.Namespace, health: Health, info: BundleInfo, live: bool) -> list[Sink]:
    """The sinks that the options ask for, each behind a queue and a thread. UsageError for wrong options.

    Live audio waits for nobody; files do (`live` false), so that nothing is lost. `info` is the model's.
    """
    from ..sinks.background import BackgroundSink

    found: list[tuple[SinkHealth, Sink]] = []
    if args.history is not None:
        entry = SinkHealth("history")
        found.append((entry, _history(args, entry)))
    elif args.history_windows:
        raise UsageError("--history-windows: goes with --history")
    for text in args.webhook:
        from ..sinks.webhook import WebhookSink, parse_webhook

        config = parse_webhook(text)
        found.append((SinkHealth(f"webhook {config.host}"), WebhookSink(config)))
    if args.on_change:
        from ..sinks.program import ProgramSink

        found.append((SinkHealth("on-change"), ProgramSink(args.on_change)))
    health.sinks += [entry for entry, _ in found]
    patience = 10.0 if live else 120.0
    sinks: list[Sink] = [
        BackgroundSink(inner, entry, complain, wait=not live, close_seconds=patience)
        for entry, inner in found
    ]
    if args.mqtt:
        from ..sinks.mqtt import MqttSink
        from ..sinks.mqttconfig import parse_mqtt

        entry = SinkHealth("mqtt")
        health.sinks.append(entry)
        mqtt = parse_mqtt(args.mqtt, default_history().parent)
        sinks.append(
            MqttSink(mqtt, info.labels, info.name, health, entry, complain, not live, close_seconds=patience)
        )
    return sinks


def report_sinks(health: Health) -> bool:
    """A line for each sink that lost something; True if one did."""
    lost = [entry for entry in health.sinks if entry.dropped or entry.failures]
    for entry in lost:
        complain(
            f"{entry.name}: {entry.failures} failures, {entry.dropped} records dropped; last: {entry.trouble or '-'}"
        )
    return bool(lost)


def _history(args: argparse.Namespace, entry: SinkHealth) -> Sink:
    from ..sinks.history import HistoryConfig, HistorySink

    try:
        args.history.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--history {args.history}: {error.strerror}") from None
    return HistorySink(HistoryConfig(args.history, windows=args.history_windows), entry)
