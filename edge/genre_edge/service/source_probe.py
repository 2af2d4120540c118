"""Listening to a source for a moment: is it there, and what does it deliver?"""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from ..arrays import Float32
from ..audio.level import level_dbfs, signal_state
from ..errors import DeviceError, GenreEdgeError
from ..health import SourceHealth
from ..live.stream import StreamSource
from ..settings.source_table import SourceConfig
from .finding import Finding

_RATE = 22_050
"""Any rate will do for a level, Hz."""
_PATIENCE_SECONDS = 10.0
"""Time that a source gets beyond that in which a listening program gives it up, s."""


def heard(config: SourceConfig, seconds: float, patience: float) -> Float32:
    """The first audio of a stream.

    Parameters
    ----------
    config
        The stream.
    seconds
        How much to hear, s.
    patience
        Longest time that it may take, s.

    Returns
    -------
    float32 [n]
        Its samples, full scale at 1.0.

    Raises
    ------
    DeviceError
        If it cannot be opened, is lost, or takes too long.
    """
    stop = threading.Event()
    timer = threading.Timer(patience, stop.set)
    timer.daemon = True
    timer.start()
    found: list[Float32] = []
    source = StreamSource(
        replace(config, exit_on_loss=True), _RATE, stop, lambda state, reason: None, SourceHealth()
    )
    try:
        for block in source.blocks():
            found.append(block.samples[:, 0])
            if sum(map(len, found)) >= seconds * _RATE:
                return np.concatenate(found)
    finally:
        timer.cancel()
    raise DeviceError(f"nothing within {patience:g} s")


def source_finding(source: SourceConfig, seconds: float) -> Finding:
    """Open a stream as `listen` does, and judge what it delivers in `seconds`."""
    name = f"{source.name}: " if source.name else ""
    try:
        samples = heard(source, seconds, _PATIENCE_SECONDS + source.stall_seconds)
    except GenreEdgeError as error:
        if source.scheme == "fifo":
            remedy = "let a player write to it, and try again"
            return Finding("source", "warn", f"{name}{error}", remedy)
        remedy = "look at the address, and whether the server is up; listen waits for it"
        return Finding("source", "fail", f"{name}{error}", remedy)
    text = f"{name}{level_dbfs(samples):.0f} dBFS over {seconds:g} s"
    if signal_state(samples) == "dead":
        remedy = "play something there, and try again"
        return Finding("source", "warn", f"{text}: every sample is the same", remedy)
    return Finding("source", "ok", text)
