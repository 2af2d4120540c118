"""Which of data, range and layer is named when a bundle disagrees, and that what is
advised helps."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.model.bundle import read_bundle
from genre_edge.model.flatbuffer import read_graph
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert import cli as convert
from genre_edge_convert.read.samples import Samples
from genre_edge_convert.verify.causes import at_fault, furthest_apart
from keras import layers

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


def samples(calibration: int = 100, louder: float = 1.0) -> Samples:
    some = np.random.default_rng(0).uniform(-1, 1, (calibration, 12, 8)).astype(np.float32)
    return Samples(some, louder * some[:20])


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("int8", samples(), "the range of the layers named above is at fault"),
        ("int8", samples(99), "the data may be at fault (99 calibration windows, 0.0%"),
        ("int8", samples(louder=1.1), "the data may be at fault (100 calibration windows, 9."),
        ("float32", samples(), "a layer is converted wrongly"),
        ("dynamic", samples(), "the weights' range is at fault: use --to float32 or float16"),
    ],
)
def test_the_cause_is_named(kind: str, given: Samples, said: str) -> None:
    assert said in at_fault(kind, given)


def test_a_network_that_cannot_decide_is_not_blamed_on_a_layer() -> None:
    scores = np.array([[0.34, 0.33, 0.33], [0.1, 0.8, 0.1]], np.float32)
    assert furthest_apart(scores, np.array([2, 1])) == pytest.approx(0.01)
    assert furthest_apart(scores, np.array([2, 0])) == pytest.approx(0.7)
    said = at_fault("int8", samples(), 0.01)
    assert "undecided where they differ: it gives both labels the same score within 0.010" in said
    assert "train it longer" in said and "--min-agreement" in said
    assert "range" in at_fault("int8", samples(), 0.7)


def test_a_failure_of_range_says_what_helps() -> None:
    said = at_fault("int8", samples())
    assert "weights have a scale for each channel already" in said
    for remedy in ("--float-layers 3", "--to int16x8", "--to dynamic"):
        assert remedy in said


@pytest.fixture(scope="module")
def wide(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network that int8 spoils, one of its tensors being far wider than
    what matters in it, and windows to calibrate it on."""
    folder = tmp_path_factory.mktemp("wide")
    logmel = LogMel(FrontendSpec(), 0.06)
    windows = np.stack([w.features for w in logmel.push(read_mono(demo_clip, 22_050))])
    np.savez(folder / "w.npz", calibration=windows[:110], held_out=windows[110:])
    keras.utils.set_random_seed(1)
    inputs = keras.Input((126, 128, 1))
    x = layers.Conv2D(6, 5, strides=4, activation="relu")(inputs)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Dense(6, name="wide")(x)
    x = layers.LeakyReLU(0.9)(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="scores")(x))
    pooled = keras.Model(inputs, model.get_layer("pooled").output).predict(windows, verbose=0)
    mean, deviation = pooled.mean(axis=0), pooled.std(axis=0) + 1e-6
    first = np.eye(6, dtype=np.float32) / deviation[:, None]
    first[:, 5] *= 300  # one value that no score depends on takes the whole range
    model.get_layer("wide").set_weights([first, -(mean @ first)])
    last = np.zeros((6, 3), np.float32)
    last[:3] = 4 * np.eye(3)
    model.get_layer("scores").set_weights([last, np.zeros(3, np.float32)])
    model.save(folder / "m.keras")
    return folder


def run(folder: Path, *options: str) -> int:
    given = [folder / "m.keras", "--labels", "ape,bear,cat", "--calibrate", folder / "w.npz"]
    return convert.main([*map(str, given), "-o", str(folder / "out"), *options])


@pytest.mark.slow
def test_int8_fails_and_its_tensors_and_remedies_are_named(wide: Path, capsys) -> None:
    assert run(wide, "--to", "float32,int8") == 1
    said = capsys.readouterr().err
    assert "nothing was written: --to float32 makes that bundle alone" in said
    worst = said.split("tensors whose int8 values differ most")[1].splitlines()[1]
    assert "FULLY_CONNECTED" in worst and "100% of a typical channel lost" in worst
    assert "the range of the layers named above is at fault" in said
    assert not list(wide.glob("out*"))


@pytest.mark.slow
def test_int16_activations_help(wide: Path) -> None:
    assert run(wide, "--to", "int16x8") == 0
    info = read_bundle(wide / "out.int16x8.tflite").info
    assert info.metrics["agreement"]["top1"] >= 0.97


@pytest.mark.slow
def test_the_worst_layer_in_float_helps_and_what_it_makes_stays_so_until_it_is_narrow(
    wide: Path,
) -> None:
    """An activation hands the wide range on: int8 after it would spoil as much."""
    assert run(wide, "--to", "int8", "--float-layers", "1") == 0
    bundle = read_bundle(wide / "out.int8.tflite")
    assert bundle.info.metrics["agreement"]["top1"] >= 0.97
    graph = read_graph(bundle.flatbuffer, "m")
    made = [(o.name, graph.tensors[o.outputs[0]].dtype) for o in graph.operators]
    assert [one for one in made if not one[0].endswith("QUANTIZE")] == [
        ("CONV_2D", "int8"),
        ("MEAN", "int8"),
        ("FULLY_CONNECTED", "float32"),
        ("LEAKY_RELU", "float32"),
        ("FULLY_CONNECTED", "float32"),
        ("SOFTMAX", "int8"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["float32", "int16x8"])
def test_float_layers_need_an_int8_bundle(wide: Path, kinds: str, capsys) -> None:
    assert run(wide, "--to", kinds, "--float-layers", "3") == 2
    assert "--float-layers 3: needs --to int8" in capsys.readouterr().err


def test_a_layer_that_is_always_zero_is_named(wide: Path, tmp_path: Path, capsys) -> None:
    """Ordinary weights, and a bias that no window reaches: XNNPACK cannot scale it."""
    inputs = keras.Input((126, 128, 1))
    x = layers.Conv2D(6, 5, strides=4, activation="relu", name="dead")(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    weights, bias = model.get_layer("dead").get_weights()
    model.get_layer("dead").set_weights([weights, bias - 1000])
    model.save(tmp_path / "m.keras")
    (tmp_path / "w.npz").write_bytes((wide / "w.npz").read_bytes())
    assert run(tmp_path) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "out.int8: cannot be loaded, for functional" in said
    assert re.search(r"/dead\w*/Relu gives 0 on every calibration window", said)
    assert "use --to float32; nothing was written" in said
    assert not list(tmp_path.glob("out*"))
