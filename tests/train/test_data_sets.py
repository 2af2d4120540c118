"""How right a bundle is on several data sets side by side."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from genre_edge.demo import clip_path
from genre_edge.judge.predictions import Predictions
from genre_edge.judge.tracks import Track
from genre_edge_train import cli as train
from genre_edge_train.results.conditions import predict_conditions
from genre_edge_train.results.data_sets import data_sets_table, mean_share, on_data_set

LABELS = ("jazz", "rock")


def predictions(*tracks: tuple[str, list[float]]) -> Predictions:
    """Of each track its label and the probability of jazz in each window."""
    scores = [np.array([[p, 1 - p] for p in jazz], np.float32) for _, jazz in tracks]
    return Predictions.of_tracks(LABELS, scores, [label for label, _ in tracks])


def test_each_track_counts_once_however_long_it_is() -> None:
    found = on_data_set("d", "c", predictions(("jazz", [0.9] * 9), ("rock", [0.8])))
    assert found.evaluation.windows.accuracy == pytest.approx(0.9)
    assert found.by_track_windows == pytest.approx(0.5)
    assert found.cross_entropy == pytest.approx((-np.log(0.9) - np.log(0.2)) / 2, rel=1e-4)


def test_windows_below_the_threshold_are_uncertain() -> None:
    found = on_data_set("d", "c", predictions(("jazz", [0.9, 0.3, 0.55, 0.95])), 0.6)
    assert found.certain == pytest.approx(0.75)
    assert found.certain_right == pytest.approx(2 / 3)


def test_the_mean_counts_windows_and_tracks_of_every_row_alike() -> None:
    good = on_data_set("a", "c", predictions(("jazz", [0.9, 0.9, 0.3])))
    bad = on_data_set("b", "c", predictions(("rock", [0.9, 0.9])))
    assert mean_share([good, bad]) == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)


def test_the_table_names_data_condition_and_intervals_by_track() -> None:
    found = on_data_set("d/more.csv", "in a room", predictions(("jazz", [0.9, 0.2, 0.9])))
    table = data_sets_table([found], {"d/more.csv": "more"})
    assert (
        "| more | in a room | 66.7% (21% to 100%) | 100.0% of 1 (21% to 100%) | 100.0% |" in table
    )
    assert table.endswith("Mean of all shares right: 83.3%.")


def test_excerpts_of_one_name_are_one_track() -> None:
    tracks = [Track("a", "disco", clip_path(), "valid")] * 2 + [
        Track("b", "disco", clip_path(), "valid")
    ]
    found = predict_conditions("gtzan-two-block.int8", tracks, ["as recorded"])["as recorded"]
    assert len(found.track_label) == 2
    assert list(np.bincount(found.window_track)) == [8, 4]


@pytest.mark.slow
def test_evaluate_prints_a_row_for_each_data_set_and_condition(tmp_path, capsys) -> None:
    samples, rate = soundfile.read(clip_path())
    for name, columns in (("one", "split"), ("two", "use,source")):
        soundfile.write(tmp_path / f"{name}.wav", samples, rate)
        more = ",1" if "," in columns else ""
        (tmp_path / f"{name}.csv").write_text(
            f"track,genre,file,{columns}\n"
            f"a,disco,{name}.wav,valid{more}\nb,jazz,{name}.wav,train{more}\n"
        )
    out = tmp_path / "found.json"
    data = [str(tmp_path / f"{name}.csv") for name in ("one", "two")]
    status = train.main(["evaluate", "gtzan-two-block.int8", "--json", str(out), "--data", *data])
    assert status == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[:2] for row in rows[1:]] == [
        ["| one", "as recorded"],
        ["| one", "living room, 0.7 s"],
        ["| two", "as recorded"],
        ["| two", "living room, 0.7 s"],
    ]
    assert [row["tracks"]["count"] for row in json.loads(out.read_text())] == [1] * 4
    assert train.main(["evaluate", "gtzan-two-block.int8", "--data", data[1]]) == 0
    assert "| two | living room, 0.7 s |" in capsys.readouterr().out
