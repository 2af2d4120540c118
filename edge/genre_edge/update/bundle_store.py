"""The bundles that came as updates, in a folder: no more of them than are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from ..errors import os_reason
from ..settings.places import default_folder
from ..settings.signed import FOLDER
from ..statement import BundleOffer
from .topics import bundle_file
from .transport import Away, Transport

_CHUNK_BYTES = 1 << 20
_PART = ".part"


def updates_folder() -> Path:
    """The folder of all that updates keep."""
    return default_folder() / FOLDER


class BundleStore:
    """Keeps bundles by their checksum."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where a bundle is, or would be."""
        return self._folder / bundle_file(sha256)

    def bring(self, offer: BundleOffer, transport: Transport) -> Path:
        """The file of a bundle; fetched, unless it is here.

        Raises
        ------
        Away
            If it cannot be had now, or what is there is not the file that was signed:
            who keeps it may not be who signed it, and cannot spoil the statement.
        UpdateError
            If the statement names no place that a file may come from.
        """
        path = self.path(offer.sha256)
        part = path.with_suffix(_PART)
        try:
            if path.is_file() and not _difference(path, offer):
                return path
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            transport.fetch(offer, part)
            difference = _difference(part, offer)
            if difference:
                raise Away(difference)
            with part.open("rb") as file:
                os.fsync(file.fileno())  # what is remembered of it must not outlast it
            part.replace(path)
        except OSError as error:
            raise Away(f"{self._folder}: {os_reason(error)}") from None
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return path

    def has(self, sha256: str) -> bool:
        """Whether a bundle is here, as it came."""
        try:
            return _checksum(self.path(sha256)) == sha256
        except OSError:
            return False

    def tidy(self, needed: Set[str]) -> None:
        """Remove every bundle but those with these checksums."""
        keep = {bundle_file(one) for one in needed}
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix in (".tflite", _PART) and path.name not in keep:
                    path.unlink(missing_ok=True)


def _difference(path: Path, offer: BundleOffer) -> str:
    """How a file differs from the one that was signed, in words; "" if it does not."""
    size = path.stat().st_size
    if size != offer.size:
        return f"the model's file has {size} bytes, and {offer.size} are signed"
    return "" if _checksum(path) == offer.sha256 else "the model's file is not the one signed"


def _checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK_BYTES):
            found.update(part)
    return found.hexdigest()
