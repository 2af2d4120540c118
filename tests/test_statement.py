"""Signed statements: what devices are to have, carried as it was signed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from genre_edge.ed25519 import make_key, sign
from genre_edge.errors import UpdateError, UsageError
from genre_edge.statement import BundleOffer, SettingValue, Statement, read_signed, signed
from hypothesis import given, settings
from hypothesis import strategies as st

PRIVATE, PUBLIC = make_key()
_, STRANGER = make_key()
OFFER = BundleOffer("gtzan-edge.int8", "0f" * 32, 1_900_000, "genre-edge-updates/bundle/0f")
WHOLE = st.integers(1, 1 << 53)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES: st.SearchStrategy[SettingValue] = st.one_of(
    TEXT,
    st.booleans(),
    WHOLE,
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(TEXT, max_size=4).map(tuple),
)
ABOUT = st.one_of(
    st.just({"bundle": OFFER}),
    st.fixed_dictionaries(
        {
            "settings": st.dictionaries(
                st.from_regex(r"[a-z]{1,9}\.[a-z]{1,9}", fullmatch=True), VALUES
            )
        }
    ),
)
STATEMENTS = st.builds(
    lambda about, **other: Statement(**about, **other),
    ABOUT,
    serial=WHOLE,
    made=WHOLE,
    valid_until=st.none() | WHOLE,
    devices=st.lists(st.from_regex(r"[\w.*?-]{1,30}", fullmatch=True), min_size=1).map(tuple),
    note=st.text(st.characters(categories=["L", "N", "P"]), max_size=60),
)


@given(STATEMENTS)
@settings(max_examples=60, deadline=None)
def test_what_was_signed_is_what_is_read(statement: Statement) -> None:
    assert read_signed(signed(statement, PRIVATE), [STRANGER, PUBLIC]) == statement


SIGNED = signed(Statement(serial=7, made=5, bundle=OFFER), PRIVATE)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_changed_byte_is_read(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SIGNED) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != SIGNED[at]))
    changed = SIGNED[:at] + bytes([other]) + SIGNED[at + 1 :]
    for damaged in (changed, SIGNED[:at], SIGNED + changed[at : at + 1]):
        with pytest.raises(UpdateError):
            read_signed(damaged, [PUBLIC])


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_what_anybody_sends_is_one_error(data: bytes) -> None:
    with pytest.raises(UpdateError):
        read_signed(data, [PUBLIC])


def test_no_second_way_to_write_a_signature_is_read() -> None:
    first, _, body = SIGNED.partition(b"\n")
    last = first[-3:-2]  # four of its six bits count for nothing
    for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/":
        if other != last[0]:
            with pytest.raises(UpdateError):
                read_signed(first[:-3] + bytes([other]) + b"==\n" + body, [PUBLIC])


def test_a_signature_of_another_key_or_purpose_is_none() -> None:
    with pytest.raises(UpdateError, match=r"is signed by ed25519:.*, which is not in trusted_keys"):
        read_signed(SIGNED, [STRANGER])
    with pytest.raises(UpdateError, match="not in trusted_keys"):
        read_signed(SIGNED, [])
    body = SIGNED.partition(b"\n")[2]
    key, other = sign(b"genre-edge bundle, signature 1\0" + body, PRIVATE)
    with pytest.raises(UpdateError, match="wrong signature"):
        read_signed(f"genre-edge-statement-1 {key} {other}\n".encode() + body, [PUBLIC])
    with pytest.raises(UsageError, match="'x' is no public key"):
        read_signed(SIGNED, ["x"])


def by_hand(body: bytes) -> bytes:
    """A statement that the holder of the key signed without this program."""
    key, signature = sign(b"genre-edge statement, signature 1\0" + body, PRIVATE)
    return f"genre-edge-statement-1 {key} {signature}\n".encode() + body


BODY: dict[str, Any] = json.loads(SIGNED.partition(b"\n")[2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serial": 0}, "serial is no whole number"),
        ({"serial": True}, "serial is no whole number"),
        ({"serial": 1.5}, "serial is no whole number"),
        ({"made": 1 << 54}, "made is no whole number"),
        ({"valid_until": "soon"}, "valid_until is no whole number"),
        ({"devices": []}, "devices are no list"),
        ({"devices": ["a/b"]}, "a device's name .* is not as it must be"),
        ({"devices": ["a"] * 1001}, "devices are no list"),
        ({"note": "two\nlines"}, "note is no line"),
        ({"bundle": {**BODY["bundle"], "name": ""}}, "name is no line"),
        ({"bundle": {**BODY["bundle"], "name": "a\x1b[2J"}}, "name is no line"),
        ({"more": 1}, "does not understand"),
        ({"settings": {}}, "does not understand"),
        ({"kind": "program"}, "neither about a model nor about settings"),
        ({"bundle": []}, "bundle is no object"),
        ({"bundle": {**BODY["bundle"], "sha256": "0F" * 32}}, "sha256 is not as it must be"),
        ({"bundle": {**BODY["bundle"], "size": 1 << 40}}, "size is no whole number"),
        ({"bundle": {**BODY["bundle"], "where": "a b"}}, "place is not as it must be"),
        ({"bundle": {**BODY["bundle"], "more": ""}}, "does not understand"),
    ],
)
def test_each_part_of_a_statement_is_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UpdateError, match=message):
        read_signed(by_hand(json.dumps({**BODY, **change}).encode()), [PUBLIC])


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b"{" * 60_000, b'{"serial": 1, "serial": 2}', b'{"serial": NaN}'],
)
def test_a_body_that_is_no_object_of_json_is_refused(body: bytes) -> None:
    with pytest.raises(UpdateError):
        read_signed(by_hand(body), [PUBLIC])


@pytest.mark.parametrize("value", [None, {}, [1], float("inf"), "\ud800", "x" * 5000])
def test_a_setting_has_a_value_of_a_setting(value: Any) -> None:
    body = {"kind": "settings", "serial": 1, "made": 1, "devices": ["*"]}
    text = json.dumps({**body, "settings": {"listen.smooth": value}}).replace("Infinity", "1e999")
    with pytest.raises(UpdateError, match=r"listen\.smooth has no value that a setting can have"):
        read_signed(by_hand(text.encode()), [PUBLIC])


def test_what_no_device_would_read_is_not_signed() -> None:
    good = Statement(serial=1, made=1)
    for wrong in (
        replace(good, serial=0),
        replace(good, note="a\nb"),
        replace(good, settings={"smooth": 1}),
        replace(good, settings={"listen.smooth": "\udcff"}),
        replace(good, settings={f"listen.x{n}": "y" * 4000 for n in range(20)}),
    ):
        with pytest.raises(UsageError, match="the statement "):
            signed(wrong, PRIVATE)
    with pytest.raises(UsageError, match="no Ed25519 key"):
        signed(good, base64.b64decode("AAAA"))


def test_who_is_meant_and_until_when() -> None:
    statement = Statement(serial=1, made=1, devices=("kitchen", "floor-?-*"), valid_until=10)
    assert statement.is_for("kitchen") and statement.is_for("floor-2-hall")
    assert not statement.is_for("kitchen2") and not statement.is_for("Kitchen")
    assert statement.is_valid_at(10) and not statement.is_valid_at(10.5)
    assert replace(statement, valid_until=None).is_valid_at(1e12)
    assert statement.kind == "settings" and replace(statement, bundle=OFFER).kind == "model"
