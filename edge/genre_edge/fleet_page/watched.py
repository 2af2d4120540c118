"""All devices of the fleet, and which of them have changed since somebody asked."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from ..errors import GenreEdgeError
from ..fleet.reading import all_devices
from .answers import Json, tile
from .database import Database

_FRESH_SECONDS = 2.0
"""What was read is used for this long, by whoever asks, s. So is that it could not be
read."""


class WatchedFleet:
    """Reads the devices again and again, for any number of viewers at once.

    Each reading has a number, and each device the number of the reading in which it was
    last found changed. So a viewer who names the reading that it knows is told no more
    than what has changed.

    Parameters
    ----------
    database : Database
        What is read.
    clock : callable
        UTC, s since 1970.
    fresh_seconds : float
        For how long a reading is used, s.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        fresh_seconds: float = _FRESH_SECONDS,
    ) -> None:
        self._database, self._clock, self._fresh_seconds = database, clock, fresh_seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._error: GenreEdgeError | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget all readings: who knows one of them is told everything."""
        self._name, self._number = secrets.token_hex(4), 0
        self._tiles: dict[str, Json] = {}
        self._changed: dict[str, int] = {}

    def since(self, mark: str) -> tuple[str, bool, list[Json]]:
        """What has changed.

        Parameters
        ----------
        mark : str
            Of the reading that is known; empty: none.

        Returns
        -------
        mark : str
            Of this reading.
        is_whole : bool
            Whether the list has every device; no others are there any more.
        devices : list of dict
            As `answers.tile`, by name.

        Raises
        ------
        GenreEdgeError
            If the database cannot be read.
        """
        with self._lock:
            self._read()
            name, _, number = mark.partition("-")
            is_known = name == self._name and number.isascii() and number.isdigit()
            known = int(number) if is_known and len(number) < 20 else -1
            found = [one for key, one in self._tiles.items() if self._changed[key] > known]
            return f"{self._name}-{self._number}", known < 0, found

    def _read(self) -> None:
        now = time.monotonic()
        if now - self._read_at >= self._fresh_seconds:
            try:
                self._take()
                self._error = None
            except GenreEdgeError as error:
                self._error = error
            self._read_at = time.monotonic()
        if self._error is not None:
            raise self._error.with_traceback(None)

    def _take(self) -> None:
        with self._database.opened() as store:
            rows = all_devices(store)
        now = self._clock()
        tiles = {row.device: tile(row, now) for row in rows}
        if not self._tiles.keys() <= tiles.keys():
            self._begin()  # somebody has deleted devices
        changed = [name for name, one in tiles.items() if self._tiles.get(name) != one]
        self._number += bool(changed)
        self._changed.update(dict.fromkeys(changed, self._number))
        self._tiles = tiles
