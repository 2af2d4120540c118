"""Bundles: one file that says what it is, and is refused unless it is whole."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from genre_edge.errors import BundleError
from genre_edge.model.bundle import find_model, read_bundle, shipped_models, write_bundle
from genre_edge.model.bundle_info import SCHEMA_VERSION, BundleInfo
from genre_edge.model.frontend_spec import FrontendSpec

INFO = BundleInfo(
    name="tiny",
    labels=("a", "b"),
    frontend=FrontendSpec(n_mels=64),
    trained_on={"tracks": 2},
    metrics={"valid": {"uncertain_below": 0.5}},
)
FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 8


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    write_bundle(path, FLATBUFFER, INFO)
    return path


def test_what_is_written_is_read(path) -> None:
    bundle = read_bundle(path)
    assert bundle.info == INFO
    assert bundle.flatbuffer == FLATBUFFER


def test_unzip_lists_it(path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["labels.txt", "genre_edge.json"]
        assert archive.read("labels.txt") == b"a\nb\n"
        assert json.loads(archive.read("genre_edge.json"))["schema_version"] == 1
    assert path.read_bytes().startswith(FLATBUFFER), "interpreters read the flatbuffer where it is"


def test_a_front_end_with_newer_fields_makes_a_bundle_of_schema_2(tmp_path) -> None:
    path = tmp_path / "log.tflite"
    frontend = FrontendSpec(scale="ln", log_offset=0.001, window_level=0.1)
    write_bundle(path, FLATBUFFER, replace(INFO, frontend=frontend))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("genre_edge.json"))["schema_version"] == 2
    assert read_bundle(path).info.frontend == frontend


def test_a_mapping_is_kept_and_checked(tmp_path) -> None:
    path = tmp_path / "mapped.tflite"
    mapping = {"rock": ("Rock", "Metal"), "jazz": ("Jazz",)}
    info = replace(
        INFO, labels=("rock", "jazz"), outputs=("Rock", "Metal", "Jazz"), mapping=mapping
    )
    write_bundle(path, FLATBUFFER, info)
    assert read_bundle(path).info == info
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt") == b"Rock\nMetal\nJazz\n"
    for wrong in ({"rock": ["Rock"]}, {"rock": ["Rok"], "jazz": ["Jazz"]}, {"rock": 1, "jazz": 2}):
        with pytest.raises(BundleError, match="not valid"):
            read_bundle(rewritten(path, mapping=wrong))
    write_bundle(path, FLATBUFFER, info)
    with pytest.raises(BundleError, match="schema 2 has no such model"):
        read_bundle(rewritten(path, schema_version=2))


def rewritten(path: Path, **changes: object) -> Path:
    """The bundle with other values in its genre_edge.json."""
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("genre_edge.json"))
    path.write_bytes(FLATBUFFER)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("genre_edge.json", json.dumps({**described, **changes}))
    return path


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99, 0, -1])
def test_a_schema_that_is_newer_or_none_is_refused(path, version: int) -> None:
    reason = f"bundle schema {version}, this program reads 1 to {SCHEMA_VERSION}; update genre-edge"
    with pytest.raises(BundleError, match=reason):
        read_bundle(rewritten(path, schema_version=version))


def test_a_front_end_that_the_schema_does_not_have_is_refused(tmp_path) -> None:
    path = tmp_path / "log.tflite"
    frontend = FrontendSpec(scale="ln", log_offset=0.001)
    write_bundle(path, FLATBUFFER, replace(INFO, frontend=frontend))
    with pytest.raises(BundleError, match="schema 1 has no such front-end"):
        read_bundle(rewritten(path, schema_version=1))


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"layout": "mels-time"}, "'mels-time' is none of frames-mels, mels-frames"),
        ({"output": "decibels"}, "'decibels' is none of probabilities, logits, sigmoids"),
    ],
)
def test_an_unknown_layout_or_output_is_refused(path, changes: dict, known: str) -> None:
    with pytest.raises(BundleError, match=known):
        read_bundle(rewritten(path, **changes))


def test_the_same_content_gives_the_same_bytes(path, tmp_path) -> None:
    write_bundle(tmp_path / "again.tflite", FLATBUFFER, INFO)
    assert (tmp_path / "again.tflite").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda c: c[:-1], "not a whole bundle"),
        (lambda c: c[: len(c) // 2], "not a whole bundle"),
        (lambda c: FLATBUFFER, "not a whole bundle"),
        (lambda c: b"RIFF" + c, "is not a TFLite model"),
        (lambda c: b"", "is not a TFLite model"),
        (lambda c: c[:100] + bytes([c[100] ^ 1]) + c[101:], "damaged"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(path, harm, reason: str) -> None:
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(BundleError, match=reason) as error:
        read_bundle(path)
    assert str(path) in str(error.value)


def test_a_missing_model_names_the_shipped_ones() -> None:
    with pytest.raises(BundleError, match="no such file"):
        read_bundle("nowhere.tflite")
    with pytest.raises(BundleError, match=r"gtzan-two-block\.int8"):
        find_model("gtzan-nonsense")


def test_a_file_of_the_users_own_comes_before_a_shipped_model(tmp_path, monkeypatch) -> None:
    name = "gtzan-edge.int8"
    assert find_model(name) == shipped_models()[name]
    monkeypatch.chdir(tmp_path)
    write_bundle(Path(name), FLATBUFFER, INFO)
    assert find_model(name) == name


def test_shipped_bundles_open_and_say_how_good_they_are() -> None:
    for name, path in shipped_models().items():
        info = read_bundle(path).info
        assert info.name == name
        assert len(info.labels) == 10
        assert 0 < info.metrics["valid"]["windows"]["accuracy"] < 1
