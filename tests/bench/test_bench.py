"""genre-edge bench: its figures are those of classify, its JSON keeps its schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from genre_edge import cli as genre_edge
from genre_edge.bench.measure import BenchConfig, load_models
from genre_edge.errors import UsageError
from genre_edge.extras import install_line
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge.model.frontend_spec import FrontendSpec

from tests.conftest import ROOT

LABELS = read_bundle(find_model("gtzan-edge.int8")).info.labels
SCHEMA = json.loads((ROOT / "docs" / "bench.schema.json").read_text())


def test_bench_json_keeps_its_schema(bench: Path) -> None:
    found = json.loads((bench / "bench.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert [model["name"] for model in found["models"]] == ["gtzan-edge.int8", "gtzan-edge.float32"]
    assert [cost["threads"] for cost in found["models"][0]["cost"]] == [1, 2]
    assert found["data"]["tracks"] == 5
    assert [line.partition(": ")[0].rpartition("/")[2] for line in found["data"]["skipped"]] == [
        "short.wav",
        "broken.wav",
        "gone.wav",
    ]


def test_the_schema_declares_nothing_that_bench_does_not_write(bench: Path) -> None:
    found = json.loads((bench / "bench.json").read_text())
    assert list(unwritten(SCHEMA, [found], "bench.json")) == []


def test_the_schema_lets_nothing_undeclared_pass() -> None:
    open_ended = [
        schema
        for schema in walk(SCHEMA)
        if schema.get("type") == "object" and "additionalProperties" not in schema
    ]
    assert open_ended == []


def walk(schema: object) -> Iterator[dict]:
    """Every object and part of a schema."""
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from walk(part)


def unwritten(schema: dict, instances: list, where: str) -> Iterator[str]:
    """Places of properties that a schema declares and no instance has."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for name, part in schema.get("properties", {}).items():
        having = [one[name] for one in instances if name in one]
        if having:
            yield from unwritten(part, having, f"{where}.{name}")
        else:
            yield f"{where}.{name}"
    if "items" in schema:
        inner = [one for many in instances if many is not None for one in many]
        if inner:
            yield from unwritten(schema["items"], inner, f"{where}[]")


def test_its_accuracy_is_that_of_classify(bench: Path, music: Path, cli) -> None:
    found = json.loads((bench / "bench.json").read_text())
    labels = found["data"]["labels"]
    files = [music / f"{k}.wav" for k in range(5)]
    for model in found["models"]:
        said = cli("classify", "--format", "json", "--model", model["name"], *files).stdout
        windows = [r for r in map(json.loads, said.splitlines()) if r["type"] == "window"]
        assert [labels[i] for i in model["accuracy"]["top1"]] == [r["genre"] for r in windows]
        verdicts = [r["genre"] for r in map(json.loads, said.splitlines()) if r["type"] == "file"]
        truth = ["blues", "classical", "rock", "rock", "jazz"]
        right = sum(a == b for a, b in zip(verdicts, truth, strict=True))
        assert model["accuracy"]["tracks"]["right"] == right


def test_int8_stands_beside_float32(bench: Path) -> None:
    found = json.loads((bench / "bench.json").read_text())
    (difference,) = found["differences"]
    assert difference["model"].startswith("gtzan-edge.int8")
    assert difference["reference"].startswith("gtzan-edge.float32")
    a, b = (np.array(model["accuracy"]["top1"]) for model in found["models"])
    assert difference["agreement"] == pytest.approx((a == b).mean(), abs=1e-4)
    assert (
        0 < difference["probability_shift"]["mean"] < difference["probability_shift"]["worst"] < 0.5
    )


def test_people_get_tables_and_a_picture(bench: Path) -> None:
    text = (bench / "bench.md").read_text()
    for heading in (
        "# Benchmark",
        "## gtzan-edge.int8 (litert)",
        "| true, in windows |",
        "McNemar",
    ):
        assert heading in text
    assert (bench / "bench.png").stat().st_size > 10_000


def test_the_tables_show_the_figures(bench: Path) -> None:
    found = json.loads((bench / "bench.json").read_text())["models"][0]
    text = (bench / "bench.md").read_text()
    windows, tracks = (found["accuracy"][unit] for unit in ("windows", "tracks"))
    cells = [
        f"{one['accuracy']:.1%} of {one['count']} "
        f"({one['interval'][0]:.1%} to {one['interval'][1]:.1%})"
        for one in (windows, tracks)
    ]
    assert f"| gtzan-edge.int8 (litert) | {cells[0]} | {cells[1]} | " in text
    assert f"| rock | {windows['genres']['rock']['recall']:.0%} | " in text
    counts = windows["confusion"][LABELS.index("rock")]
    assert f"| rock | {' | '.join(str(n or '') for n in counts)} |\n" in text


def test_without_matplotlib_only_the_picture_is_missing(
    music, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    genre_edge.main(
        [
            "bench",
            "--data",
            str(music),
            "--rounds",
            "10",
            "--output",
            str(tmp_path),
            "gtzan-edge.int8",
        ]
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bench.json", "bench.md"]
    assert install_line("bench") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ("--data {m} --split test", 2, "has no such tracks"),
        ("--data {m}/nowhere", 2, "no such folder"),
        ("--data {m} --threads 0", 2, "at least 1"),
        ("--data {m} --threads two", 2, "must be numbers"),
        ("--data {m} --rounds 3", 2, "--rounds 3: must be at least 10"),
        ("--data {m} nothing.tflite", 1, "no such file"),
        ("--data {m} --runtime onnx", 2, "must be litert or"),
        ("--compare {m}/tracks.csv {m}/tracks.csv", 2, "not a bench.json"),
    ],
)
def test_wrong_use_is_one_line(music: Path, capsys, options: str, status: int, says: str) -> None:
    assert genre_edge.main(["bench", *options.format(m=music).split()]) == status
    captured = capsys.readouterr()
    assert says in captured.err
    assert len(captured.err.splitlines()) == 1


def test_a_label_the_model_does_not_know_is_named(tmp_path: Path, demo_clip: Path, capsys) -> None:
    (tmp_path / "polka").mkdir()
    (tmp_path / "polka" / "a.flac").write_bytes(demo_clip.read_bytes())
    assert genre_edge.main(["bench", "--data", str(tmp_path), "--split", "all"]) == 2
    assert "no label polka" in capsys.readouterr().err


# --- which models can be measured together


def altered(tmp_path: Path, **changes: object) -> str:
    """The shipped int8 bundle with another description."""
    bundle = read_bundle(find_model("gtzan-edge.int8"))
    write_bundle(tmp_path / "b.tflite", bundle.flatbuffer, replace(bundle.info, **changes))
    return str(tmp_path / "b.tflite")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": (*LABELS[:9], "polka")}, "its labels are not those of"),
        ({"labels": LABELS[::-1]}, "in another order"),
        ({"frontend": FrontendSpec(window_seconds=2.0)}, "its windows are not as long as"),
    ],
)
def test_models_that_cannot_share_windows_are_refused(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        load_models(BenchConfig(("gtzan-edge.int8", altered(tmp_path, **changes))))


def test_two_bundles_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    path, shipped = altered(tmp_path), find_model("gtzan-edge.int8")
    models = load_models(BenchConfig(("gtzan-edge.int8", path)))
    assert [model.model for model in models] == [shipped, path]
