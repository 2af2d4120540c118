"""Bundles made to do harm: one line says what is wrong, soon and with little memory."""

from __future__ import annotations

import json
import resource
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from genre_edge.errors import BundleError
from genre_edge.model import trial
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge.model.engine import Engine
from genre_edge.model.flatbuffer import Table, _uint, read_graph
from genre_edge.settings.tables import EngineConfig

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
NAMES = ["crash", "deep", "dup", "enc", "esc", "inf", "long", "metrics", "nfft", "nmels", "rate"]
SHIPPED = read_bundle(find_model("gtzan-two-block.int8"))


def _within_two_gigabytes() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch) -> None:
    """No mark of an earlier trial."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_bundle_is_refused_in_one_line(name: str, cli, demo_clip) -> None:
    path = CASES / f"bundle-{name}.tflite"
    if not path.exists():
        pytest.skip("needs ../shared/cases")
    done = cli("classify", demo_clip, "--model", path, preexec_fn=_within_two_gigabytes)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"genre-edge: {path}: ")
    assert line.isprintable()
    assert done.stdout == ""


def test_a_model_that_crashes_the_interpreter_is_told_and_not_marked(tmp_path) -> None:
    path = CASES / "bundle-crash.tflite"
    if not path.exists():
        pytest.skip("needs ../shared/cases")
    for _ in range(2):
        with pytest.raises(BundleError, match=r"crashed on it \(SIGSEGV\)"):
            Engine(EngineConfig(str(path)))
    assert not list(tmp_path.glob("state/genre-edge/tried/*"))


def test_a_model_from_elsewhere_is_tried_once(tmp_path, monkeypatch) -> None:
    path = tmp_path / "mine.tflite"
    write_bundle(path, SHIPPED.flatbuffer, SHIPPED.info)
    Engine(EngineConfig(str(path)))
    (mark,) = (tmp_path / "state/genre-edge/tried").iterdir()
    assert SHIPPED.sha256 in mark.name
    monkeypatch.setattr(trial, "python_child", lambda *_: pytest.fail("it was tried again"))
    Engine(EngineConfig(str(path)))
    Engine(EngineConfig("gtzan-two-block.int8"))


@pytest.mark.parametrize("frames", [200_000, 8_000_000])
def test_a_model_that_takes_too_much_memory_is_told_and_not_marked(tmp_path, frames: int) -> None:
    """One number of the input's shape was changed."""
    whole = read_bundle(find_model("gtzan-two-block.float32"))
    flatbuffer = bytearray(whole.flatbuffer)
    graph = Table(bytes(flatbuffer), _uint(bytes(flatbuffer), 0)).tables(2)[0]
    place, _ = graph.tables(0)[read_graph(bytes(flatbuffer), "").inputs[0]].vector(0)
    struct.pack_into("<i", flatbuffer, place + 4, frames)
    path = tmp_path / "greedy.tflite"
    write_bundle(path, bytes(flatbuffer), whole.info)
    with pytest.raises(BundleError, match=r"the interpreter (cannot load it|failed on it)"):
        Engine(EngineConfig(str(path)))
    assert not list(tmp_path.glob("state/genre-edge/tried/*"))


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path.write_bytes(SHIPPED.flatbuffer)
    with zipfile.ZipFile(path, "a", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def described(**changes: object) -> bytes:
    flatbuffer = {"bytes": len(SHIPPED.flatbuffer), "sha256": SHIPPED.sha256}
    return json.dumps({**SHIPPED.info.to_dict(), "flatbuffer": flatbuffer, **changes}).encode()


def test_a_small_file_that_unpacks_without_end_is_refused(tmp_path) -> None:
    path = tmp_path / "bomb.tflite"
    path.write_bytes(SHIPPED.flatbuffer)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("genre_edge.json", "w", force_zip64=False) as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 700_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=r"genre_edge.json unpacks to more than 1 MiB"):
        read_bundle(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("label", ["silence", "uncertain"])
def test_a_label_that_is_shown_where_there_is_none_is_refused(tmp_path, label: str) -> None:
    labels = [label, *SHIPPED.info.labels[1:]]
    path = packed(tmp_path / "mine.tflite", {"genre_edge.json": described(labels=labels)})
    with pytest.raises(BundleError, match=f"label {label} has a meaning of its own"):
        read_bundle(path)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({f"{n}.txt": b"" for n in range(17)}, "more than 16"),
        ({f"{n}.txt": b"" for n in range(2000)}, "too large a directory"),
        ({"genre_edge.json": b"[]"}, "is not valid"),
        ({"genre_edge.json": b"7"}, "is not valid"),
        ({"genre_edge.json": b"\xff\xfe"}, "is not valid"),
        ({"genre_edge.json": b"1" * 10_000}, "is not valid"),
        ({"labels.txt": b"a\n"}, "not a whole bundle"),
    ],
)
def test_a_zip_that_is_no_bundles_is_refused(tmp_path, members, reason: str) -> None:
    with pytest.raises(BundleError, match=reason):
        read_bundle(packed(tmp_path / "b.tflite", members))


