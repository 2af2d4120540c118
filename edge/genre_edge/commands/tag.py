"""genre-edge tag: genres from a library into the tags of the files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import complain, harmless
from ..errors import AudioError, UsageError, os_reason

if TYPE_CHECKING:
    from ..library.tags import TaggedFile

_EPILOG = """\
examples:
  genre-edge library ~/Music --output genres
  genre-edge tag genres                                what would be written
  genre-edge tag genres --write --undo-file undo.jsonl
  genre-edge tag --undo undo.jsonl                     as it was before

exit status: 0 all done, 1 a file failed, 2 wrong usage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Write genres from a library (genre-edge library) into the tags of its files. Without "
        "--write nothing is changed: it is shown what would be."
    )
    parser.epilog = _EPILOG
    parser.add_argument("library", nargs="?", type=Path, metavar="DIR", help="folder of a library")
    parser.add_argument("--write", action="store_true", help="change the files")
    parser.add_argument(
        "--undo-file", type=Path, metavar="FILE", help="where --write notes what was there before"
    )
    parser.add_argument(
        "--replace", action="store_true", help="write the genre where a file has another already"
    )
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.5,
        metavar="P",
        help="confidence from which the genre is written (default: %(default)s); scores always are",
    )
    parser.add_argument("--undo", type=Path, metavar="FILE", help="put back what --write noted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Tag files, or undo it; returns the exit status."""
    import mutagen  # noqa: F401 (whether it is there shows before any file is touched)

    if (args.library is None) == (args.undo is None):
        raise UsageError("name the folder of a library, or --undo FILE")
    if args.undo is not None:
        return _undo(args.undo)
    if args.write and args.undo_file is None:
        raise UsageError("--write: needs --undo-file FILE, where what was there before is noted")
    return _tag(args)


def _tag(args: argparse.Namespace) -> int:
    from ..library.tags import TaggedFile

    failed = changed = 0
    for row, fields in _wanted(args.library, args.min_confidence):
        try:
            file = TaggedFile(row["path"])
            changes = _changes(file, fields, args.replace)
            if changes and args.write:
                _note(args.undo_file, row["path"], {name: file.get(name) for name in changes})
                for name, value in changes.items():
                    file.set(name, [value])
                file.save()
        except AudioError as error:
            complain(error)
            failed += 1
            continue
        if changes:
            changed += 1
            print(harmless(f"{row['path']}: {_shown(changes)}"))
    verb = "changed" if args.write else "would be changed (--write --undo-file FILE changes them)"
    print(f"{_files(changed)} {verb}, {failed} failed")
    return 1 if failed else 0


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _wanted(folder: Path, least: float) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The rows with a genre of files on this machine, and the fields for each."""
    from ..library.parts import rows_of_parts
    from ..library.sources import is_url
    from ..library.tags import fields_of

    for _, rows in rows_of_parts(folder, ("path", "genre", "confidence", "scores", "model")):
        for row in rows:
            if row["genre"] is not None and not is_url(row["path"]):
                yield row, fields_of(row, least)


def _changes(file: TaggedFile, fields: dict[str, str], replace: bool) -> dict[str, str]:
    """The fields that would change. A genre that is there stays, unless told."""
    from ..library.tags import GENRE

    return {
        name: value
        for name, value in fields.items()
        if file.get(name) != [value] and (name != GENRE or replace or not file.get(name))
    }


def _shown(changes: dict[str, str]) -> str:
    from ..library.tags import GENRE

    scores = len(changes) - (GENRE in changes)
    named = [f"{GENRE} {changes[GENRE]}"] if GENRE in changes else []
    return ", ".join([*named, *([f"{scores} fields of scores"] if scores else [])])


def _note(undo: Path, path: str, before: dict[str, list[str]]) -> None:
    """Note what was there, on the disk before the file is touched."""
    import os

    try:
        with undo.open("a+b") as file:
            if file.tell():  # a run that was killed may have left a part of a line
                file.seek(-1, os.SEEK_END)
                file.write(b"" if file.read() == b"\n" else b"\n")
            file.write(json.dumps({"path": path, "before": before}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(f"--undo-file {undo}: {os_reason(error)}") from None


def _undo(undo: Path) -> int:
    """Put back what was noted, the last first."""
    from ..library.tags import TaggedFile

    notes, damaged = _notes(undo)
    failed = 0
    for path, before in reversed(notes):
        try:
            file = TaggedFile(path)
            for name, values in before.items():
                file.set(name, values)
            file.save()
        except AudioError as error:
            complain(error)
            failed += 1
    print(f"{_files(len(notes) - failed)} as before, {failed} failed")
    return 1 if failed or damaged else 0


def _notes(undo: Path) -> tuple[list[tuple[str, dict[str, list[str]]]], int]:
    """What was noted, and how many lines are damaged. A run that was killed while it
    noted a file leaves half a line: that file was not changed."""
    try:
        lines = undo.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"--undo {undo}: {os_reason(error)}") from None
    notes, damaged = [], list[int]()
    for number, line in enumerate(lines, 1):
        note = _noted(line)
        if note is None:
            damaged.append(number)
        else:
            notes.append(note)
    if damaged and not notes:
        raise UsageError(f"--undo {undo}: is not what genre-edge tag wrote")
    for number in damaged:
        complain(f"--undo {undo}: line {number} is damaged and left out")
    return notes, len(damaged)


def _noted(line: bytes) -> tuple[str, dict[str, list[str]]] | None:
    """The path of a file and its fields as they were; None if a line is no note."""
    try:
        note = json.loads(line)
        path, before = note["path"], note["before"]
        fields = [one for values in before.values() for one in list.copy(values)]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    return (path, before) if all(isinstance(one, str) for one in (path, *before, *fields)) else None
