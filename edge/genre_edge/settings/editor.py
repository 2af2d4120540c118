"""The configuration file changed by a program: with the checks of `config check`, and
undone again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import Rights, write_atomically
from ..text_files import read_text
from .edit import with_value
from .editable import kind_of
from .options import OptionField
from .reader import SettingsReader
from .section import Section
from .settings import Settings, options_by_key
from .text import as_toml, commented, commented_line
from .tomlfile import parse_toml
from .versions import VersionedFile

Apply = Callable[[Settings], None]
"""Has settings take effect, which are in the file by now. UsageError if they cannot be
used; then the file is as it was."""
_SECRET = Rights(0o600)


class Editor:
    """Changes the configuration file of one program.

    Parameters
    ----------
    reader
        How the program reads its settings.
    """

    def __init__(self, reader: SettingsReader) -> None:
        self._reader = reader
        self._known = options_by_key(reader.sections)

    @property
    def file(self) -> VersionedFile:
        """The file that is changed."""
        return VersionedFile(self._reader.file)

    def change(self, changes: Mapping[str, Any], version: str, apply: Apply) -> None:
        """Write other values into the file, if nothing is wrong with them.

        Parameters
        ----------
        changes
            {"section.option": value}, JSON values; None takes an option out of the
            file. A secret's value is the secret itself.
        version
            Of the file that whoever asks has seen.
        apply
            Is called once the file is written.

        Raises
        ------
        UsageError
            With every fault, in the words of `genre-edge config check`; then nothing is
            written.
        ChangedMeanwhile
            If the file holds something else by now.
        """
        file = self.file
        with self._secrets(file, changes) as plain:
            self._put(file, self._text_with(file, plain), version, apply)

    def undo(self, version: str, apply: Apply) -> None:
        """Write what was in the file before its last change; once more takes that back.
        Parameters and errors as for `change`."""
        file = self.file
        self._put(file, file.before(), version, apply)

    def _put(self, file: VersionedFile, text: str, version: str, apply: Apply) -> None:
        settings, _ = self._reader.read(parse_toml(file.name, text))
        old = file.text()
        file.replace(text, version)
        try:
            apply(settings)
        except BaseException:
            file.take_back(old)
            raise

    def _text_with(self, file: VersionedFile, changes: Mapping[str, Any]) -> str:
        """What the file will hold."""
        text = file.text()
        if text is None:
            text = commented(self._reader.sections, self._reader.base or {})
        for key, value in changes.items():
            section, one = self._changeable(key)
            made = None if value is None else as_toml(value)
            text = with_value(text, section.name, one.name, made, commented_line(section, one))
        return text

    def _changeable(self, key: str) -> tuple[Section[Any], OptionField]:
        """What a key stands for. UsageError if the page may not change it."""
        if key not in self._known:
            raise UsageError(f"{key}: unknown")
        section, one = self._known[key]
        if kind_of(section, one) == "other":
            raise UsageError(f"{key}: is set in the file only")
        fixed = self._reader.fixed_by(section, one.name)
        if fixed:
            raise UsageError(f"{key}: is set by the {fixed}: the file has no say in it")
        return section, one

    @contextmanager
    def _secrets(self, file: VersionedFile, changes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Put new secrets into files of their own, whose paths take their place among
        the changes. If the block raises, the files are as they were."""
        plain, written = dict[str, Any](), list[tuple[Path, str | None]]()
        try:
            for key, value in changes.items():
                section, one = self._changeable(key)
                plain[key] = value
                if kind_of(section, one) == "secret" and value is not None:
                    if not isinstance(value, str) or not value.strip():
                        raise UsageError(f"{key}: must be a text")
                    name = f"{section.name}-{one.name.removesuffix('_file')}"
                    plain[key] = str(_put_secret(file.beside(name), value, written))
            yield plain
        except BaseException:
            for path, before in written:
                if before is None:
                    path.unlink(missing_ok=True)
                else:
                    write_atomically(path, before, rights=_SECRET)
            raise


def _put_secret(path: Path, value: str, written: list[tuple[Path, str | None]]) -> Path:
    """Write a secret that only this user can read; take note of what was there."""
    try:
        before = read_text(path) if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{value}\n", durable=True, rights=_SECRET)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    written.append((path, before))
    return path
