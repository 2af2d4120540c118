"""genre-train as a tool: what it refuses, what it finds in data, what several runs say
together."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from genre_edge.errors import UsageError
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_train import cli as train
from genre_edge_train.augment.audio import AugmentSpec
from genre_edge_train.augment.mels import Extra, MelAugmenter
from genre_edge_train.augment.tomlfile import load_augment
from genre_edge_train.network.temperature import (
    apply_temperature,
    fit_temperature,
)
from genre_edge_train.runs.repeated import RunPlan, run_all, summary, table

RATE = 22_050


def tone(pitch: float, seconds: float = 4.0, seed: int = 0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * pitch * t) + 0.02 * np.random.default_rng(seed).standard_normal(
        len(t)
    )


# --- validate


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    for genre, pitch in (("high", 1500), ("low", 110)):
        (tmp_path / genre).mkdir()
        for k in range(12):
            soundfile.write(tmp_path / genre / f"{k:02d}.flac", tone(pitch + k, seed=k), RATE)
    soundfile.write(
        tmp_path / "low" / "again.wav", soundfile.read(tmp_path / "low" / "03.flac")[0], RATE
    )
    soundfile.write(tmp_path / "low" / "loud.flac", np.clip(tone(90) * 9, -1, 1), RATE)
    soundfile.write(
        tmp_path / "high" / "quiet.flac", np.r_[tone(900, 2.0), np.zeros(2 * RATE)], RATE
    )
    soundfile.write(tmp_path / "high" / "short.flac", tone(900, 1.5), RATE)
    (tmp_path / "high" / "broken.mp3").write_text("no audio")
    (tmp_path / "rare").mkdir()
    for k in range(3):
        soundfile.write(tmp_path / "rare" / f"{k}.flac", tone(500, seed=90 + k), RATE)
    return tmp_path


def test_validate_names_every_fault(faulty: Path, capsys) -> None:
    assert train.main(["validate", str(faulty), "--json", str(faulty / "faults.json")]) == 1
    faults = json.loads((faulty / "faults.json").read_text())
    assert {(fault["kind"], fault["name"]) for fault in faults} == {
        ("unreadable", "high/broken.mp3"),
        ("repeat", "low/03.flac"),
        ("clipping", "low/loud.flac"),
        ("silence", "high/quiet.flac"),
        ("length", "high/short.flac"),
        ("label", "rare"),
    }
    assert "is also low/again.wav" in next(f["text"] for f in faults if f["kind"] == "repeat")
    assert "low 14" in capsys.readouterr().out


def test_validate_is_content_with_good_data(faulty: Path, capsys) -> None:
    for name in (
        "low/again.wav",
        "low/loud.flac",
        "high/quiet.flac",
        "high/short.flac",
        "high/broken.mp3",
    ):
        (faulty / name).unlink()
    for k in range(3):
        (faulty / "rare" / f"{k}.flac").unlink()
    (faulty / "rare").rmdir()
    assert train.main(["validate", str(faulty)]) == 0
    assert "found: nothing" in capsys.readouterr().out


def test_a_repeat_says_what_is_wrong_with_it(tmp_path: Path, capsys) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), RATE)
    soundfile.write(tmp_path / "b.wav", tone(550), RATE)
    rows = ["one,rock,a.wav,train", "two,rock,a.wav,valid", "three,jazz,b.wav,train"]
    rows += ["four,rock,b.wav,train"]
    (tmp_path / "tracks.csv").write_text("\n".join(["track,genre,file,split", *rows]) + "\n")
    assert train.main(["validate", str(tmp_path), "--jobs", "1"]) == 1
    shown = capsys.readouterr().out
    assert "one: is also two (on both sides of the split)\n" in shown
    assert "three: is also four (under two labels)\n" in shown


# --- augmentation from a file


def test_augmentation_comes_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("speed = 0.15\ndecay_seconds = [0.2, 0.4]\n")
    spec = load_augment(path)
    assert (spec.speed, spec.decay_seconds) == (0.15, (0.2, 0.4))
    assert spec.mix_probability == AugmentSpec().mix_probability


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spede = 1", "spede is unknown"),
        ("mix_probability = 1.5", "must be from 0 to 1"),
        ("speed = 'fast'", "must be a number"),
        ("direct_db = [3, -3]", "must be \\[lowest, highest\\]"),
        ("decay_seconds = [0, 1]", "above 0"),
        ("speed 3", "not TOML"),
    ],
)
def test_a_wrong_augmentation_is_one_clear_error(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        load_augment(tmp_path / "a.toml")


def test_the_shipped_recipes_can_be_read() -> None:
    recipes = sorted((Path(__file__).parents[2] / "train" / "recipes").glob("*.toml"))
    assert recipes
    for path in recipes:
        assert load_augment(path) != AugmentSpec()


# --- log-mels without audio


def test_a_faster_log_mel_is_that_of_a_faster_tape() -> None:
    spec, seconds = FrontendSpec(), np.arange(4 * RATE) / RATE
    hum, faster = (
        LogMel(spec).window(
            (0.3 * np.sin(2 * np.pi * f * seconds)).astype(np.float32)[: spec.window_samples]
        )
        for f in (700.0, 770.0)
    )
    augmenter = MelAugmenter(
        Extra(hum[None], np.array([13.0], np.float32), np.array([0])), 2, spec, AugmentSpec(), 0.0
    )
    moved = augmenter._faster(hum, 1.1)
    assert abs(int(moved.mean(0).argmax()) - int(faster.mean(0).argmax())) <= 1
    assert int(hum.mean(0).argmax()) < int(moved.mean(0).argmax())


def test_drawn_log_mels_are_finite_and_their_labels_add_up() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((6, 126, 128)).astype(np.float32)
    extra = Extra(noise, np.full(6, 13, np.float32), np.arange(6) % 3)
    features, label = MelAugmenter(extra, 3, FrontendSpec(), AugmentSpec(), 0.5).draw(rng, 40)
    assert features.shape == (40, 126, 128)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(label.sum(axis=1), 1, rtol=1e-5)
    assert (label.max(axis=1) < 1).any(), "some are mixed"
    assert len({f.tobytes() for f in features}) == 40, "none is drawn twice alike"


# --- temperature


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (4000, 5))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label = np.array([rng.choice(5, p=row) for row in p])
    assert fit_temperature((logits * 2.5).astype(np.float32), label) == pytest.approx(2.5, abs=0.25)


def test_a_temperature_is_put_into_the_last_layer() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (20, 3)).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.layers[-1].set_weights([2 * np.eye(3), np.ones(3)])
    expected = np.exp((2 * logits + 1) / 4)
    apply_temperature(model, 4.0)
    np.testing.assert_allclose(
        model.predict(logits, verbose=0),
        expected / expected.sum(axis=1, keepdims=True),
        rtol=1e-4,
    )


# --- several runs


def test_several_runs_are_summed_up_and_not_done_again(tmp_path: Path) -> None:
    asked = []

    def run(tracks, protocol, seed, folder):
        asked.append((protocol, seed, folder.relative_to(tmp_path)))
        metrics = {unit: {"accuracy": 0.5 + 0.1 * seed} for unit in ("windows", "tracks")}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return metrics

    plan = RunPlan("csv", repeats=3, seed=1)
    found = run_all(plan, [], tmp_path, run)
    assert asked == [("csv", seed, Path(f"seed-{seed}")) for seed in (1, 2, 3)]
    assert found["windows"] == {"mean": 0.7, "deviation": 0.1, "runs": 3}
    assert json.loads((tmp_path / "summary.json").read_text()) == found
    assert "| mean ± standard deviation | 70.0% ± 10.0% |" in table(found)
    assert run_all(plan, [], tmp_path, run) == found
    assert len(asked) == 3


def test_runs_that_an_older_version_finished_count(tmp_path: Path) -> None:
    """They called the units window and track."""
    for seed in (1, 2):
        (tmp_path / f"seed-{seed}").mkdir()
        old = {unit: {"accuracy": 0.1 * seed} for unit in ("window", "track")}
        (tmp_path / f"seed-{seed}" / "metrics.json").write_text(json.dumps(old))

    def run(*_) -> None:
        raise AssertionError("both are finished")

    found = run_all(RunPlan(repeats=2, seed=1), [], tmp_path, run)
    assert (found["windows"]["mean"], found["tracks"]["mean"]) == (0.15, 0.15)


def test_a_summary_keeps_every_run() -> None:
    runs = [(f"fold-{k}", {u: {"accuracy": k / 10} for u in ("windows", "tracks")}) for k in (5, 7)]
    assert summary(runs)["runs"] == {
        "fold-5": {"windows": 0.5, "tracks": 0.5},
        "fold-7": {"windows": 0.7, "tracks": 0.7},
    }


# --- refusals


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--teacher {t}", "--arch two-block: only edge learns from a --teacher"),
        ("--arch edge --augment {t}", "need --arch edge and its --teacher"),
        ("--arch edge --teacher {t} --log-mels -1", "must be 0 or more"),
        ("--arch edge --teacher nowhere.tflite", "no such file"),
        ("--arch edge --teacher {t} --protocol segments", "clips of whole tracks"),
        (
            "--arch edge --teacher {t} --protocol tracks --start-from {t}",
            "has learnt from tracks that this run keeps apart",
        ),
        ("--folds 2", "at least 3"),
        ("--folds 5 --protocol tracks", "--folds 5: a cross-validation makes its own sides"),
        ("--repeats 0", "at least 1"),
        ("--arch vgg", "unknown; choose from"),
    ],
)
def test_options_without_a_meaning_are_refused(
    faulty: Path, tmp_path: Path, capsys, options: str, says: str
) -> None:
    teacher = tmp_path / "t.tflite"
    teacher.write_bytes(b"")
    arguments = [
        "--data",
        str(faulty),
        "--output",
        str(tmp_path / "run"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert train.main([*arguments, *options.format(t=teacher).split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
