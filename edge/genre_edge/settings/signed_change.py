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
        If the layer cannot be written, or the program does not take it. All is as it
        was.
    """
    layer = reader.signed
    if layer is None:
        raise GenreEdgeError("this program takes no signed settings")
    values = {}
    if data is not None:
        values = dict(checked(data, reader().update.trusted_keys, reader.sections))
        reader.read(signed=values)
    before = layer.content()
    layer.replace(data if values else None)
    if trouble := read_again():
        layer.replace(before)
        raise UsageError(trouble)
