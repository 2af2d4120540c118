"""Signed statements: damaged on their way, or signed by somebody who writes anything;
and settings that came so, over a device's own."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from genre_edge.ed25519 import sign
from genre_edge.errors import GenreEdgeError
from genre_edge.settings.reader import SettingsReader
from genre_edge.settings.signed import SignedSettings
from genre_edge.settings.signed_change import change_signed
from genre_edge.sinks import kinds
from genre_edge.statement import read_signed

from ..damage import damaged
from ..target import Target, check_line

_PURPOSE = b"genre-edge statement, signature 1\0"
_COMMON = {"serial": 7, "made": 5, "devices": ["kitchen", "shop-*"], "note": "what is new"}
_OFFER = {"name": "gtzan-edge.int8", "sha256": "0f" * 32, "size": 1_900_000, "where": "a/b.tflite"}
_VALUES: dict[str, Any] = {
    "listen.smooth": 5,
    "listen.hours": ["07:00-22:00", "Sat 09:00-12:00"],
    "listen.silence_dbfs": -60.5,
    "microphone.gain_db": 3,
    "history.enabled": True,
    "mqtt.discovery_form": "entities",
}


@cache
def _private() -> bytes:
    """A key that is the same in every process."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(bytes(range(32))).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@cache
def _bodies() -> list[bytes]:
    whole = [
        {"kind": "model", **_COMMON, "bundle": _OFFER},
        {"kind": "settings", **_COMMON, "settings": _VALUES, "valid_until": 1 << 40},
        *({"kind": "settings", **_COMMON, "settings": {key: _VALUES[key]}} for key in _VALUES),
    ]
    return [json.dumps(one).encode() for one in whole]


def _signed(body: bytes) -> bytes:
    key, signature = sign(_PURPOSE + body, _private())
    return f"genre-edge-statement-1 {key} {signature}\n".encode() + body


@cache
def _public() -> str:
    return sign(b"", _private())[0]


def _anything(chance: random.Random) -> bytes:
    """A body with another value in place of one that is right."""
    odd: tuple[Any, ...]
    odd = ("", "\x1b[2J", "late", [], ["\n"], [1], None, 1e308, -1, True, {}, "x" * 5000, 10**30)
    return json.dumps(
        {
            "kind": "settings",
            **_COMMON,
            "settings": {**_VALUES, chance.choice(list(_VALUES)): chance.choice(odd)},
        }
    ).encode()


def _prepare(folder: Path) -> None:
    (folder / "c.toml").write_text(f'[update]\nurl = "http://h/"\ntrusted_keys = ["{_public()}"]\n')


def attempt(chance: random.Random, folder: Path) -> None:
    """Read one statement, have its settings in force, and start with it."""
    kind = chance.randrange(3)
    if kind == 0:
        data = damaged(chance, [_signed(body) for body in _bodies()])
    elif kind == 1:
        data = _signed(damaged(chance, _bodies()))
    else:
        data = _signed(_anything(chance))
    (folder / "settings.signed").unlink(missing_ok=True)
    layer = SignedSettings(folder / "settings.signed", lambda line: check_line(_Told(line)))
    reader = SettingsReader(kinds.sections(), folder / "c.toml", signed=layer)
    for take in (
        lambda: read_signed(data, [_public()]),
        lambda: change_signed(reader, data, lambda: ""),
    ):
        try:
            take()
        except GenreEdgeError as error:
            check_line(error, lines=10)
    layer.path.write_bytes(data)
    reader()


class _Told(GenreEdgeError):
    """A line about a layer that is left out."""


TARGET = Target("statement", attempt, batch=10, prepare=_prepare)