def test_a_zip_of_another_version_is_refused(tmp_path) -> None:
    path = packed(tmp_path / "b.tflite", {"genre_edge.json": described()})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 6] = 255  # the version that is needed
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a whole bundle"):
        read_bundle(path)


def test_a_file_of_gigabytes_is_refused_unread(tmp_path) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(BundleError, match="more than 256 MiB"):
        read_bundle(path)


def labels(first: object) -> list[object]:
    return [first, *SHIPPED.info.labels[1:]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": labels("\x1b[2J")}, "label 0 has characters that cannot be shown"),
        ({"labels": labels("\ud800")}, "label 0 has characters that cannot be shown"),
        ({"labels": labels("\u202eevil")}, "label 0 has characters that cannot be shown"),
        ({"labels": labels(" blues")}, "spaces around"),
        ({"labels": labels("")}, "label 0 must be a text of 1 to 100"),
        ({"labels": labels("x" * 101)}, "label 0 must be a text of 1 to 100"),
        ({"labels": labels(5)}, "label 0 must be a text of 1 to 100"),
        ({"labels": labels("rock")}, "label 9 \\(rock\\) stands there twice"),
        ({"labels": "blues"}, "labels must be a list"),
        ({"labels": []}, "labels must be a list"),
        ({"name": "\x1b]0;owned\x07"}, "name must be a printable text"),
        ({"name": 5}, "name must be a printable text"),
        ({"metrics": {"valid": 5}}, "metrics.valid must be a table"),
        ({"metrics": {"valid": {"uncertain_below": "x"}}}, "uncertain_below must be a number"),
        ({"trained_on": {"who": "\x1b[31m"}}, "trained_on holds text"),
        ({"conversion": {"\x07": 1}}, "conversion holds text"),
        ({"quantisation": 7}, "quantisation must be a table"),
        ({"frontend": []}, "is not valid"),
        ({"frontend": {"\x1b[2J": 1}}, r"front-end: unknown field \?\[2J"),
        ({"flatbuffer": 5}, "is not valid"),
        ({"schema_version": "\x1b[2J"}, r"bundle schema \?\[2J"),
    ],
)
def test_words_that_no_screen_should_show_are_refused(tmp_path, changes, reason: str) -> None:
    with pytest.raises(BundleError, match=reason) as error:
        read_bundle(packed(tmp_path / "b.tflite", {"genre_edge.json": described(**changes)}))
    assert "\n" not in str(error.value)


def test_labels_of_every_script_are_kept(tmp_path) -> None:
    names = (
        "рок",
        "民謡",
        "música clásica",
        "موسیقی\u200cسنتی",
        "🎷",
        "r&b/soul",
        "a",
        "b",
        "c",
        "d",
    )
    path = tmp_path / "b.tflite"
    write_bundle(path, SHIPPED.flatbuffer, replace(SHIPPED.info, labels=names))
    assert read_bundle(path).info.labels == names


def test_numbers_that_json_does_not_have_become_null(tmp_path) -> None:
    metrics = {"f1": float("nan"), "loss": float("inf")}
    found = read_bundle(
        packed(tmp_path / "b.tflite", {"genre_edge.json": described(metrics=metrics)})
    )
    assert found.info.metrics == {"f1": None, "loss": None}
