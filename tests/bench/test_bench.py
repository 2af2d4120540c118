"""genre-edge bench: its figures are those of classify, its JSON keeps its schema, its
comparison knows noise."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
from genre_edge import cli as genre_edge
from genre_edge.bench.board import parse_throttled
from genre_edge.bench.compare import compare, load_bench
from genre_edge.bench.cost import interleaved, milliseconds
from genre_edge.extras import install_line
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.flatbuffer import read_graph

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "bench.schema.json").read_text())


@pytest.fixture(scope="module")
def music(tmp_path_factory, demo_clip) -> Path:
    """The demo clip's quarters as tracks of three genres, one too short, one no
    audio."""
    root = tmp_path_factory.mktemp("music")
    samples, rate = soundfile.read(demo_clip)
    rows = ["track,genre,file,split"]
    for k, genre in enumerate(("blues", "classical", "rock", "rock", "jazz")):
        soundfile.write(root / f"{k}.wav", np.roll(samples, k * rate * 2)[: rate * 7], rate)
        rows.append(f"t{k},{genre},{k}.wav,valid")
    soundfile.write(root / "short.wav", samples[: rate // 4], rate)
    (root / "broken.wav").write_text("no audio")
    rows += [
        "short,rock,short.wav,valid",
        "broken,rock,broken.wav,valid",
        "gone,rock,gone.wav,valid",
    ]
    rows += ["other,rock,0.wav,train"]
    (root / "tracks.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def bench(music, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("bench")
    arguments = [
        "bench",
        "--data",
        str(music),
        "--rounds",
        "10",
        "--threads",
        "1,2",
        "--output",
        str(output),
    ]
    assert genre_edge.main(arguments) == 1, "three files were skipped"
    return output


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


def test_a_bench_json_of_the_first_version_still_counts(bench: Path) -> None:
    """It lacks what came later; it is valid, and can be compared."""
    old = json.loads((bench / "bench.json").read_text())
    for model in old["models"]:
        del model["accuracy"]["worst_label"]
        for unit in ("windows", "tracks"):
            del model["accuracy"][unit]["top2_accuracy"]
    jsonschema.validate(old, SCHEMA)
    assert compare(old, load_bench(bench / "bench.json")) == ([], [])


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


def test_without_matplotlib_only_the_picture_is_missing(
    music, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
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
    ("options", "says"),
    [
        ("--data {m} --split test", "has no such tracks"),
        ("--data {m}/nowhere", "no such folder"),
        ("--data {m} --threads 0", "at least 1"),
        ("--data {m} --threads two", "must be numbers"),
        ("--data {m} --rounds 3", "fewer than 10"),
        ("--data {m} nothing.tflite", "no such file"),
        ("--data {m} --runtime onnx", "must be litert or"),
        ("--compare {m}/tracks.csv {m}/tracks.csv", "not a bench.json"),
    ],
)
def test_wrong_use_is_one_line(music: Path, capsys, options: str, says: str) -> None:
    assert genre_edge.main(["bench", *options.format(m=music).split()]) in (1, 2)
    captured = capsys.readouterr()
    assert says in captured.err
    assert len(captured.err.splitlines()) == 1


def test_a_label_the_model_does_not_know_is_named(tmp_path: Path, demo_clip: Path, capsys) -> None:
    (tmp_path / "polka").mkdir()
    (tmp_path / "polka" / "a.flac").write_bytes(demo_clip.read_bytes())
    assert genre_edge.main(["bench", "--data", str(tmp_path), "--split", "all"]) == 2
    assert "no label polka" in capsys.readouterr().err


# --- comparison


def test_the_same_benchmark_has_not_changed(bench: Path, capsys) -> None:
    same = str(bench / "bench.json")
    assert genre_edge.main(["bench", "--compare", same, same]) == 0
    assert capsys.readouterr().out == "nothing changed beyond noise\n"


def test_a_change_is_told_only_beyond_noise(bench: Path) -> None:
    old = load_bench(bench / "bench.json")
    new = copy.deepcopy(old)
    model = new["models"][0]
    model["cost"][0]["inference_ms"] = {
        k: 3 * v for k, v in model["cost"][0]["inference_ms"].items()
    }
    model["bytes"] = int(model["bytes"] * 0.8)
    changes, remarks = compare(old, new)
    assert [(c.worse, c.text.split(": ")[1].split(" ")[0]) for c in changes] == [
        (False, "file"),
        (True, "inference"),
    ]
    assert remarks == []


def test_accuracy_changes_by_mcnemar_on_the_same_windows(bench: Path) -> None:
    old = copy.deepcopy(load_bench(bench / "bench.json"))
    truth = [0] * 40
    for bench_ in (old, new := copy.deepcopy(old)):
        bench_["data"]["truth"] = truth
        for model in bench_["models"]:
            model["accuracy"]["top1"] = [0] * 40
    new["models"][0]["accuracy"]["top1"][:5] = [1] * 5  # p = 0.06
    assert compare(old, new)[0] == []
    new["models"][0]["accuracy"]["top1"][:6] = [1] * 6  # p = 0.03
    new["models"][0]["accuracy"]["windows"]["accuracy"] -= 0.15
    (change,) = compare(old, new)[0]
    assert change.worse
    assert "p = 0.031" in change.text


def test_other_machines_and_models_are_remarked_on(bench: Path) -> None:
    old = load_bench(bench / "bench.json")
    new = copy.deepcopy(old)
    new["board"]["model"] = "Raspberry Pi 4 Model B Rev 1.4"
    new["models"][0]["name"] = "mine"
    new["models"][1]["cost"][0]["inference_ms"] = {
        k: 9 * v for k, v in new["models"][1]["cost"][0]["inference_ms"].items()
    }
    changes, remarks = compare(old, new)
    assert changes == []
    assert [remark.split(":")[0].split(" (")[0] for remark in remarks] == [
        "only in the old",
        "only in the new",
        "other machine",
    ]


# --- parts


def test_arms_take_turns() -> None:
    order: list[str] = []
    arms = {name: lambda _, name=name: order.append(name) for name in "abc"}
    taken = interleaved(arms, 6)
    assert all(len(seconds) == 6 for seconds in taken.values())
    rounds = ["".join(order[i : i + 3]) for i in range(0, len(order), 3)]
    assert all(sorted(r) == ["a", "b", "c"] for r in rounds)
    assert len(set(rounds)) == 3, "each goes first in turn"


def test_milliseconds_measure_time() -> None:
    taken = interleaved({"slow": lambda _: time.sleep(0.004), "idle": lambda _: None}, 10)
    assert milliseconds(taken["slow"])["median"] >= 4 > milliseconds(taken["idle"])["median"]


def test_throttling_is_told_in_words() -> None:
    assert parse_throttled("throttled=0x0\n") == []
    assert parse_throttled("throttled=0x50005\n") == ["under-voltage", "throttled"]
    assert parse_throttled("throttled=0x20000\n") == ["frequency capped earlier"]
    assert parse_throttled("error=1 error_msg") is None


def test_the_flatbuffer_is_read_as_tensorflow_reads_it() -> None:
    schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated")
    for name in ("gtzan-edge.int8", "gtzan-two-block.float32"):
        flatbuffer = read_bundle(find_model(name)).flatbuffer
        graph = read_graph(flatbuffer, name)
        model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
        expected = model.subgraphs[0]
        names = {v: k for k, v in vars(schema.BuiltinOperator).items()}
        codes = [(names[code.builtinCode], code.version) for code in model.operatorCodes]
        assert [(o.name, o.version) for o in graph.operators] == [
            codes[o.opcodeIndex] for o in expected.operators
        ]
        for ours, theirs in zip(graph.tensors, expected.tensors, strict=True):
            assert list(map(abs, ours.shape)) == list(
                theirs.shape if theirs.shape is not None else []
            )
            if theirs.quantization is not None and theirs.quantization.scale is not None:
                np.testing.assert_array_equal(np.float32(ours.scale), theirs.quantization.scale)
        assert graph.inputs == tuple(expected.inputs)
    # 3x3 convolutions with 32 and 128 channels, dense 512 and 10, on 126 x 128 and 63 x
    # 64.
    by_hand = 126 * 128 * 9 * 32 + 63 * 64 * 9 * 32 * 128 + 128 * 512 + 512 * 10
    assert graph.macs == by_hand
