"""Signed statements: which model, or which settings, devices are to have.

A statement is one line, which signs the rest, and JSON:

    genre-edge-statement-1 ed25519:KEY SIGNATURE
    {"kind": "model", "serial": 1795816800123, ...}

What is signed is the purpose and every byte after the first line. It is carried as it
was signed, and never written anew.

Whoever keeps statements holds no power over devices: nobody without the key can change
one, nor have an old one taken again, because serial numbers only grow.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .ed25519 import fits, key_bytes, sign
from .errors import UpdateError, UsageError

MODEL, SETTINGS = "model", "settings"
"""What statements are about."""
MOST_BYTES = 1 << 16
"""Most that a statement may have, bytes."""
MOST_BUNDLE_BYTES = 256 << 20
"""Most that a bundle may have, bytes."""
_FORM = "genre-edge-statement-1"
_PURPOSE = b"genre-edge statement, signature 1\0"
"""Begins what is signed, so that a signature made for something else fits nothing
here."""
_MOST_DEVICES, _MOST_SETTINGS = 1000, 200
_LONGEST_TEXT, _LONGEST_NAME = 4096, 200
_LATEST = 1 << 53
"""Greatest serial number and time: what every reader of JSON has exactly."""
_DEVICES = re.compile(r"[\w.*?-]{1,200}")
_NAMED = "a device's name (letters, digits, '.', '-' and '_'; '*' and '?' for others)"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,60}\.[a-z][a-z0-9_]{0,60}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WHERE = re.compile(r"[\x21-\x7e]{1,2000}", re.ASCII)

SettingValue = str | int | float | bool | tuple[str, ...]
"""The value of a setting."""


@dataclass(frozen=True)
class BundleOffer:
    """A model that devices are to use."""

    name: str
    """Its name, for people."""
    sha256: str
    """Of the whole file, in hexadecimal."""
    size: int
    """Bytes of the file."""
    where: str
    """Where the file is: an address, one relative to the statement's, or a topic."""


@dataclass(frozen=True)
class Statement:
    """What whoever holds the key wants of devices: a model or settings."""

    serial: int
    """Grows from each statement to the next. A device takes none twice, and none older
    than its last."""
    made: int
    """When it was made, s since 1970."""
    valid_until: int | None = None
    """Not taken after this, s since 1970; None: never too old."""
    devices: tuple[str, ...] = ("*",)
    """Names of devices; * and ? stand for any letters, or for one."""
    note: str = ""
    """What is new, for people; one line."""
    bundle: BundleOffer | None = None
    """The model; None: it is about settings."""
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    """{"section.option": value} in place of those of all statements before; without a
    bundle and empty: those are revoked."""

    @property
    def kind(self) -> str:
        """MODEL or SETTINGS. Each kind has serial numbers of its own."""
        return SETTINGS if self.bundle is None else MODEL

    def is_for(self, device: str) -> bool:
        """Whether a device of this name is meant."""
        return any(fnmatchcase(device, one) for one in self.devices)

    def is_valid_at(self, now: float) -> bool:
        """Whether it may be taken at a time, s since 1970."""
        return self.valid_until is None or now <= self.valid_until


def signed(statement: Statement, private_key: bytes) -> bytes:
    """A statement with its signature.

    Parameters
    ----------
    statement : Statement
        What is wanted.
    private_key : bytes
        An Ed25519 key, PEM (PKCS #8) without a password.

    Raises
    ------
    UsageError
        If no device would read the statement, or if the key is none.
    """
    try:
        body = json.dumps(_plain(statement), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError("the statement holds letters that are no UTF-8") from None
    try:
        if _read(body) != statement:
            raise UpdateError("does not read as it was written")
    except UpdateError as error:
        raise UsageError(f"the statement {error}") from None
    key, signature = sign(_PURPOSE + body, private_key)
    found = f"{_FORM} {key} {signature}\n".encode() + body
    if len(found) > MOST_BYTES:
        raise UsageError(f"the statement has more than {MOST_BYTES >> 10} KiB")
    return found


def read_signed(data: bytes, trusted_keys: Sequence[str]) -> Statement:
    """Check the signature of a statement, and read it.

    Nothing of an untrusted statement is parsed but its first line.

    Parameters
    ----------
    data : bytes
        What `signed` gave.
    trusted_keys : sequence of str
        Public keys, "ed25519:" and Base64.

    Raises
    ------
    UpdateError
        If it is none, is not signed with one of the keys, or is not as it was signed.
    UsageError
        If a trusted key is none.
    ModuleNotFoundError
        If the package that checks signatures is not installed.
    """
    trusted = {key_bytes(key) for key in trusted_keys}
    if len(data) > MOST_BYTES:
        raise UpdateError(f"has more than {MOST_BYTES >> 10} KiB")
    first, newline, body = data.partition(b"\n")
    words = first.decode("ascii", "replace").split(" ")
    if not newline or len(words) != 3 or words[0] != _FORM:
        raise UpdateError("is no signed statement, or one of another version of the program")
    _, key, signature = words
    try:
        is_trusted = key_bytes(key) in trusted
    except UsageError:
        raise UpdateError("names no key that signed it") from None
    if not is_trusted:
        raise UpdateError(f"is signed by {key}, which is not in trusted_keys")
    if not fits(_PURPOSE + body, key, signature):
        raise UpdateError("has a wrong signature: it was changed, or is not from that key")
    return _read(body)


def _plain(statement: Statement) -> dict[str, Any]:
    """As JSON has it. What is at its default is left out."""
    found: dict[str, Any] = {
        "kind": statement.kind,
        "serial": statement.serial,
        "made": statement.made,
        "devices": list(statement.devices),
    }
    if statement.valid_until is not None:
        found["valid_until"] = statement.valid_until
    if statement.note:
        found["note"] = statement.note
    if statement.bundle is not None:
        found["bundle"] = dict(vars(statement.bundle))
    if statement.settings or statement.bundle is None:
        found["settings"] = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in statement.settings.items()
        }
    return found


