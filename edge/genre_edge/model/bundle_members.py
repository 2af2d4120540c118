"""The ZIP behind a model's flatbuffer, read within limits: a bundle may come from
anybody."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import struct
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import BundleError

METADATA = "genre_edge.json"
"""What the bundle says of itself."""
LABELS = "labels.txt"
"""One label a line, for programs that read TFLite's associated files."""
AUDIO_IN = "audio_in.json"
"""What the ZIP has instead of METADATA in a model whose front-end is inside
(`genre-convert audio-in`)."""
SIGNATURE = "signature.json"
"""Who vouches for the rest; a bundle need not have it."""
NEGATIVES = "negatives.bin"
"""What a network makes of sounds that are none of a user's labels; a bundle need not
have it."""
_KNOWN = (METADATA, LABELS, AUDIO_IN, SIGNATURE, NEGATIVES)

MOST_MEMBER_BYTES = 1 << 20
"""Most that one member may unpack to; a shipped bundle's metadata has 3 KB."""
_MOST_MEMBERS = 16
_MOST_DIRECTORY_BYTES = 1 << 16
_END = b"PK\x05\x06"
_END_BYTES = 22
_HEADER_BYTES = 30
"""Before each member, its name not counted."""
_ENTRY_BYTES = 46
"""Of each member in the directory, its name not counted."""
_LONGEST_COMMENT = 65_535
_IS_ENCRYPTED = 0x1
_NO_ZIP: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, struct.error)
_NO_ZIP += (KeyError, ValueError, EOFError, OSError, NotImplementedError)
"""What `zipfile` raises where the bytes are no ZIP, or one that it does not know."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_members(name: str, content: bytes) -> dict[str, bytes]:
    """The members that this program knows: {name: bytes}; METADATA or AUDIO_IN is
    among them.

    Parameters
    ----------
    name
        What an error calls the file.
    content
        All of the file.

    Raises
    ------
    BundleError
        If there is no whole ZIP, or it holds what no bundle does.
    """
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members)
            known = [one for one in members if one.filename in _KNOWN]
            found = {one.filename: _unpacked(archive, one) for one in known}
        if AUDIO_IN not in found:
            found[METADATA]
    except _Refused as refused:
        raise BundleError(f"{name}: is no bundle of this program's: {refused}") from None
    except _NO_ZIP:
        raise BundleError(
            f"{name}: is a TFLite model but not a whole bundle "
            "(cut short, or never packed: see genre-convert)"
        ) from None
    return found


def holds_nothing_else(content: bytes, start: int) -> bool:
    """Whether a file has, from byte `start` on, the members that this program knows and
    nothing else: no other member, no comment, and no byte before, between or behind.

    Parameters
    ----------
    content
        All of a file that `read_members` has read.
    start
        Bytes of the flatbuffer.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = sorted(archive.infolist(), key=lambda one: one.header_offset)
    at = start
    for one in members:
        if one.filename not in _KNOWN or one.header_offset != at or one.flag_bits:
            return False
        name_bytes, extra_bytes = struct.unpack_from("<HH", content, at + 26)
        if (name_bytes, extra_bytes) != (len(one.filename), 0):
            return False
        at += _HEADER_BYTES + name_bytes + one.compress_size
    directory = sum(_ENTRY_BYTES + len(one.filename) for one in members)
    return len(content) == at + directory + _END_BYTES


_MOST_FILE_BYTES = 256 << 20
"""Most that a bundle may have; shipped ones have less than 1 MiB."""


def file_content(name: str) -> bytes:
    """Everything in a bundle's file; a pipe, which can be read once only, is
    remembered. OSError, BundleError."""
    found = os.stat(name)
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return _content_of_pipe(name)
    if found.st_size > _MOST_FILE_BYTES:
        raise BundleError(f"{name}: {_TOO_LARGE}")
    return Path(name).read_bytes()


_TOO_LARGE = f"is no bundle: it has more than {_MOST_FILE_BYTES >> 20} MiB"


@lru_cache(maxsize=4)
def _content_of_pipe(name: str) -> bytes:
    with open(name, "rb") as file:
        content = file.read(_MOST_FILE_BYTES + 1)
    if len(content) > _MOST_FILE_BYTES:  # /dev/zero, say
        raise BundleError(f"{name}: {_TOO_LARGE}")
    return content


class _Refused(Exception):
    """What a member or the directory has that no bundle has."""


def _check_directory(content: bytes) -> None:
    """Look at the directory's size before anything makes objects of its entries."""
    end = content.rfind(_END, max(0, len(content) - _END_BYTES - _LONGEST_COMMENT))
    if end < 0:
        raise zipfile.BadZipFile
    (size,) = struct.unpack_from("<I", content, end + 12)
    if size > _MOST_DIRECTORY_BYTES or content[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise _Refused("its ZIP has too large a directory")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [one.filename for one in members]
    if len(names) > _MOST_MEMBERS or len(set(names)) < len(names):
        raise _Refused(f"its ZIP has a member twice, or more than {_MOST_MEMBERS}")
    for one in members:
        shown = one.filename[:40].encode("unicode_escape").decode()
        if one.flag_bits & _IS_ENCRYPTED:
            raise _Refused(f"{shown} is encrypted")
        if one.compress_type not in _METHODS:
            raise _Refused(f"{shown} is packed by an unknown method")
        if one.file_size > MOST_MEMBER_BYTES:
            raise _Refused(f"{shown} unpacks to more than {MOST_MEMBER_BYTES >> 20} MiB")


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:  # reads as far as the size that was checked
        content = file.read(MOST_MEMBER_BYTES + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile
    return content


def parsed(content: bytes) -> Any:
    """The value of a member that is JSON. What JSON does not have (NaN, infinity)
    becomes null.

    Raises
    ------
    ValueError
        If it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(content, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
