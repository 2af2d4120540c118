"""Comparing two benchmarks: what is told is beyond noise."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from genre_edge import cli as genre_edge
from genre_edge.bench.compare import compare, load_bench

from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "docs" / "bench.schema.json").read_text())


@pytest.fixture
def pair(bench: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same benchmark twice, to change one of them."""
    return copy.deepcopy(load_bench(bench / "bench.json")), load_bench(bench / "bench.json")


def test_a_bench_json_of_the_first_version_still_counts(bench: Path) -> None:
    """It lacks what came later; it is valid, and can be compared."""
    old = json.loads((bench / "bench.json").read_text())
    for model in old["models"]:
        del model["accuracy"]["worst_label"]
        for unit in ("windows", "tracks"):
            del model["accuracy"][unit]["top2_accuracy"]
    jsonschema.validate(old, SCHEMA)
    assert compare(old, load_bench(bench / "bench.json")) == ([], [])


def test_the_same_benchmark_has_not_changed(bench: Path, capsys) -> None:
    same = str(bench / "bench.json")
    assert genre_edge.main(["bench", "--compare", same, same]) == 0
    assert capsys.readouterr().out == "nothing changed beyond noise\n"


def test_a_change_is_told_only_beyond_noise(bench: Path) -> None:
    old = load_bench(bench / "bench.json")
    keys = old["models"][0]["cost"][0]["inference_ms"]
    old["models"][0]["cost"][0]["inference_ms"] = dict.fromkeys(keys, 1.0)  # without spread
    new = copy.deepcopy(old)
    model = new["models"][0]
    model["cost"][0]["inference_ms"] = dict.fromkeys(keys, 3.0)
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
        "only in the old benchmark",
        "only in the new benchmark",
        "the machines differ",
    ]


def test_times_count_only_when_their_quartiles_do_not_overlap(pair) -> None:
    costs = [found["models"][0]["cost"][0] for found in pair]
    costs[0]["front_end_ms"] = {"median": 1.0, "p25": 0.9, "p75": 1.1, "p95": 2, "p99": 2}
    costs[1]["front_end_ms"] = {"median": 1.2, "p25": 1.1, "p75": 1.3, "p95": 2, "p99": 2}
    assert compare(*pair)[0] == [], "they touch"
    costs[1]["front_end_ms"]["p25"] = 1.11
    (slower,) = compare(*pair)[0]
    assert slower.worse
    assert "log-mel 1.000 -> 1.200 ms (1.20 times)" in slower.text
    (faster,) = compare(*pair[::-1])[0]
    assert not faster.worse


def test_memory_counts_from_a_tenth_on(pair) -> None:
    costs = [found["models"][0]["cost"][0] for found in pair]
    costs[0]["peak_mb"], costs[1]["peak_mb"] = 100.0, 109.0
    assert compare(*pair)[0] == []
    costs[1]["peak_mb"] = 111.0
    (change,) = compare(*pair)[0]
    assert change.worse
    assert "peak memory 100 -> 111 MB" in change.text


def test_on_other_tracks_accuracy_is_compared_by_its_intervals(pair) -> None:
    pair[1]["data"]["digest"] = "another"
    accuracies = [found["models"][0]["accuracy"]["windows"] for found in pair]
    accuracies[0] |= {"accuracy": 0.5, "interval": [0.4, 0.6]}
    accuracies[1] |= {"accuracy": 0.69, "interval": [0.6, 0.78]}
    changes, remarks = compare(*pair)
    assert changes == [], "they touch"
    assert remarks == ["the tracks differ: accuracy is compared by its intervals only"]
    accuracies[1] |= {"interval": [0.61, 0.78]}
    (change,) = compare(*pair)[0]
    assert not change.worse
    assert "50.0% -> 69.0% (+19.0 points, intervals do not overlap)" in change.text
