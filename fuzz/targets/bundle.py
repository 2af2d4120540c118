"""Bundles: damaged files, and whole ones whose metadata is damaged."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from functools import cache
from pathlib import Path

from genre_edge.errors import GenreEdgeError
from genre_edge.model.bundle import find_model, read_bundle

from ..damage import damaged
from ..target import Target, cases, check_line

_FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(64)
"""Small, so that the damage is done to what follows it."""


@cache
def _metadata() -> list[bytes]:
    described = [read_bundle(find_model(name)).info.to_dict() for name in ("gtzan-edge.int8",)]
    whole = [json.dumps({**one, "flatbuffer": _claim()}).encode() for one in described]
    return [*whole, json.dumps({**described[0], "labels": ["\x1b[2J", "a\nb"]}).encode()]


def _claim() -> dict[str, object]:
    return {"bytes": len(_FLATBUFFER), "sha256": hashlib.sha256(_FLATBUFFER).hexdigest()}


@cache
def _files() -> list[bytes]:
    return [_packed(one) for one in _metadata()] + cases("bundle-*.tflite")


def _packed(metadata: bytes) -> bytes:
    content = io.BytesIO(_FLATBUFFER)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "a\n")
        archive.writestr("genre_edge.json", metadata)
    return content.getvalue()


def attempt(chance: random.Random, folder: Path) -> None:
    """Read one bundle."""
    if chance.random() < 0.5:
        content = damaged(chance, _files())
    else:
        content = _packed(damaged(chance, _metadata()))
    path = folder / "fuzzed.tflite"
    path.write_bytes(content)
    try:
        read_bundle(path)
    except GenreEdgeError as error:
        check_line(error)


TARGET = Target("bundle", attempt)
