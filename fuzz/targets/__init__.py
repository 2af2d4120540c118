"""What is fuzzed: one module a boundary."""

from __future__ import annotations

from ..target import Target
from . import (
    api,
    audio,
    broker,
    bundle,
    configuration,
    databases,
    flatbuffer,
    payloads,
    statements,
    wav_pipe,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        bundle.TARGET,
        flatbuffer.TARGET,
        configuration.TARGET,
        wav_pipe.TARGET,
        audio.TARGET,
        databases.SPOOL,
        databases.HISTORY,
        broker.TARGET,
        payloads.TARGET,
        api.TARGET,
        statements.TARGET,
    )
}
"""Every target by its name."""
