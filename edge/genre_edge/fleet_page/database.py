"""The fleet's database as the page reads it: opened for each answer, so that one that
was away, replaced or restarted is read again without more ado."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import GenreEdgeError
from ..fleet.address import Address
from ..fleet.open_store import check_version, store_at
from ..fleet.store import Away, Store, WrongSchema


class Database:
    """Where the answers come from.

    Parameters
    ----------
    address : Address
        Which database.
    report : callable
        Gets one line when it cannot be read any more, and one when it can again.

    Raises
    ------
    UsageError
        If what reads PostgreSQL is not installed.
    """

    def __init__(self, address: Address, report: Callable[[str], None]) -> None:
        self._address, self._report = address, report
        self._trouble = ""
        self._lock = threading.Lock()
        self.shown = store_at(address, must_exist=True).shown
        """Its address for people, without secrets."""

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """A store of its own for whoever asks, on any thread. Away, WrongSchema."""
        store = store_at(self._address, must_exist=True)
        try:
            store.open()
            check_version(store)
            yield store
        except (Away, WrongSchema) as error:
            self._tell(str(error))
            raise
        finally:
            store.close()
        self._tell("")

    def check(self) -> None:
        """Report it if the database cannot be read now."""
        try:
            with self.opened():
                pass
        except GenreEdgeError:
            pass  # it is told, and may come back

    def _tell(self, trouble: str) -> None:
        with self._lock:
            before, self._trouble = self._trouble, trouble
        if trouble and not before:
            self._report(f"{trouble}; trying again")
        elif before and not trouble:
            self._report(f"{self.shown}: can be read again")
