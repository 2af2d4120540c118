"""How well labels that a network never had are taught to it, and the sounds that are
none of them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.teach.negatives import MUSIC, NOISE, negatives_of
from genre_edge.teach.trunk import trunk_of
from genre_edge_train import cli as train
from genre_edge_train.data.recordings import load_recordings
from genre_edge_train.results.few_shot import evaluate_few_shot, few_shot_table
from genre_edge_train.results.negatives import TAUGHT_TRACKS, choose_music

RATE = 16000
MODEL = "gtzan-tiny.int8"
Write = Callable[..., Path]


def sound(artist: int, number: int, seconds: float = 3.1) -> np.ndarray:
    """Each artist plays in an octave of their own; each number is another tune."""
    t = np.arange(round(seconds * RATE)) / RATE
    note = 55 * 2 ** (artist + number / 24)
    beat = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (2 + artist) * t))
    rng = np.random.default_rng([artist, number])
    tune = sum(np.sin(2 * np.pi * note * k * t) / k for k in (1, 2, 3))
    return (0.2 * beat * tune + 0.01 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.fixture
def outside(tmp_path: Path) -> Write:
    """Write a data set: for each artist a collection and a number of tracks."""

    def write(artists: dict[int, tuple[str, int]], use: str = "train") -> Path:
        rows = []
        for artist, (source, count) in artists.items():
            for number in range(count):
                file = f"{artist}-{number}.wav"
                soundfile.write(tmp_path / file, sound(artist, number), RATE)
                rows.append([file, file, "", use, source, artist])
        with (tmp_path / "outside.csv").open("w", newline="") as table:
            writer = csv.writer(table)
            writer.writerows([["file", "track", "genre", "use", "source", "group"], *rows])
        return tmp_path / "outside.csv"

    return write


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A bundle that may be changed."""
    return Path(shutil.copy(find_model(MODEL), tmp_path / "mine.int8.tflite"))


@pytest.mark.slow
def test_artists_are_taught_and_their_other_tracks_are_named(outside: Write) -> None:
    data = outside(dict.fromkeys(range(6), ("a", TAUGHT_TRACKS)))
    found = evaluate_few_shot(find_model(MODEL), load_recordings(data), ["as recorded"], draws=3)
    assert [one.songs for one in found] == [1, 2, 5]
    assert np.mean(found[-1].among) > 0.9
    assert all(np.array(found[-1].named) <= found[-1].among)
    assert "| 5 | as recorded | " in few_shot_table(found)
    assert found[-1].to_dict()["condition"] == "as recorded"


def test_of_a_fold_only_the_part_that_was_kept_apart_is_asked_about(
    outside: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    data = outside({n: ("ab"[n % 2], TAUGHT_TRACKS) for n in range(6)})
    command = ["evaluate", MODEL, "--data", str(data), "--few-shot", "--fold", "2/2"]
    assert train.main(command) == 2
    reason = "--few-shot needs 6 artists or labels with 8 tracks each; the data has 3"
    assert reason in capsys.readouterr().err
    assert train.main(["evaluate", MODEL, "--data", str(data), "--fold", "2/2"]) == 2
    assert "--fold needs --few-shot" in capsys.readouterr().err


def test_no_music_that_is_asked_about_later_is_a_negative(outside: Write) -> None:
    data = outside({0: ("a", TAUGHT_TRACKS), 1: ("a", 3), 2: ("b", 3)})
    recordings = load_recordings(data)
    assert {one.group for one in choose_music(recordings, 6, seed=0)} == {"1", "2"}
    assert len({one.name for one in choose_music(recordings, 6, seed=0)}) == 6


def test_negatives_are_put_into_a_bundle_in_few_levels(
    outside: Write, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = outside({0: ("a", 3), 1: ("b", 3), 2: ("c", 3)})
    sizes = []
    for levels in (2, 16):
        command = ["negatives", str(model), "--data", str(data), "--levels", str(levels)]
        kinds = ["--music", "9", "--speech", "0", "--noise", "5"]
        assert train.main([*command, *kinds]) == 0
        bundle = read_bundle(model)
        found = negatives_of(bundle, trunk_of(bundle))
        assert found.kinds == (MUSIC,) * 9 + (NOISE,) * 5
        assert max(len(np.unique(column)) for column in found.embeddings.T) <= levels
        assert f"{len(bundle.negatives)} bytes of negatives" in capsys.readouterr().out
        sizes.append(model.stat().st_size)
    assert sizes[0] < sizes[1]
    assert bundle.flatbuffer == read_bundle(find_model(MODEL)).flatbuffer


def test_negatives_of_a_fold_are_not_from_the_part_that_was_kept_apart(
    outside: Write, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = outside({0: ("a", 3), 1: ("b", 3)})
    command = ["negatives", str(model), "--data", str(data), "--fold", "1/2", "--music", "4"]
    assert train.main([*command, "--speech", "0"]) == 2
    assert "the data has 3 training tracks that can be used, need 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--levels", "1"], "--levels 1: must be from 2 to 64"),
        (["--music", "-1"], "--music -1: must be 0 or more"),
    ],
)
def test_a_mistake_leaves_the_bundle_as_it_was(
    outside: Write,
    model: Path,
    option: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = model.read_bytes()
    data = str(outside({0: ("a", 3)}))
    assert train.main(["negatives", str(model), "--data", data, *option]) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1
    assert model.read_bytes() == before
