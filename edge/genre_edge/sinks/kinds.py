"""The kinds of sinks that settings can ask for, in the order in which they get
records."""

from __future__ import annotations

from typing import Any

from ..settings.section import Section
from . import history, on_change, webhook
from .kind import SinkKind
from .mqtt import kind as mqtt
from .notify import kind as notify

KINDS: tuple[SinkKind[Any], ...] = (
    history.KIND,
    webhook.KIND,
    notify.KIND,
    on_change.KIND,
    mqtt.KIND,
)


def sections() -> tuple[Section[Any], ...]:
    """Their tables of the settings, for `settings.load`."""
    return tuple(kind.section for kind in KINDS)
