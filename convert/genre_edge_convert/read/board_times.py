"""How long a window may take on a Raspberry Pi: an estimate from multiply-accumulates.

Source: the times of MobileNet v1 and v2 (569 and 300 million) on four cores in
XNNPACK's README: int8 of February 2022 (64-bit on the Pi 4), float32 of February 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from genre_edge.model.flatbuffer import Graph

Range = tuple[float, float]
"""The least and the most."""

THREADS = (1, 4)
"""Numbers of threads that estimates are made for."""

_V1, _V2 = 569.0, 300.0
_CLOCK_ZERO = 1.0 / 1.4
"""The Zero 2 W has the cores of the Pi 3 B+ at a lower clock, GHz."""
_CLOCK_5 = 2.4 / 1.5
"""The Pi 5 against the Pi 4, for which times are known, GHz."""

_RATES: Mapping[str, Mapping[str, Range]] = {
    "int8": {
        "Zero 2 W": (_V2 / 30 * _CLOCK_ZERO, _V1 / 46 * _CLOCK_ZERO),
        "Pi 3 B+": (_V2 / 30, _V1 / 46),
        "Pi 4": (_V2 / 17, _V1 / 24),
        "Pi 5": (_V2 / 17 * _CLOCK_5, _V1 / 24 * _CLOCK_5 * 3),  # 3: it has dot products
    },
    "float32": {
        "Zero 2 W": (_V2 / 79 * _CLOCK_ZERO, _V1 / 115 * _CLOCK_ZERO),
        "Pi 3 B+": (_V2 / 79, _V1 / 115),
        "Pi 4": (_V2 / 44, _V1 / 75),
        "Pi 5": (_V2 / 44 * _CLOCK_5, _V1 / 75 * _CLOCK_5 * 2),  # 2: nothing is known
    },
}
"""Million multiply-accumulates in a millisecond on four cores."""
BOARDS = tuple(_RATES["int8"])

_INEFFICIENT = 2.0
"""Operators of few channels take up to so many times as long as MobileNet's."""
_SPEEDUP: Mapping[int, Range] = {1: (2.0, 4.0), 4: (1.0, 1.0)}
"""How many times as long so many threads take as four do."""


@dataclass(frozen=True)
class BoardTime:
    """What one window may take in the network, without its front-end."""

    board: str
    """Of BOARDS."""
    threads: int
    """Of THREADS."""
    milliseconds: Range

    @property
    def text(self) -> str:
        """The range in words."""
        low, high = self.milliseconds
        digits = 0 if high >= 10 else 1
        return f"{low:.{digits}f} to {high:.{digits}f} ms"


def board_times(graph: Graph) -> tuple[BoardTime, ...]:
    """What one window may take on each board with each number of threads.

    Parameters
    ----------
    graph
        The network.

    Returns
    -------
    tuple of BoardTime
        By board, then by threads. Empty if it computes in int16 or another type of
        which no rate is known, or has no multiply-accumulates.
    """
    macs = {"int8": 0, "float32": 0}
    for dtype, count in _counted(graph):
        if dtype not in macs:
            return ()
        macs[dtype] += count
    if not any(macs.values()):
        return ()
    found = []
    for board in BOARDS:
        rates = [(count / 1e6, *_RATES[dtype][board]) for dtype, count in macs.items()]
        low = sum(millions / fast for millions, _, fast in rates)
        high = sum(millions / slow for millions, slow, _ in rates) * _INEFFICIENT
        for threads in THREADS:
            least, most = _SPEEDUP[threads]
            found.append(BoardTime(board, threads, (low * least, high * most)))
    return tuple(found)


def _counted(graph: Graph) -> Iterator[tuple[str, int]]:
    """The type that each operator computes in, and its multiply-accumulates."""
    for operator in graph.operators:
        if operator.macs:
            dtype = graph.tensors[operator.outputs[0]].dtype
            yield ("int8" if dtype == "uint8" else dtype), operator.macs


def too_slow(graph: Graph, window_seconds: float) -> str | None:
    """What to say of a network that may not keep up with the microphone, or None.

    Parameters
    ----------
    graph
        The network.
    window_seconds
        Length of a window: as often one comes, unless a hop is set.
    """
    slow = [
        time
        for time in board_times(graph)
        if time.threads == 1 and time.milliseconds[1] > window_seconds * 1000
    ]
    if not slow:
        return None
    boards = ", ".join(f"{time.board} ({time.text})" for time in slow)
    return (
        f"may be too slow to listen live, where a window of {window_seconds:g} s comes as often: "
        f"estimated with one thread on {boards}"
    )