def _read(body: bytes) -> Statement:
    """A statement from its JSON. UpdateError."""
    try:
        found = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UpdateError("cannot be read") from None
    table = _table(found, "the statement")
    kind = table.pop("kind", None)
    bundle = settings = None
    if kind == MODEL:
        bundle = _bundle(_table(table.pop("bundle", None), "bundle"))
    elif kind == SETTINGS:
        settings = _settings(_table(table.pop("settings", None), "settings"))
    else:
        raise UpdateError("is neither about a model nor about settings")
    until = table.pop("valid_until", None)
    statement = Statement(
        serial=_whole(table.pop("serial", None), "serial"),
        made=_whole(table.pop("made", None), "made"),
        valid_until=None if until is None else _whole(until, "valid_until"),
        devices=_devices(table.pop("devices", None)),
        note=_line(table.pop("note", ""), "note", 0, _LONGEST_TEXT),
        bundle=bundle,
        settings=settings or {},
    )
    _nothing_else(table)
    return statement


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(text)


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UpdateError(f"cannot be read: {name} is no object")
    return value


def _nothing_else(table: Mapping[str, Any]) -> None:
    """What is not understood may matter."""
    if table:
        raise UpdateError("says what this version of the program does not understand")


def _whole(value: Any, name: str, most: int = _LATEST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise UpdateError(f"cannot be read: {name} is no whole number from 1 to {most}")
    return value


def _text(value: Any, name: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise UpdateError(f"cannot be read: {name} is not as it must be")
    return value


def _bundle(table: dict[str, Any]) -> BundleOffer:
    found = BundleOffer(
        name=_line(table.pop("name", None), "the bundle's name", 1, _LONGEST_NAME),
        sha256=_text(table.pop("sha256", None), "the bundle's sha256", _SHA256),
        size=_whole(table.pop("size", None), "the bundle's size", MOST_BUNDLE_BYTES),
        where=_text(table.pop("where", None), "the bundle's place", _WHERE),
    )
    _nothing_else(table)
    return found


def _devices(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_DEVICES:
        raise UpdateError(f"cannot be read: devices are no list of 1 to {_MOST_DEVICES} names")
    return tuple(_text(one, _NAMED, _DEVICES) for one in value)


def _line(value: Any, name: str, least: int, most: int) -> str:
    if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
        raise UpdateError(f"cannot be read: {name} is no line of {least} to {most} letters")
    return value


def _settings(table: dict[str, Any]) -> dict[str, SettingValue]:
    if len(table) > _MOST_SETTINGS:
        raise UpdateError(f"has more than {_MOST_SETTINGS} settings")
    return {_text(key, "a setting's name", _KEY): _value(key, table[key]) for key in table}


def _value(key: str, value: Any) -> SettingValue:
    if isinstance(value, list):
        value = tuple(value)
    words = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    if (
        not isinstance(value, str | int | float | tuple)
        or not all(isinstance(one, str) and _is_unicode(one) for one in words)
        or (isinstance(value, float) and not math.isfinite(value))
        or len(str(value)) > _LONGEST_TEXT
    ):
        raise UpdateError(f"cannot be read: {key} has no value that a setting can have")
    return value


def _is_unicode(text: str) -> bool:
    """Whether no letter is half of one."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
