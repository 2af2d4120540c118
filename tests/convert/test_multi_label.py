"""Taggers of others: several labels may hold at once, and the scores are those of the
program that they come from."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import soundfile
from ai_edge_litert.interpreter import Interpreter
from genre_edge import cli as genre_edge
from genre_edge.audio.file_source import read_mono
from genre_edge.model.bundle import read_bundle
from genre_edge.model.engine import Engine
from genre_edge.model.frontend import LogMel
from genre_edge.settings.tables import EngineConfig
from genre_edge_convert import cli as convert
from genre_edge_convert.read.named_frontends import named
from keras import layers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
RATE = 16_000
TEACHERS = Path(__file__).parents[3] / "shared" / "data" / "teacher"


@pytest.fixture(scope="module")
def clip(demo_clip, tmp_path_factory) -> Path:
    """The demo clip at 16 kHz, so that nothing is resampled."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, read_mono(demo_clip, RATE), RATE, subtype="FLOAT")
    return path


@pytest.fixture
def teachers() -> Path:
    if not TEACHERS.is_dir():
        pytest.skip("needs the networks in ../shared/data/teacher")
    return TEACHERS


def windows_file(path: Path, clip: Path, frontend: str, hop: float = 0.2) -> Path:
    heard = [w.features for w in LogMel(named(frontend), hop).push(read_mono(clip, RATE))]
    np.savez(path, calibration=heard[:-20], held_out=heard[-20:])
    return path


def run_convert(*arguments: object) -> int:
    return convert.main([str(a) for a in arguments])


def classified(clip: Path, model: Path, capsys, *options: str) -> list[dict]:
    capsys.readouterr()
    command = ["classify", str(clip), "--model", str(model), "--format", "json", *options]
    assert genre_edge.main(command) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def invoked(path: Path, given: np.ndarray) -> np.ndarray:
    """The first output of a TFLite file."""
    net = Interpreter(str(path))
    net.allocate_tensors()
    entry = net.get_input_details()[0]
    net.set_tensor(entry["index"], given.astype(np.float32).reshape(entry["shape"]))
    net.invoke()
    return net.get_tensor(net.get_output_details()[0]["index"]).reshape(-1)


def musicnns_input(samples: np.ndarray) -> np.ndarray:
    power = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=512, hop_length=256, n_mels=96)
    return np.log10(10_000 * power + 1).T[:187]


def expected_of(name: str, path: Path, samples: np.ndarray) -> np.ndarray:
    if name == "yamnet":
        return invoked(path, samples)
    return 1 / (1 + np.exp(-invoked(path, musicnns_input(samples))))


