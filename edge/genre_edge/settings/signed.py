"""Settings that came signed over the network: which may, and the file that holds them.

They are a layer of their own, between the configuration file and the environment. So
whoever runs many devices can change what their files say, and whoever stands before one
can still override that. The layer is a signed statement, as it came: it is in force
while [update] is on and trusts the key that signed it, and no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import GenreEdgeError, UpdateError, UsageError, os_reason
from ..files import Rights, write_atomically
from ..statement import MOST_BYTES, SETTINGS, SettingValue, read_signed
from .options import OptionField
from .places import default_folder
from .section import Section
from .settings import options_by_key

FOLDER, _FILE = "updates", "settings.signed"
"""Where the layer is, in the folder of what the program keeps."""
_ALLOWED = {
    "microphone": ("gain_db",),
    "listen": (
        "smooth",
        "silence_dbfs",
        "uncertain_below",
        "loudness",
        "music_score",
        "tempo",
        "hours",
    ),
    "history": ("enabled", "windows", "commit_seconds"),
    "mqtt": ("discovery", "discovery_form", "music_hold"),
}
"""{section: options} that may come so. All of them take effect while the program runs,
and all that they do ends when they are revoked: none deletes what was kept. None of
them says where sound or results go, which programs run, who may use the page or the
switch, whom updates are taken from, or when the program ends. What is new elsewhere may
not, until it is named here."""
_RIGHTS = Rights(0o600)


def signed_file() -> Path:
    """The layer's file, where none of it is moved."""
    return default_folder() / FOLDER / _FILE


def signed_option(key: str, sections: Iterable[Section[Any]]) -> tuple[Section[Any], OptionField]:
    """The section and the option that a key of a statement names.

    Parameters
    ----------
    key : str
        "section.option".
    sections : iterable of Section
        The tables of the sinks, as `load` takes them.

    Raises
    ------
    UsageError
        If it is unknown, or may not come over the network.
    """
    known = options_by_key(sections, repeated=True)
    if key not in known:
        from difflib import get_close_matches

        close = get_close_matches(key, known, 1)
        raise UsageError(f"{key}: unknown" + (f"; did you mean {close[0]}?" if close else ""))
    section, one = known[key]
    if one.name not in _ALLOWED.get(section.name, ()):
        allowed = ", ".join(f"{name}.{option}" for name in _ALLOWED for option in _ALLOWED[name])
        raise UsageError(f"{key}: is set on the device itself only; signed may be {allowed}")
    return section, one


class SignedSettings:
    """The layer of one program.

    Parameters
    ----------
    path
        Its file; it need not exist.
    report
        Takes a line when the layer cannot be used.
    """

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        self._report = report
        self.path = path
        """Its file."""
        self._told = ""
        self.keys: frozenset[str] = frozenset()
        """Those that the layer had set when the settings were last read."""

    def content(self) -> bytes | None:
        """The statement; None if there is none, or it cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.left_out(os_reason(error))
            return None

    def values(
        self, trusted_keys: Sequence[str], sections: Iterable[Section[Any]]
    ) -> dict[str, SettingValue]:
        """What the layer sets: {"section.option": value}. Empty, and said once, if it
        is damaged, or nobody who is trusted has signed it.

        Parameters
        ----------
        trusted_keys : sequence of str
            Who is trusted.
        sections : iterable of Section
            The tables of the sinks.
        """
        data = self.content()
        if data is None:
            return {}
        try:
            return dict(checked(data, trusted_keys, sections))
        except GenreEdgeError as error:
            self.left_out(str(error))
        except ModuleNotFoundError:
            self.left_out("cryptography is not installed")
        return {}

    def left_out(self, reason: str) -> None:
        """Say, once, that the layer is not used."""
        if reason != self._told:
            self._told = reason
            self._report(f"{self.path}: the signed settings are not used: {reason}")

    @contextmanager
    def replaced(self, data: bytes | None) -> Iterator[None]:
        """Put a statement in place of the one that is there; None removes that. If the
        block raises, the one before is there again, even where a disk is full.

        Raises
        ------
        GenreEdgeError
            If it cannot be written.
        """
        before = self.path.with_name(f"{self.path.name}.before")
        try:
            with suppress(FileNotFoundError):
                self.path.replace(before)
            try:
                if data is not None:
                    self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    write_atomically(self.path, data, durable=True, rights=_RIGHTS)
                yield
            except BaseException:
                self.path.unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    before.replace(self.path)
                raise
        except OSError as error:
            raise GenreEdgeError(f"{self.path}: {os_reason(error)}") from None
        with suppress(OSError):  # what is left of it does no harm
            before.unlink()
        self._told = ""


def checked(
    data: bytes, trusted_keys: Sequence[str], sections: Iterable[Section[Any]]
) -> Mapping[str, SettingValue]:
    """What a signed statement sets.

    Raises
    ------
    UpdateError
        If it is none, or nobody who is trusted has signed it.
    UsageError
        If a setting may not come so.
    ModuleNotFoundError
        If signatures cannot be checked here.
    """
    statement = read_signed(data, trusted_keys)
    if statement.kind != SETTINGS:
        raise UpdateError("is about a model, not about settings")
    known = tuple(sections)
    for key in statement.settings:
        signed_option(key, known)
    return statement.settings
