"""A database by its address."""

from __future__ import annotations

from .address import Address
from .schema import MIGRATIONS
from .sqlite_store import SqliteStore
from .store import Store, WrongSchema


def store_at(address: Address, must_exist: bool = False) -> Store:
    """The store at an address, not yet open.

    Parameters
    ----------
    address : Address
        Where it is.
    must_exist : bool
        Whether a file of SQLite that is not there is an error.
    """
    if address.path is not None:
        return SqliteStore(address.path, address.shown, must_exist)
    from .postgres_store import PostgresStore

    return PostgresStore(address)


def check_version(store: Store) -> None:
    """WrongSchema unless the tables of an open store are those of this version."""
    found = store.version()
    if found > len(MIGRATIONS):
        raise WrongSchema(
            f"{store.shown}: was made by a newer genre-edge (schema {found}): update genre-edge"
        )
    if found < len(MIGRATIONS):
        raise WrongSchema(
            f"{store.shown}: has schema {found}, and schema {len(MIGRATIONS)} is needed: run "
            "genre-edge collect --migrate-only"
        )
