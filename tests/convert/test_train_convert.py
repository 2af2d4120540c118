"""Training and conversion, whole, on a tiny made-up data set."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
from genre_edge.errors import UsageError
from genre_edge.judge.tracks import labels_of, load_tracks
from genre_edge.model.bundle import read_bundle
from genre_edge_convert import cli as convert
from genre_edge_train import cli as train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Low tones, high tones and noise: 40 three-second files each."""
    root = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    seconds = np.arange(3 * 22050) / 22050
    for genre, pitch in (("low", 110), ("high", 1760), ("noise", 0)):
        (root / genre).mkdir()
        for k in range(40):
            tone = np.sin(2 * np.pi * pitch * (1 + 0.02 * k) * seconds) if pitch else 0
            samples = 0.3 * tone + 0.05 * rng.standard_normal(len(seconds))
            soundfile.write(root / genre / f"{k:02d}.wav", samples, 22050)
    (root / "low" / "broken.wav").write_text("no audio")
    return root


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    options = (
        f"--epochs 10 --batch 8 --data {folder} --output {work / 'run'} --cache {work / 'cache'}"
    )
    assert train.main(options.split()) == 0
    return work / "run"


def test_a_folder_of_folders_is_split_by_file(folder) -> None:
    tracks = load_tracks(folder)
    assert labels_of(tracks) == ["high", "low", "noise"]
    valid = [t for t in tracks if t.split == "valid"]
    assert len(valid) == 12
    assert load_tracks(folder) == tracks, "the same split every time"


def test_data_that_cannot_be_trained_on_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        load_tracks(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"found 0 genre\(s\)"):
        load_tracks(tmp_path)


def test_training_learns_and_leaves_what_it_promises(trained) -> None:
    for name in ("model.keras", "history.png", "confusion.png", "calibration.png", "network.txt"):
        assert (trained / name).stat().st_size > 1000
    assert list((trained / "tensorboard").rglob("events.out.tfevents.*"))
    assert "| high |" in (trained / "card.md").read_text()
    assert [t.split for t in load_tracks(trained / "tracks.csv")].count("valid") == 12
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["windows"]["accuracy"] >= 0.6, "three classes anybody could tell apart"
    described = json.loads((trained / "model.json").read_text())
    assert described["labels"] == ["high", "low", "noise"]
    assert described["trained_on"]["skipped"] == 1


def test_one_seed_gives_one_model(trained, folder, tmp_path) -> None:
    options = f"--epochs 10 --batch 8 --data {folder} --output {tmp_path / 'run'}"
    options += f" --cache {trained.parent / 'cache'}"
    assert train.main(options.split()) == 0
    assert (tmp_path / "run" / "metrics.json").read_text() == (trained / "metrics.json").read_text()


def test_repeats_of_a_protocol_are_judged_on_their_test_side(
    trained, folder, tmp_path, capsys
) -> None:
    options = (
        f"--epochs 2 --protocol segments --repeats 2 --arch deep --data {folder} --output "
        f"{tmp_path / 'run'} "
        f"--cache {trained.parent / 'cache'}"
    )
    assert train.main(options.split()) == 0
    assert "| mean ± standard deviation |" in capsys.readouterr().out
    for seed in (0, 1):
        metrics = json.loads((tmp_path / "run" / f"seed-{seed}" / "metrics.json").read_text())
        assert (metrics["side"], metrics["protocol"], metrics["windows"]["count"]) == (
            "test",
            "segments",
            12,
        )
    assert train.main(options.replace("--epochs 2", "--epochs 3").split()) == 2
    assert "holds another run (--epochs was 2, is 3)" in capsys.readouterr().err


def test_conversion_writes_bundles_that_agree(trained, folder, tmp_path, capsys) -> None:
    model = str(trained / "model.keras")
    assert convert.main([model, "--calibrate", str(folder), "-o", str(tmp_path / "tiny")]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "tiny.float32.tflite",
        "tiny.int8.tflite",
        "tiny.md",
    ]
    info = read_bundle(tmp_path / "tiny.int8.tflite").info
    assert info.labels == ("high", "low", "noise")
    assert info.quantisation["input"]["dtype"] == info.quantisation["output"]["dtype"] == "int8"
    assert info.metrics["valid"]["tracks"]["count"] == 11, "12 less the broken one"
    assert info.metrics["agreement"]["top1"] >= 0.97
    small, large = (
        (tmp_path / f"tiny.{kind}.tflite").stat().st_size for kind in ("int8", "float32")
    )
    assert small < large / 3
    assert "agrees with the original" in capsys.readouterr().out


def test_conversion_refuses_what_it_cannot_use(trained, folder, tmp_path, capsys) -> None:
    def error_of(status: int, *arguments: object) -> str:
        assert convert.main([str(a) for a in arguments]) == status
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith("genre-convert: ")
        return message

    good = trained / "model.keras"
    out = ("-o", tmp_path / "x")
    few = tmp_path / "few.npz"
    np.savez(few, calibration=np.zeros((9, 126, 128)), held_out=np.zeros((9, 126, 128)))
    assert "need at least 20" in error_of(2, good, "--calibrate", few, *out)
    assert "no such folder" in error_of(2, good, "--calibrate", folder, "-o", tmp_path / "no" / "x")
    assert "no such file" in error_of(1, tmp_path / "model.keras", "--calibrate", folder, *out)
    (tmp_path / "bad.keras").write_text("no model")
    shutil.copy(trained / "model.json", tmp_path / "bad.json")
    assert "is no .keras file" in error_of(1, tmp_path / "bad.keras", "--calibrate", folder, *out)
    assert not list(tmp_path.glob("x*"))
