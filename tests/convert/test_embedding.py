"""Which tensor of a converted network labels are taught from, and that it is known
beforehand."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from genre_edge import cli as genre_edge
from genre_edge.audio.file_source import read_mono
from genre_edge.model.bundle import Bundle, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert import cli as convert
from keras import layers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
]


@pytest.fixture(scope="module")
def windows(demo_clip: Path) -> np.ndarray:
    logmel = LogMel(FrontendSpec(), 0.06)
    return np.stack([w.features for w in logmel.push(read_mono(demo_clip, 22_050))])


@pytest.fixture(scope="module")
def folder(windows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with two hidden layers, its trunk up to the first, and windows."""
    path = tmp_path_factory.mktemp("network")
    np.savez(path / "w.npz", calibration=windows[:110], held_out=windows[110:])
    keras.utils.set_random_seed(1)
    inputs = keras.Input((126, 128, 1))
    x = layers.Conv2D(6, 5, strides=4, activation="relu")(inputs)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(x)
    x = layers.Dense(9, activation="relu", name="hidden")(pooled)
    keras.Model(inputs, layers.Dense(3, activation="softmax")(x)).save(path / "m.keras")
    keras.Model(inputs, pooled).save(path / "pooled.keras")
    keras.Model(inputs, layers.Conv2D(3, (31, 31))(layers.Conv2D(4, 5, strides=4)(inputs))).save(
        path / "no-dense.keras"
    )
    return path


def run(folder: Path, *options: str, model: str = "m.keras") -> int:
    given = [folder / model, "--labels", "ape,bear,cat", "--calibrate", folder / "w.npz"]
    given += ["--min-agreement", "50", "-o", folder / "out"]
    return convert.main([*map(str, given), *options])


def embeddings(bundle: Bundle, windows: np.ndarray) -> np.ndarray:
    """What a bundle's labels are taught from, float32 [windows, size]."""
    asks = Classifier(bundle, embeds=True)
    found = np.stack([asks.scores_and_embedding(window)[1] for window in windows])
    return found.astype(np.float32)


def said(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What genre-edge info says of teaching."""
    capsys.readouterr()
    assert genre_edge.main(["info", str(path)]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if "can be taught" in line)


def test_labels_are_taught_from_the_input_of_the_last_dense_layer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    for kind in ("float32", "int8"):
        assert "yes: 9 numbers a window" in said(folder / f"out.{kind}.tflite", capsys)


def test_another_tensor_is_named_by_a_part_of_its_name(
    folder: Path, windows: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--embedding", "pooled") == 0
    expected = keras.models.load_model(folder / "pooled.keras").predict(
        windows[110:, ..., None], verbose=0
    )
    for kind in ("float32", "int8"):
        path = folder / f"out.{kind}.tflite"
        assert "yes: 6 numbers a window" in said(path, capsys)
        found = embeddings(read_bundle(path), windows[110:])
        if kind == "float32":
            np.testing.assert_allclose(found, expected, atol=1e-4)
        else:
            assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere", "there is no such tensor; there are: "),
        ("functional", "tensors are called so; there are: "),
        ("pooled --to float16", "cannot be taught: the weights of its last layer are float32"),
    ],
)
def test_an_embedding_that_cannot_be_is_refused(
    folder: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--embedding", *name.split(), "-o", str(folder / "other")]
    assert run(folder, *options) == 1
    assert reason in capsys.readouterr().err
    assert not list(folder.glob("other*")), "nothing half-written"


def test_a_network_without_a_dense_layer_says_that_it_cannot_be_taught(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--to", "float32", model="no-dense.keras") == 0
    assert "no (it ends in CONV_2D, not in a dense layer)" in said(
        folder / "out.float32.tflite", capsys
    )
