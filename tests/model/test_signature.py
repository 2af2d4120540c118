"""Signed bundles: who vouches for a model, and which devices ask for that."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from genre_edge.ed25519 import make_key
from genre_edge.errors import BundleError, UsageError
from genre_edge.model.bundle import find_model, read_bundle, sign_bundle, write_bundle
from genre_edge.model.bundle_members import read_members
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from genre_edge_convert import cli as convert

SHIPPED = read_bundle(find_model("gtzan-two-block.int8"))
PRIVATE, PUBLIC = make_key()


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tflite"
    write_bundle(path, SHIPPED.flatbuffer, SHIPPED.info, SHIPPED.negatives)
    return path


@pytest.fixture
def signed(unsigned: Path) -> Path:
    assert sign_bundle(str(unsigned), unsigned, PRIVATE) == PUBLIC
    return unsigned


def test_a_signed_bundle_is_the_same_bundle_and_says_who_signed_it(signed: Path) -> None:
    bundle = read_bundle(signed)
    assert bundle.signed_by == PUBLIC
    assert replace(bundle, path="", signed_by="") == replace(SHIPPED, path="")
    assert sign_bundle(str(signed), signed, PRIVATE) == PUBLIC, "a second time replaces the first"


def changed(path: Path, **members: bytes) -> Path:
    """The bundle with other members."""
    names = {"labels": "labels.txt", "metadata": "genre_edge.json", "signature": "signature.json"}
    found = read_members(str(path), path.read_bytes())
    found |= {names[name]: content for name, content in members.items()}
    path.write_bytes(SHIPPED.flatbuffer)
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return path


def test_a_change_breaks_the_signature(signed: Path) -> None:
    metadata = read_members("", signed.read_bytes())["genre_edge.json"]
    for change in (
        {"labels": b"x\n"},
        {"metadata": metadata.replace(b"blues", b"blued")},
        {"signature": b"{}"},
        {"signature": b"[]"},
        {"signature": b"\xff"},
        {"signature": json.dumps({"key": PUBLIC, "signature": "AAAA"}).encode()},
        {"signature": json.dumps({"key": "x", "signature": "AAAA"}).encode()},
    ):
        before = signed.read_bytes()
        with pytest.raises(BundleError, match="its signature does not fit it"):
            read_bundle(changed(signed, **change))
        signed.write_bytes(before)


def test_nothing_can_be_added_to_what_was_signed(signed: Path) -> None:
    whole = signed.read_bytes()
    head, tail = SHIPPED.flatbuffer, whole[len(SHIPPED.flatbuffer) :]
    with zipfile.ZipFile(signed, "a") as archive:
        archive.writestr("run.sh", b"echo")
    more = signed.read_bytes()
    with zipfile.ZipFile(signed, "a") as archive:
        archive.comment = b"hello"
    for content in (more, signed.read_bytes(), whole + b"x", head + b"x" + tail):
        signed.write_bytes(content)
        with pytest.raises(BundleError, match="holds more than what was signed"):
            read_bundle(signed)
    signed.write_bytes(whole)
    assert read_bundle(signed).signed_by == PUBLIC


def test_the_negatives_belong_to_what_was_signed(signed: Path) -> None:
    members = read_members("", signed.read_bytes())
    assert members.pop("negatives.bin")
    signed.write_bytes(SHIPPED.flatbuffer)
    with zipfile.ZipFile(signed, "a") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match="is not the one it was written with"):
        read_bundle(signed)


def test_only_trusted_models_are_used_where_keys_are_named(
    signed: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    _, stranger = make_key()
    config = EngineConfig(str(signed), trusted_keys=(stranger, PUBLIC))
    assert Engine(config).bundle.signed_by == PUBLIC
    with pytest.raises(BundleError, match=r"is signed by ed25519:.*not in trusted_keys"):
        Engine(replace(config, trusted_keys=(stranger,)))
    write_bundle(signed, SHIPPED.flatbuffer, SHIPPED.info)
    with pytest.raises(BundleError, match="is not signed"):
        Engine(config)
    assert Engine(replace(config, model="gtzan-edge.int8")), "shipped models need no signature"
    assert Engine(replace(config, trusted_keys=())), "nor does any where no key is named"
    with pytest.raises(UsageError, match="is no public key"):
        Engine(replace(config, trusted_keys=("ed25519:AAAA",)))


def run(*words: object) -> int:
    return convert.main([str(word) for word in words])


def test_the_command_makes_a_key_and_signs(unsigned: Path, tmp_path: Path, capsys) -> None:
    key = tmp_path / "key.pem"
    assert run("sign", "--make-key", key) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    public = capsys.readouterr().out.rpartition(" ")[2].strip()
    assert run("sign", "--make-key", key) == 2, "a key is never replaced"
    out = tmp_path / "signed.tflite"
    assert run("sign", unsigned, "--key", key, "-o", out) == 0
    assert read_bundle(out).signed_by == public
    assert read_bundle(unsigned).signed_by == ""
    capsys.readouterr()
    key.write_text("no key\n")
    assert run("sign", unsigned, "--key", key) == 2
    assert run("sign", unsigned, "--key", tmp_path / "nowhere") == 2
    assert run("sign", unsigned) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
