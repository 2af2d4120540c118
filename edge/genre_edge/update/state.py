"""What a device knows of updates: what is installed, what was before, what was
refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import GenreEdgeError, os_reason
from ..files import Rights, write_atomically
from ..statement import MODEL, Statement

STATE = "state.json"
"""Name of the file."""
_FORM = 1
_MOST_FILE_BYTES = 1 << 18


@dataclass(frozen=True)
class Version:
    """A model that came as an update."""

    serial: int
    """Of the statement that it came with."""
    name: str
    """Of the bundle."""
    sha256: str
    """Of the file."""
    note: str = ""
    """What is new in it, for people."""

    @property
    def shown(self) -> str:
        """The name and the beginning of the checksum: names seldom change."""
        return f"{self.name} {self.sha256[:8]}"


@dataclass(frozen=True)
class Refusal:
    """A statement that was not taken."""

    kind: str
    """What it was about: MODEL or SETTINGS."""
    serial: int
    """Of the statement."""
    what: str
    """The model, or the settings, for people."""
    reason: str
    """Why, in words."""
    time: float
    """When, UTC s since 1970."""


@dataclass(frozen=True)
class UpdateState:
    """All of it."""

    model_serial: int = 0
    """The last statement about a model that was decided about."""
    settings_serial: int = 0
    """The last statement about settings that was decided about."""
    installed: Version | None = None
    """The model in use; None: that of the configuration."""
    previous: Version | None = None
    """The model before; None: that of the configuration."""
    instead_of: str = ""
    """The model that the configuration named when the installed one came. Where it
    names another, that is what the user wants."""
    on_trial: Version | None = None
    """A model that is being tried in the listening program."""
    tries: int = 0
    """How often that was begun."""
    refused: Refusal | None = None
    """The last statement that was not taken."""

    def serial(self, kind: str) -> int:
        """The last statement of a kind that was decided about."""
        return self.model_serial if kind == MODEL else self.settings_serial

    def decided(self, kind: str, serial: int) -> UpdateState:
        """This, after a statement was decided about."""
        if kind == MODEL:
            return replace(self, model_serial=serial)
        return replace(self, settings_serial=serial)

    def refusing(self, statement: Statement, reason: str, now: float) -> UpdateState:
        """This, after a statement was refused for good."""
        told = Refusal(statement.kind, statement.serial, shown(statement), reason, now)
        decided = self.decided(statement.kind, statement.serial)
        return replace(decided, refused=told, on_trial=None, tries=0)

    def beginning(self, version: Version) -> UpdateState:
        """This, before a model is tried in the listening program."""
        is_same = self.on_trial is not None and self.on_trial.sha256 == version.sha256
        return replace(self, on_trial=version, tries=self.tries + 1 if is_same else 1)

    def installing(self, version: Version, configured: str) -> UpdateState:
        """This, after a model has proved itself in place of the configured one."""
        return replace(
            self.decided(MODEL, version.serial),
            installed=version,
            previous=self.installed if self.instead_of == configured else None,
            instead_of=configured,
            on_trial=None,
            tries=0,
        )

    def rolled_back(self) -> UpdateState:
        """This, with the model before in place of the installed one."""
        return replace(self, installed=self.previous, previous=None, on_trial=None, tries=0)

    def used(self, configured: str) -> Version | None:
        """The installed model, if the configuration is as it was when that came."""
        return self.installed if self.instead_of == configured else None

    @property
    def kept(self) -> set[str]:
        """Checksums of the bundles that are still needed."""
        found = (self.installed, self.previous, self.on_trial)
        return {one.sha256 for one in found if one is not None}


def version_of(statement: Statement) -> Version:
    """The model that a statement offers."""
    assert statement.bundle is not None
    offer = statement.bundle
    return Version(statement.serial, offer.name, offer.sha256, statement.note)


def shown(statement: Statement) -> str:
    """What a statement is about, for people."""
    if statement.bundle is not None:
        return version_of(statement).shown
    if not statement.settings:
        return "no settings"
    return ", ".join(sorted(statement.settings))[:200]


def read_state(path: Path) -> UpdateState:
    """What was written; nothing is known where there is no such file.

    Raises
    ------
    GenreEdgeError
        If it cannot be read, or is not what `write_state` writes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_FILE_BYTES)
    except FileNotFoundError:
        return UpdateState()
    except OSError as error:
        raise GenreEdgeError(f"{path}: {os_reason(error)}") from None
    try:
        return _state(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise GenreEdgeError(f"{path}: is damaged; remove it to begin anew") from None


def write_state(path: Path, state: UpdateState) -> None:
    """Write it whole, so that a power cut leaves this or what was there.
    GenreEdgeError."""
    text = json.dumps({"form": _FORM, **asdict(state)}, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Root may take an update back for a service that runs as another user.
        rights = replace(Rights.of(path.parent), mode=0o600)
        write_atomically(path, f"{text}\n", durable=True, rights=rights)
    except OSError as error:
        raise GenreEdgeError(f"{path}: {os_reason(error)}") from None


def _state(values: Any) -> UpdateState:
    if not isinstance(values, dict) or values.pop("form") != _FORM:
        raise ValueError("another form")
    for key in ("installed", "previous", "on_trial"):
        values[key] = None if values[key] is None else _made(Version, values[key])
    refused = values["refused"]
    values["refused"] = None if refused is None else _made(Refusal, refused)
    return _made(UpdateState, values)


Made = TypeVar("Made")


def _made(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """A dataclass from its values, each of the type that it declares."""
    types = {"int": int, "str": str, "float": float}
    for one in fields(kind):  # type: ignore[arg-type]
        wanted = types.get(str(one.type))
        if wanted is not None and type(values[one.name]) is not wanted:
            raise TypeError(one.name)
    return kind(**values)