CASES = {
    "yamnet": ("yamnet-waveform", "yamnet_class_map.csv", ["--output-tensor", "Identity"]),
    "musicnn": ("musicnn", "musicnn_tags.txt", ["--output-tensor", "logits", "--multi-label"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_teacher_says_what_its_own_program_says(
    name: str, teachers, clip, tmp_path, capsys
) -> None:
    frontend, labels, options = CASES[name]
    path = teachers / f"{name}.tflite"
    data = windows_file(tmp_path / "w.npz", clip, frontend)
    given = ("--labels", teachers / labels, "--frontend", frontend, "--calibrate", data)
    assert run_convert(path, *given, *options, "-o", tmp_path / name) == 0
    model = tmp_path / f"{name}.float32.tflite"
    samples, length = read_mono(clip, RATE), named(frontend).window_samples
    files = [r for r in classified(clip, model, capsys) if r["type"] == "window" and r["scores"]]
    assert len(files) >= 4
    engine = Engine(EngineConfig(str(model)))
    stream, live = engine.stream(RATE), {}
    for at in range(0, len(samples), 1600):  # as a microphone's blocks come
        for window in stream.push(samples[at : at + 1600, None]):
            live[window.start] = engine.classifier.scores(window.features)
    for record in files:
        at = round(record["start"] * RATE)
        expected = expected_of(name, path, samples[at : at + length])
        np.testing.assert_allclose(list(record["scores"].values()), expected, atol=1e-3)
        np.testing.assert_allclose(live[record["start"]], expected, atol=1e-3)


def test_the_outputs_are_named_where_there_are_several(teachers, clip, tmp_path, capsys) -> None:
    given = ("--labels", "a,b", "--calibrate", tmp_path, "-o", tmp_path / "n")
    assert run_convert(teachers / "musicnn.tflite", *given) == 1
    error = capsys.readouterr().err
    assert "has 3 outputs; give --output-tensor with one of: logits (1 x 50), pen" in error


def tagger(activation: str | None) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((96, 64))
    x = layers.GlobalAveragePooling1D()(inputs)
    return keras.Model(inputs, layers.Dense(4, activation=activation)(x))


@pytest.fixture(scope="module")
def windows(clip, tmp_path_factory) -> Path:
    return windows_file(tmp_path_factory.mktemp("w") / "w.npz", clip, "yamnet", 0.1)


GIVEN = ("--labels", "Rock music,Heavy metal,Piano,Speech", "--frontend", "yamnet")


def test_sigmoids_are_found_and_not_brought_to_a_sum_of_one(
    windows, clip, tmp_path, capsys
) -> None:
    model = tagger("sigmoid")
    model.save(tmp_path / "m.keras")
    arguments = (*GIVEN, "--calibrate", windows, "--to", "float32", "-o", tmp_path / "n")
    assert run_convert(tmp_path / "m.keras", *arguments) == 0
    bundle = read_bundle(tmp_path / "n.float32.tflite")
    assert (bundle.info.output, bundle.info.version) == ("sigmoids", 3)
    first = classified(clip, tmp_path / "n.float32.tflite", capsys)[0]["scores"]
    features = LogMel(named("yamnet")).window(read_mono(clip, RATE)[:15_600])
    expected = model.predict(features[None], verbose=0)[0]
    np.testing.assert_allclose(list(first.values()), expected, atol=1e-3)


def test_a_line_of_text_names_several_labels(windows, clip, tmp_path, capsys) -> None:
    tagger("sigmoid").save(tmp_path / "m.keras")
    arguments = (*GIVEN, "--calibrate", windows, "--to", "float32", "-o", tmp_path / "n")
    assert run_convert(tmp_path / "m.keras", *arguments) == 0
    model = str(tmp_path / "n.float32.tflite")
    capsys.readouterr()
    for options, commas in (([], 1), (["--top", "1"], 0), (["--top", "4"], 2)):
        assert genre_edge.main(["classify", str(clip), "--model", model, *options]) == 0
        line = capsys.readouterr().out.splitlines()[1]
        assert line.count("%") == commas + (2 if commas else 1)
    scores = classified(clip, Path(model), capsys, "--min-score", "1")[0]["scores"]
    assert len(scores) == 1, "the most probable label stays"


def test_labels_may_stand_for_several_outputs(windows, clip, tmp_path, capsys) -> None:
    model = tagger(None)
    model.save(tmp_path / "m.keras")
    mapping = "Rock music=rock,Heavy metal=rock,Piano=piano"
    arguments = (*GIVEN, "--calibrate", windows, "--to", "float32", "-o", tmp_path / "n")
    options = ("--multi-label", "--map", mapping)
    assert run_convert(tmp_path / "m.keras", *arguments, *options) == 0
    bundle = read_bundle(tmp_path / "n.float32.tflite")
    assert bundle.info.labels == ("rock", "piano")
    first = classified(clip, tmp_path / "n.float32.tflite", capsys)[0]["scores"]
    features = LogMel(named("yamnet")).window(read_mono(clip, RATE)[:15_600])
    sigmoids = 1 / (1 + np.exp(-model.predict(features[None], verbose=0)[0]))
    assert first == pytest.approx({"rock": max(sigmoids[:2]), "piano": sigmoids[2]}, abs=1e-3)
    assert run_convert(tmp_path / "m.keras", *arguments, "--map", "Rok=rock") == 2
    assert "--map Rok=rock: the network has no output Rok" in capsys.readouterr().err
