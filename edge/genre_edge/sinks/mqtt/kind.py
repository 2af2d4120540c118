"""MQTT as a kind of sink: its flag, and how it is made from its settings."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ...settings.places import default_folder
from ..kind import PlannedSink, SinkContext, SinkKind
from ..sink import BoundedSink
from .settings import SECTION, MqttConfig, MqttOptions, mqtt_config, parse_mqtt


def _add_flags(group: Any) -> None:
    group.add_argument(
        "--mqtt",
        metavar="URL[,KEY=VALUE]",
        help="mqtt[s]://[USER@]HOST[:PORT][/PREFIX]. Keys: name=, password-file=, ca=, cert=, "
        "key=, discovery=on|off, discovery-form=, page=, music-hold=, "
        "switch=on|off, spool=, spool-mb=",
    )


def _read_flags(args: argparse.Namespace) -> dict[str, Any]:
    """All keys, so that --mqtt replaces the whole table of the file."""
    return asdict(parse_mqtt(args.mqtt)) if args.mqtt else {}


def _plan(options: MqttOptions) -> PlannedSink | None:
    if not options.url:
        return None
    config = mqtt_config(options, default_folder())

    def make(context: SinkContext) -> BoundedSink:
        return _make(config, context)

    return PlannedSink("mqtt", config, make, tells_sensors=True, tells_model=True)


def _make(config: MqttConfig, context: SinkContext) -> BoundedSink:
    from .sink import MqttSink

    return MqttSink(config, context)


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan)
