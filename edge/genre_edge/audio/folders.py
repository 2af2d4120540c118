"""The audio files in folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import AudioError, os_reason
from .ffmpeg import find_ffmpeg
from .limits import is_special

AUDIO_SUFFIXES = frozenset(
    {
        ".wav",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".mp2",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".caf",
        ".w64",
        ".rf64",
    }
)
"""What is looked for in folders; a file named on its own is tried whatever its
suffix."""
FFMPEG_SUFFIXES = frozenset(
    {
        ".m4a",
        ".m4b",
        ".m4v",
        ".mp4",
        ".aac",
        ".ac3",
        ".alac",
        ".ape",
        ".amr",
        ".asf",
        ".dsf",
        ".flv",
        ".wma",
        ".wmv",
        ".webm",
        ".mka",
        ".mkv",
        ".mov",
        ".mpg",
        ".mpeg",
        ".ts",
        ".tta",
        ".3gp",
        ".avi",
        ".wv",
        ".mpc",
    }
)
"""What is looked for too where ffmpeg is installed."""

_MOST_NAMED = 8
"""How many kinds of skipped files are named."""
_HIDDEN = "hidden"
"""Counts folders such as .git and .Trash, which hold no collection."""
_FOREIGN_FOLDERS = frozenset({"__MACOSX"})
"""Copies of a file system's notes on files, under the names of the files."""


@dataclass
class FolderListing:
    """What is in a folder."""

    files: list[str] = field(default_factory=list)
    """Paths of the audio files, sorted."""
    skipped: Counter[str] = field(default_factory=Counter)
    """How many other files there are, by suffix; and how many hidden folders."""
    errors: list[OSError] = field(default_factory=list)
    """Folders that cannot be read."""


@dataclass(frozen=True)
class SkippedFiles:
    """What is not listened to in a folder."""

    folder: str
    """The folder."""
    counts: dict[str, int]
    """How many there are of each suffix, and of hidden folders."""

    def __str__(self) -> str:
        hidden = self.counts.get(_HIDDEN, 0)
        total = sum(self.counts.values()) - hidden
        said = [self._files(total)] if total else []
        said += [f"{hidden} hidden folder{'' if hidden == 1 else 's'} skipped"] if hidden else []
        return f"{self.folder}: {'; '.join(said)}"

    def _files(self, total: int) -> str:
        counts = {suffix: count for suffix, count in self.counts.items() if suffix != _HIDDEN}
        by_number = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{count} {_kind(suffix)}" for suffix, count in by_number[:_MOST_NAMED]]
        others = sum(count for _, count in by_number[_MOST_NAMED:])
        named += [f"{others} others"] if others else []
        files = "file" if total == 1 else "files"
        return f"{total} {files} skipped: {', '.join(named)}"


def find_audio(paths: Iterable[str]) -> Iterator[str | AudioError | SkippedFiles]:
    """Replace each folder among `paths` by the audio files in it.

    Folders are searched to any depth, in the order of names. Files and "-" (standard
    input) pass through.

    Yields
    ------
    str or AudioError or SkippedFiles
        A path; for a folder that has no audio or cannot be read, the error to report,
        so that the rest is still done; what else was in a folder.
    """
    for path in paths:
        if path == "-" or not os.path.isdir(path):
            yield path
            continue
        listing = list_audio(path)
        yield from listing.files
        for error in listing.errors:
            yield AudioError(os.fsdecode(error.filename), os_reason(error))
        if listing.skipped:
            yield SkippedFiles(path, dict(listing.skipped))
        if not listing.files and not listing.errors:
            looked_for = " ".join(sorted(audio_suffixes()))
            yield AudioError(path, f"no audio in this folder (looked for {looked_for})")


def list_audio(folder: str) -> FolderListing:
    """Search a folder to any depth.

    Links to folders are followed, each folder once. Hidden files and folders, the notes
    that systems keep about files ("._song.mp3", "__MACOSX"), pipes and devices are left
    out.
    """
    listing, suffixes = FolderListing(), audio_suffixes()
    seen: set[tuple[int, int]] = set()
    folders, links = [folder], list[str]()
    while folders or links:
        # Links come last, so that files keep their own paths.
        for entry in _entries((folders or links).pop(), seen, listing.errors):
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # a link to itself, or into a closed folder
                listing.errors.append(error)
                continue
            if is_folder:
                if entry.name.startswith("."):
                    listing.skipped[_HIDDEN] += 1
                elif entry.name not in _FOREIGN_FOLDERS:
                    (links if entry.is_symlink() else folders).append(entry.path)
            elif not entry.name.startswith("."):
                suffix = Path(entry.name).suffix.lower()
                if _is_special(entry):
                    listing.skipped["special"] += 1
                elif suffix == ".ts" and not _is_transport(entry.path):
                    listing.skipped[f"{suffix} without video"] += 1
                elif suffix in suffixes:
                    listing.files.append(entry.path)
                else:
                    listing.skipped[suffix] += 1
    listing.files.sort()
    return listing


def _entries(
    folder: str, seen: set[tuple[int, int]], errors: list[OSError]
) -> list[os.DirEntry[str]]:
    """What is in one folder; nothing if it was searched already."""
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        errors.append(error)
        return []


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a pipe, a socket or a device. A broken link is none: reading
    it says what is wrong."""
    try:
        return is_special(entry.stat().st_mode)
    except OSError:
        return False


def _is_transport(path: str) -> bool:
    """Whether a .ts is an MPEG transport stream, not a program in TypeScript: its
    packets of 188 bytes begin with 0x47 ("G")."""
    try:
        with open(path, "rb") as file:
            return file.read(189)[::188] == b"GG"
    except OSError:
        return True  # hearing it says what is wrong


def audio_suffixes() -> frozenset[str]:
    """Suffixes of the files in folders that are listened to, on this machine."""
    return AUDIO_SUFFIXES | FFMPEG_SUFFIXES if find_ffmpeg() else AUDIO_SUFFIXES


def _kind(suffix: str) -> str:
    if suffix == "special":
        return "pipes or devices"
    if suffix in FFMPEG_SUFFIXES:
        return f"{suffix} (install ffmpeg)"
    return suffix or "without a suffix"
