"""The audio files in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import AudioError

AUDIO_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au"}
)
"""What is looked for in folders; a file named on its own is tried whatever its
suffix."""


def find_audio(paths: Iterable[str]) -> Iterator[str | AudioError]:
    """Replace each folder among `paths` by the audio files in it.

    Folders are searched to any depth, in the order of names. Files and "-" (standard
    input) pass through.

    Yields
    ------
    str or AudioError
        A path; or, for a folder that has no audio or cannot be read, the error to
        report, so that the rest is still done.
    """
    for path in paths:
        if path == "-" or not os.path.isdir(path):
            yield path
            continue
        errors: list[OSError] = []
        found = [
            os.path.join(folder, name)
            for folder, folders, names in os.walk(path, onerror=errors.append)
            for name in names
            if Path(name).suffix.lower() in AUDIO_SUFFIXES and not name.startswith(".")
        ]
        yield from sorted(found)
        for error in errors:
            yield AudioError(str(error.filename), (error.strerror or str(error)).lower())
        if not found and not errors:
            yield AudioError(
                path, f"no audio in this folder (looked for {' '.join(sorted(AUDIO_SUFFIXES))})"
            )
