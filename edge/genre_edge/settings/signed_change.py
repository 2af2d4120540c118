"""Settings that came signed over the network, taken and taken back by a program that
runs."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import GenreEdgeError, UsageError
from .reader import SettingsReader
from .signed import checked


def change_signed(
    reader: SettingsReader, data: bytes | None, read_again: Callable[[], str]
) -> None:
    """Put a signed statement in place of the layer that is there, and have it take
    effect. One without settings takes the layer away: what the device's own file says
    is in force again.

    Parameters
    ----------
    reader : SettingsReader
        How the program reads its settings; it heeds a signed layer.
    data : bytes or None
        The statement as it was signed; None: as one without settings.
    read_again : callable
        Has the program read its settings; returns why all is as it was, or "".

    Raises
    ------
    UsageError
        With every fault, in the words of `genre-edge config check`, if the settings do
        not go with what this device has. All is as it was.
    UpdateError
        If the statement is none, or nobody who is trusted has signed it.
    GenreEdgeError
        If this device's own settings have faults, if the layer cannot be written, or if
        the program does not take it now: a disk is full, say. All is as it was; it may
        go well another time.
    """
    layer = reader.signed
    if layer is None:
        raise GenreEdgeError("this program takes no signed settings")
    values = {}
    if data is not None:
        values = dict(checked(data, _trusted_keys(reader), reader.sections))
        reader.read(signed=values)
    with layer.replaced(data if values else None):
        if trouble := read_again():
            raise GenreEdgeError(trouble)


def _trusted_keys(reader: SettingsReader) -> tuple[str, ...]:
    try:
        return reader().update.trusted_keys
    except UsageError as error:
        raise GenreEdgeError(f"this device's own settings have faults: {error}") from None
