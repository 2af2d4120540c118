"""genre-edge publish: what no device would take is not published."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.statement import Statement, read_signed

from tests.helpers.updates import PUBLIC


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("model nosuch", "nosuch: no such model"),
        ("model key.pem", "is not a TFLite model"),
        ("model gtzan-tiny.int8 --devices a/b", "a device's name"),
        ("model gtzan-tiny.int8 --at ftp://x", "--at ftp://x: must be an address"),
        ("model gtzan-tiny.int8 --valid-for 0", "--valid-for 0: must be more than 0"),
        ("model gtzan-tiny.int8 --serial 0", "serial is no whole number"),
        ("settings", "give SECTION.OPTION=VALUE, one or several, or --revoke"),
        ("settings listen.smooth=5 --revoke", "or --revoke"),
        ("settings listen.smooth", "listen.smooth: must be SECTION.OPTION=VALUE"),
        ("settings listen.smoth=5", "listen.smoth: unknown; did you mean listen.smooth?"),
        ("settings listen.smooth=0", "listen.smooth: must be between 1 and 1000"),
        ("settings listen.hours=7", "listen.hours"),
        ("settings model.model=x", "model.model: is set on the device itself only"),
        ("settings update.trusted_keys=x", "update.trusted_keys: is set on the device itself only"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    words: str, line: str, publish, folder: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert publish(*words.split(), to=folder) in (1, 2)
    (said,) = capsys.readouterr().err.splitlines()
    assert line in said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "line"),
    [
        ("/nosuch", "--to /nosuch: no such folder"),
        ("https://example.org/", "must be a folder, mqtt:// or mqtts://"),
        ("mqtt://127.0.0.1:1", "mqtt 127.0.0.1: Connection refused"),
        ("mqtt://127.0.0.1:1,ca=x", "ca, cert and key go with mqtts://"),
    ],
)
def test_a_place_that_cannot_be_is_one_line(to: str, line: str, publish, capsys) -> None:
    assert publish("settings", "--revoke", to=to) in (1, 2)
    (said,) = capsys.readouterr().err.splitlines()
    assert line in said


def test_a_serial_grows(publish, folder: Path, capsys) -> None:
    assert publish("settings", "--revoke", "--serial", 7, to=folder) == 0
    before = (folder / "settings.signed").read_bytes()
    assert publish("settings", "--revoke", "--serial", 7, to=folder) == 2
    assert "--serial 7: " in capsys.readouterr().err
    assert (folder / "settings.signed").read_bytes() == before
    assert read_signed(before, [PUBLIC]) == Statement(7, read_signed(before, [PUBLIC]).made)


def test_a_bundle_that_lies_elsewhere_is_named_alone(publish, folder: Path) -> None:
    at = "https://example.org/tiny.tflite"
    assert publish("model", "gtzan-tiny.int8", "--at", at, to=folder) == 0
    (statement,) = folder.iterdir()
    bundle = read_signed(statement.read_bytes(), [PUBLIC]).bundle
    assert bundle is not None and bundle.where == at
