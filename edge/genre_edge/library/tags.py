"""Genres in the tags of files, written by mutagen, and undone."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import AudioError
from ..files import Rights, atomic_file

GENRE = "GENRE"
"""The field that players show."""
PREFIX = "GENRE_EDGE_"
"""How our own fields begin: GENRE_EDGE_MODEL, GENRE_EDGE_ROCK."""

_SHOWN = {"hiphop": "Hip-Hop"}
"""Genres that players call otherwise than by the capitalised label."""


def shown_genre(label: str) -> str:
    """A label as players write genres: "Rock", "Hip-Hop"."""
    return _SHOWN.get(label, label.capitalize())


def fields_of(row: Mapping[str, Any], least: float) -> dict[str, str]:
    """The fields of a row of a library: the genre, the model, each score.

    Parameters
    ----------
    row
        A row that has a genre.
    least
        The confidence from which the genre itself is written.
    """
    fields = {GENRE: shown_genre(row["genre"])} if row["confidence"] >= least else {}
    fields[f"{PREFIX}MODEL"] = row["model"]
    for label, score in row["scores"].items():
        if score is not None:
            name = re.sub(r"[^A-Z0-9]+", "_", label.upper())  # Vorbis comments take no more
            fields[f"{PREFIX}{name}"] = f"{score:.4f}"
    return fields


class TaggedFile:
    """The tags of one file, as fields of text.

    Raises
    ------
    AudioError
        If it cannot be read, or mutagen does not know its format.
    """

    def __init__(self, path: str) -> None:
        import mutagen

        self._path = path
        with self._errors("read"):
            self._file = mutagen.File(_named(path))
        if self._file is None:
            raise AudioError(path, "its tags are of no kind that mutagen knows")
        if self._file.tags is None:
            with self._errors("written"):
                self._file.add_tags()

    def get(self, field: str) -> list[str]:
        """The values of a field; none if it is not there."""
        tags = self._file.tags
        if _is_id3(tags):
            frame = tags.get("TCON" if field == GENRE else f"TXXX:{field}")
            return [] if frame is None else list(frame.genres if field == GENRE else frame.text)
        found = tags.get(_key(tags, field)) or []
        return [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in found
        ]

    def set(self, field: str, values: list[str]) -> None:
        """Set the values of a field; none removes it."""
        tags = self._file.tags
        if not _is_id3(tags):
            key = _key(tags, field)
            if values:
                is_free = key.startswith("----")
                tags[key] = [one.encode() for one in values] if is_free else values
            elif key in tags:
                del tags[key]
            return
        from mutagen import id3

        frames: Any = id3  # its frames have no types
        tags.delall("TCON" if field == GENRE else f"TXXX:{field}")
        if values and field == GENRE:
            tags.add(frames.TCON(encoding=id3.Encoding.UTF8, text=values))
        elif values:
            tags.add(frames.TXXX(encoding=id3.Encoding.UTF8, desc=field, text=values))

    def save(self) -> None:
        """Write the tags into a copy, which then takes the file's place. A program that
        is killed, or a full disk, in the middle of it leaves the file as it was.

        Raises
        ------
        AudioError
            If that is not possible.
        """
        with self._errors("written"):
            path = Path(_named(self._path)).resolve()  # what a link leads to
            with atomic_file(path, durable=True, rights=Rights.of(path)) as copy:
                with path.open("rb") as file:
                    shutil.copyfileobj(file, copy)
                copy.flush()
                shutil.copystat(path, copy.name)
                self._file.save(copy.name)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Whatever mutagen makes of a damaged file, as an AudioError."""
        try:
            yield
        except Exception as error:  # one file of many must not stop the others
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise AudioError(self._path, f"its tags cannot be {what} ({reason})") from None


def _named(path: str) -> str:
    """The path of a file as the system has it: rows have `\\udcff` for a byte of a name
    that is no UTF-8."""
    if os.path.lexists(path):
        return path
    return re.sub(r"\\u(dc[89a-f][0-9a-f])", lambda found: chr(int(found[1], 16)), path)


def _is_id3(tags: Any) -> bool:
    from mutagen.id3 import ID3

    return isinstance(tags, ID3)


def _key(tags: Any, field: str) -> str:
    """What a field is called in tags that are no ID3."""
    from mutagen.asf import ASFTags
    from mutagen.mp4 import MP4Tags

    if isinstance(tags, MP4Tags):
        return "\xa9gen" if field == GENRE else f"----:com.apple.iTunes:{field}"
    return "WM/Genre" if isinstance(tags, ASFTags) and field == GENRE else field
