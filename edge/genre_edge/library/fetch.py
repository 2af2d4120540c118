"""A file that is elsewhere, as a file on this disk for as long as it is heard."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from ..errors import AudioError
from .sources import is_url, reason_of

MOST_BYTES = 4 << 30
"""Most that is copied of one file: 6 hours of CD audio."""
_BLOCK_BYTES = 8 << 20
"""What is asked for at a time."""


def local(path: str) -> AbstractContextManager[str]:
    """Where a file can be read on this machine: a path as it is, a URL as a copy that
    is removed afterwards.

    What a file holds is found by reading all of it, at any place, several times over.
    One copy in order costs the network less than that.

    Raises
    ------
    AudioError
        If it cannot be fetched, or is larger than MOST_BYTES.
    """
    return _copied(path) if is_url(path) else nullcontext(path)


@contextmanager
def _copied(url: str) -> Iterator[str]:
    from fsspec.core import url_to_fs

    handle, copy = tempfile.mkstemp(prefix="genre-edge-")
    try:
        with open(handle, "wb") as to:
            try:
                system, path = url_to_fs(url)
                with system.open(path, "rb", block_size=_BLOCK_BYTES) as file:
                    while block := file.read(_BLOCK_BYTES):
                        to.write(block)
                        if to.tell() > MOST_BYTES:
                            raise AudioError(url, f"is larger than {MOST_BYTES >> 30} GiB")
            except AudioError:
                raise
            except Exception as error:  # file systems raise errors of their own kinds
                raise AudioError(url, f"cannot be fetched ({reason_of(url, error)})") from None
        yield copy
    finally:
        with suppress(OSError):
            os.unlink(copy)
