"""Messages to people as a kind of sink. It has no flag: an address is a secret, and a
command line can be seen by others."""

from __future__ import annotations

import argparse
from typing import Any

from ...settings.places import default_folder
from ..background import BackgroundSink
from ..kind import PlannedSink, SinkContext, SinkKind
from .settings import SECTION, NotifyConfig

_FILE = "notify.json"
"""Where it is remembered when each rule has sent last."""


def _add_flags(group: Any) -> None:
    """There are none."""


def _read_flags(args: argparse.Namespace) -> list[dict[str, Any]]:
    return []


def _plan(config: NotifyConfig) -> PlannedSink:
    addresses = config.addresses()

    def make(context: SinkContext) -> BackgroundSink:
        return _make(config, context)

    # One that is for certain labels says which of them a model does not know.
    return PlannedSink(
        f"notify {config.title}", (config, addresses), make, tells_model=bool(config.labels)
    )


def _make(config: NotifyConfig, context: SinkContext) -> BackgroundSink:
    import socket

    from ...model.bundle_checks import RESERVED
    from .memory import Memory
    from .sink import NotifySink

    known = (*context.labels, *RESERVED)
    for label in config.labels:
        if label not in known:
            context.report(
                f"notify {config.title}: the model has no label {label}; it has {', '.join(known)}"
            )
    memory = context.kept.setdefault("notify", Memory(default_folder() / _FILE))
    return context.in_background(NotifySink(config, context.entry, memory, socket.gethostname()))


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan)
