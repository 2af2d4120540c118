"""genre-convert on networks that others made: every input, every refusal, and what it
says of a model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf
from genre_edge import cli as genre_edge
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import ModelError
from genre_edge.model.bundle import Bundle, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.flatbuffer import Graph, Operator, read_graph
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert import cli as convert
from genre_edge_convert.read.named_frontends import named
from genre_edge_convert.read.operators import check_operators, oldest_runtime, since
from keras import layers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
]
LABELS = "ape,bear,cat"


@pytest.fixture(scope="module")
def windows(demo_clip) -> np.ndarray:
    """Overlapping windows of the demo clip: real log-mels, [n, 126, 128]."""
    hop = LogMel(FrontendSpec(), 0.06)
    return np.stack([w.features for w in hop.push(read_mono(demo_clip, 22_050))])


@pytest.fixture(scope="module")
def npz(windows, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("npz") / "windows.npz"
    np.savez(
        path,
        calibration=windows[:110],
        held_out=windows[110:],
        held_out_label=np.arange(len(windows) - 110) % 3,
    )
    return path


def network(
    shape: tuple[int, ...] = (126, 128, 1), activation: str | None = "softmax", classes: int = 3
) -> keras.Model:
    """A small convolutional network with seeded weights, wide enough apart that int8
    agrees."""
    keras.utils.set_random_seed(1)
    inputs = x = keras.Input(shape)
    x = layers.Reshape((*[n for n in shape if n != 1], 1))(x)
    x = layers.Conv2D(6, 5, strides=4, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(classes, kernel_initializer=keras.initializers.RandomNormal(stddev=3))(x)
    return keras.Model(inputs, layers.Activation(activation)(x) if activation else x)


def run(*arguments: object) -> int:
    return convert.main([str(a) for a in arguments])


def by_keras(model: keras.Model, windows: np.ndarray) -> np.ndarray:
    return model.predict(windows.reshape(len(windows), *model.input_shape[1:]), verbose=0)


def test_a_keras_file_becomes_any_kind(tmp_path, npz, windows) -> None:
    model = network()
    model.save(tmp_path / "m.keras")
    kinds = ["float32", "float16", "dynamic", "int8"]
    done = run(
        tmp_path / "m.keras",
        "--labels",
        LABELS,
        "--calibrate",
        npz,
        "--to",
        ",".join(kinds),
        "-o",
        tmp_path / "n",
    )
    assert done == 0
    expected = by_keras(model, windows[110:])
    for kind in kinds:
        bundle = read_bundle(tmp_path / f"n.{kind}.tflite")
        assert bundle.info.labels == ("ape", "bear", "cat")
        assert bundle.info.output == "probabilities"
        assert bundle.info.metrics["agreement"]["top1"] >= 0.97
        assert bundle.info.metrics["worst_label"] == worst(expected, scores_of(bundle, windows))
        assert set(bundle.info.conversion["runs_in"]) >= {"litert", "tensorflow"}
        difference = np.abs(scores_of(bundle, windows) - expected).max()
        assert difference < (0.15 if kind == "int8" else 0.02)
    dtypes = {
        kind: read_bundle(tmp_path / f"n.{kind}.tflite").info.quantisation["input"]["dtype"]
        for kind in kinds
    }
    assert dtypes == {
        "float32": "float32",
        "float16": "float32",
        "dynamic": "float32",
        "int8": "int8",
    }


def scores_of(bundle: Bundle, windows: np.ndarray) -> np.ndarray:
    """Its probabilities on the held-out windows."""
    return np.stack([Classifier(bundle).scores(window) for window in windows[110:]])


def worst(expected: np.ndarray, found: np.ndarray) -> dict[str, object]:
    """What a bundle says of the label that loses most, counted one by one; the truth is
    that of the fixture `npz`."""
    change = {}
    for i, label in enumerate(LABELS.split(",")):
        cases = range(i, len(expected), 3)
        hits = [sum(int(s[k].argmax()) == i for k in cases) for s in (found, expected)]
        change[label] = 100 * (hits[0] - hits[1]) / len(cases)
    label = min(change, key=change.__getitem__)
    return {"label": label, "points": round(change[label], 1)}


@pytest.mark.parametrize("kind", ["h5", "saved-model", "tflite"])
def test_other_files_say_the_same(tmp_path, npz, windows, kind: str) -> None:
    model = network()
    path = tmp_path / {"h5": "m.h5", "saved-model": "m", "tflite": "m.tflite"}[kind]
    if kind == "h5":
        model.save(path)
    else:
        model.export(tmp_path / "m", verbose=False)
    if kind == "tflite":
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "m")).convert())
    assert run(path, "--labels", LABELS, "--calibrate", npz, "-o", tmp_path / "n") == 0
    bundle = read_bundle(tmp_path / "n.float32.tflite")
    scores = np.stack([Classifier(bundle).scores(w) for w in windows[110:]])
    np.testing.assert_allclose(scores, by_keras(model, windows[110:]), atol=1e-4)
    assert bundle.info.conversion["from"] == {"h5": "keras"}.get(kind, kind)
    assert (tmp_path / "n.int8.tflite").exists() == (kind != "tflite")


def test_logits_are_told_apart_and_read_as_such(tmp_path, npz, windows) -> None:
    model = network(activation=None)
    model.save(tmp_path / "m.keras")
    assert (
        run(tmp_path / "m.keras", "--labels", LABELS, "--calibrate", npz, "-o", tmp_path / "n") == 0
    )
    bundle = read_bundle(tmp_path / "n.float32.tflite")
    assert bundle.info.output == "logits"
    expected = tf.nn.softmax(by_keras(model, windows[110:])).numpy()
    np.testing.assert_allclose(
        [Classifier(bundle).scores(w) for w in windows[110:]], expected, atol=1e-4
    )


@pytest.mark.parametrize("shape", [(128, 126), (128, 126, 1), (1, 128, 126)])
def test_mels_may_come_first(tmp_path, npz, windows, capsys, shape) -> None:
    model = network(shape)
    model.save(tmp_path / "m.keras")
    arguments = (tmp_path / "m.keras", "--labels", LABELS, "--calibrate", npz, "-o", tmp_path / "n")
    assert run(*arguments) == 1
    assert "give --layout mels-frames" in capsys.readouterr().err
    assert run(*arguments, "--layout", "mels-frames") == 0
    bundle = read_bundle(tmp_path / "n.float32.tflite")
    expected = by_keras(model, np.ascontiguousarray(windows[110:].transpose(0, 2, 1)))
    np.testing.assert_allclose(
        [Classifier(bundle).scores(w) for w in windows[110:]], expected, atol=1e-4
    )


def test_another_front_end_comes_from_a_file(tmp_path, demo_clip) -> None:
    (tmp_path / "f.toml").write_text('kind = "mel"\nn_mels = 40\n')
    spec = FrontendSpec(n_mels=40)
    found = np.stack([w.features for w in LogMel(spec, 0.06).push(read_mono(demo_clip, 22_050))])
    np.savez(tmp_path / "w.npz", calibration=found[:110], held_out=found[110:])
    network((126, 40, 1)).save(tmp_path / "m.keras")
    (tmp_path / "l.txt").write_text("ape\nbear\ncat\n")
    given = (
        "--labels",
        tmp_path / "l.txt",
        "--frontend",
        tmp_path / "f.toml",
        "--calibrate",
        tmp_path / "w.npz",
    )
    assert run(tmp_path / "m.keras", *given, "-o", tmp_path / "n") == 0
    assert (
        genre_edge.main(["classify", str(demo_clip), "--model", str(tmp_path / "n.int8.tflite")])
        == 0
    )


def test_a_network_on_mfccs_is_given_mfccs(tmp_path, demo_clip, capsys) -> None:
    spec = named("librosa-mfcc-13")
    heard = [w.features for w in LogMel(spec, 0.06).push(read_mono(demo_clip, 22_050))]
    np.savez(tmp_path / "w.npz", calibration=heard[:110], held_out=heard[110:])
    model = network((130, 13, 1))
    model.save(tmp_path / "m.keras")
    given = (tmp_path / "m.keras", "--labels", LABELS, "--calibrate", tmp_path / "w.npz")
    assert (
        run(*given, "--frontend", "librosa-mfcc-13", "--to", "float32", "-o", tmp_path / "n") == 0
    )
    assert "13 MFCCs" in (tmp_path / "n.md").read_text()
    capsys.readouterr()
    command = ["classify", str(demo_clip), "--model", str(tmp_path / "n.float32.tflite")]
    command += ["--format", "json"]
    assert genre_edge.main(command) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    y = read_mono(demo_clip, 22_050)[:66_150]
    mfcc = librosa.feature.mfcc(y=y, sr=22_050, n_mfcc=13).T
    expected = by_keras(model, mfcc[None])[0]
    np.testing.assert_allclose(list(first["scores"].values()), expected, atol=1e-3)


# --- refusals


class Doubling(layers.Layer):
    def call(self, x):
        return 2 * x


def _save(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def _two_inputs() -> keras.Model:
    a, b = keras.Input((126, 128)), keras.Input((126, 128))
    return keras.Model([a, b], layers.Dense(3)(layers.Flatten()(layers.Add()([a, b]))))


def _two_outputs() -> keras.Model:
    a = keras.Input((126, 128))
    flat = layers.GlobalAveragePooling1D()(a)
    return keras.Model(a, [layers.Dense(3)(flat), layers.Dense(3)(flat)])


def _open_length() -> keras.Model:
    a = keras.Input((None, 128))
    return keras.Model(a, layers.Dense(3)(layers.GlobalAveragePooling1D()(a)))


def _lambda() -> keras.Model:
    a = keras.Input((126, 128))
    return keras.Model(a, layers.Dense(3)(layers.Lambda(lambda x: x[:, 0])(a)))


def _custom() -> keras.Model:
    a = keras.Input((126, 128))
    return keras.Model(a, layers.Dense(3)(layers.Flatten()(Doubling()(a))))


def _nan() -> keras.Model:
    model = network()
    weights = model.get_weights()
    weights[0][0] = np.nan
    model.set_weights(weights)
    return model


def _on_means() -> keras.Model:
    return keras.Sequential([layers.Input((57,)), layers.Dense(3)])


def _at_random() -> keras.Model:
    a = keras.Input((126, 128, 1))
    return keras.Model(a, layers.Dense(3)(layers.Flatten()(layers.RandomFlip()(a))))


def _no_such_operator() -> keras.Model:
    a = keras.Input((126, 128))
    flat = keras.ops.erfinv(keras.ops.tanh(layers.GlobalAveragePooling1D()(a)))
    return keras.Model(a, layers.Dense(3)(flat))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_two_inputs, "has 2 inputs, expected one"),
        (_two_outputs, "has 2 outputs, expected one"),
        (_open_length, "has a dynamic shape, (?, ?, 128)"),
        (_lambda, "holds a Lambda layer, which is Python code"),
        (_custom, "holds the custom object Doubling"),
        (_nan, "hold NaN or infinity"),
        (lambda: network(classes=4), "has 4 outputs, but there are 3 labels"),
        (
            lambda: network((126, 13, 1)),
            'such an input: base = "librosa-mfcc-13", padding = "none"',
        ),
        (_on_means, "a list of numbers for a clip"),
        (lambda: network(activation="sigmoid", classes=1), "one sigmoid for two labels becomes"),
        (
            lambda: network((100, 128, 1)),
            "takes 100 x 128, the front-end makes 126 frames x 128 mels",
        ),
        (lambda: network((130, 13, 1)), "give --frontend, for such an input: librosa-mfcc-13"),
        (_at_random, "holds layers that change windows at random (RandomFlip, say)"),
        (_no_such_operator, "TFLite has no operator for Erfinv"),
    ],
)
def test_a_network_that_cannot_be_converted_is_one_clear_error(
    tmp_path, npz, capsys, make, says: str
) -> None:
    model = _save(make(), tmp_path / "m.keras")
    assert run(model, "--labels", LABELS, "--calibrate", npz, "-o", tmp_path / "n") == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert says in error[-1]
    assert len(error) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"], "nothing half-written"


def test_lambdas_in_old_files_are_not_run_either(tmp_path, npz, capsys) -> None:
    _save(_lambda(), tmp_path / "m.h5")
    assert run(tmp_path / "m.h5", "--labels", LABELS, "--calibrate", npz, "-o", tmp_path / "n") == 1
    assert "Lambda layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ("--labels a,b", 1, "has 3 outputs, but there are 2 labels"),
        ("--labels a,b,a", 2, "--labels a,b,a: a is given twice"),
        ("--labels a,b,silence", 2, "label silence has a meaning of its own"),
        ("", 2, "its labels are not known: give --labels"),
        ("--labels a,b,c --to int4", 2, "--to int4: int4 is unknown"),
        ("--labels a,b,c --to ,", 2, "--to ,: names no kind"),
        ("--labels a,b,c --output-tensor x", 2, "--output-tensor x: goes with a .tflite file"),
        ("--labels a,b,c --target tflite-runtime-3", 2, "--target tflite-runtime-3: unknown"),
        ("--labels a,b,c --frontend nowhere.toml", 2, "--frontend nowhere.toml: no such file"),
        ("--labels a,b,c --frontend nowhere", 2, "--frontend nowhere: neither a file nor a known"),
        ("--labels nowhere.txt", 2, "--labels nowhere.txt: neither a file nor a list"),
        ("--labels a,b,c\x1b[2J", 2, "label 2 has characters that cannot be shown"),
        ("--labels a,b,c --min-agreement 101", 2, "--min-agreement 101: must be from 0 to 100"),
        ("--labels a,b,c --min-agreement nan", 2, "--min-agreement nan: must be from 0 to 100"),
        ("--labels a,b,c --float-layers -1", 2, "--float-layers -1: must be 0 or more"),
        ("--labels a,b,c -o mine.tflite", 2, "--output mine.tflite: give mine"),
        ("--labels a,b,c -o ..", 2, "--output ..: is a folder: add the name"),
        ("--labels a,b,c --check-with nowhere.wav --expect nowhere.npy", 2, "--expect nowhere.npy"),
    ],
)
def test_wrong_options_are_one_clear_error(
    tmp_path, npz, capsys, options: str, status: int, says: str
) -> None:
    _save(network(), tmp_path / "m.keras")
    given = ("--calibrate", npz, "-o", tmp_path / "n", *options.split())
    assert run(tmp_path / "m.keras", *given) == status
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_windows_that_are_no_audio_are_refused(tmp_path, windows, capsys) -> None:
    _save(network(), tmp_path / "m.keras")
    rng = np.random.default_rng(0)
    cases = {
        "random": (rng.standard_normal((120, 126, 128)), "as in random numbers"),
        "one": (np.repeat(windows[:1], 120, axis=0), "repeat each other"),
        "nan": (np.where(windows[:110] > 2, np.nan, windows[:110]), "NaN"),
    }
    for name, (calibration, says) in cases.items():
        np.savez(tmp_path / f"{name}.npz", calibration=calibration, held_out=windows[110:])
        given = (
            tmp_path / "m.keras",
            "--labels",
            LABELS,
            "--calibrate",
            tmp_path / f"{name}.npz",
            "-o",
            tmp_path / "n",
        )
        assert run(*given) == 2
        assert says in capsys.readouterr().err


def bad_in_int8() -> keras.Model:
    model = network()
    kernel, bias, dense, out = model.get_weights()
    # One channel dwarfs the others and counts for nothing: one scale for them all
    # leaves the others no steps.
    kernel[..., 0] *= 1e4
    dense[0] = 0
    model.set_weights([kernel, bias, 40 * dense, out])
    return model


def test_a_bundle_says_which_label_conversion_harmed_most(tmp_path, npz, windows) -> None:
    model = bad_in_int8()
    model.save(tmp_path / "m.keras")
    given = ("--labels", LABELS, "--calibrate", npz, "--min-agreement", 0, "-o", tmp_path / "n")
    assert run(tmp_path / "m.keras", *given) == 0
    bundle = read_bundle(tmp_path / "n.int8.tflite")
    found = bundle.info.metrics["worst_label"]
    assert found == worst(by_keras(model, windows[110:]), scores_of(bundle, windows))
    assert found["points"] < -20, "it is bad indeed"


def test_a_bad_int8_model_is_explained_by_its_tensors(tmp_path, npz, capsys) -> None:
    _save(bad_in_int8(), tmp_path / "m.keras")
    given = (
        "--labels",
        LABELS,
        "--calibrate",
        npz,
        "--to",
        "int8",
        "--min-agreement",
        "99",
        "-o",
        tmp_path / "n",
    )
    assert run(tmp_path / "m.keras", *given) == 1
    error = capsys.readouterr().err
    assert "tensors whose int8 values differ most" in error
    lost = [int(share) for share in re.findall(r": (\d+)% of a typical channel lost", error)]
    assert lost == sorted(lost, reverse=True), "the worst first"
    assert len(lost) > 1 and lost[0] > 50
    assert "nothing was written" in error.splitlines()[-1]


# --- operators


def graph_of(*operators: tuple[str, int]) -> Graph:
    return Graph((), tuple(Operator(name, version) for name, version in operators), (), ())


def test_the_oldest_runtime_follows_from_the_operators() -> None:
    assert oldest_runtime(graph_of(("CONV_2D", 3), ("SOFTMAX", 2))) == (2, 5)
    assert oldest_runtime(graph_of(("CONV_2D", 3), ("FULLY_CONNECTED", 12))) == (2, 17)
    assert oldest_runtime(graph_of(("CONV_2D", 99))) is None
    assert since("GELU", 1) == (2, 9)


def test_a_target_that_is_too_old_names_the_operators() -> None:
    new = graph_of(("CONV_2D", 8), ("ADD", 1), ("FULLY_CONNECTED", 12))
    with pytest.raises(
        ModelError,
        match=r"CONV_2D version 8 \(since 2.15\), FULLY_CONNECTED version 12 \(since 2.17\)",
    ):
        check_operators(new, "m", "tflite-runtime-2.14")
    check_operators(graph_of(("CONV_2D", 7)), "m", "tflite-runtime-2.14")
    with pytest.raises(ModelError, match="needs operators that no plain interpreter has: FlexErf"):
        check_operators(graph_of(("CUSTOM FlexErf", 1)), "m", None)


def test_the_table_of_operators_is_tensorflows(tmp_path) -> None:
    """The converter writes the release a model needs into the file; ours must be the
    same, down to our oldest."""
    schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated")
    network().export(tmp_path / "m", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "m"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    flatbuffer = converter.convert()
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    place = next(m.buffer for m in model.metadata if m.name == b"min_runtime_version")
    theirs = bytes(model.buffers[place].data).rstrip(b"\0").decode().split(".")
    assert oldest_runtime(read_graph(flatbuffer, "m")) == max(
        (2, 5), (int(theirs[0]), int(theirs[1]))
    )


# --- inspect and repack


def test_inspect_lists_what_a_model_consists_of(capsys) -> None:
    assert run("inspect", "gtzan-two-block.int8", "--tensors") == 0
    text = capsys.readouterr().out
    for part in (
        "153.35 million",
        "2 x CONV_2D",
        "TFLite 2.5 or newer",
        "scale 0.0",
        "over 128 channels",
        "  time a window   estimated, not measured",
        "    Zero 2 W    35 to 172 ms        17 to 43 ms",
    ):
        assert part in text
    assert run("inspect", "gtzan-two-block.int8", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [o["name"] for o in found["operators"]].count("CONV_2D") == 2
    assert found["inputs"][0]["dtype"] == "int8"
    assert [(t["board"], t["threads"]) for t in found["estimated"]][:2] == [
        ("Zero 2 W", 1),
        ("Zero 2 W", 4),
    ]


def test_inspect_says_what_is_no_model(tmp_path, capsys) -> None:
    (tmp_path / "x.tflite").write_bytes(b"\x1c\0\0\0TFL3" + b"\xff" * 40)
    for path, says in ((tmp_path / "x.tflite", "damaged"), (tmp_path / "y.tflite", "no such file")):
        assert run("inspect", path) == 1
        assert says in capsys.readouterr().err


def test_repack_changes_the_words_and_nothing_else(tmp_path, capsys) -> None:
    labels = [f"g{i}" for i in range(10)]
    given = (
        "--labels",
        ",".join(labels),
        "--set",
        "collection=mine",
        "-o",
        tmp_path / "n.int8.tflite",
    )
    assert run("repack", "gtzan-edge.int8", *given) == 0
    from genre_edge.model.bundle import find_model

    old, new = read_bundle(find_model("gtzan-edge.int8")), read_bundle(tmp_path / "n.int8.tflite")
    assert (new.sha256, new.info.metrics, new.info.frontend) == (
        old.sha256,
        old.info.metrics,
        old.info.frontend,
    )
    assert new.info.labels == tuple(labels)
    assert (new.info.name, new.info.trained_on["collection"]) == ("n.int8", "mine")
    assert run("repack", "gtzan-edge.int8", "--labels", "a,b", "-o", tmp_path / "m.tflite") == 2
    assert "the network has 10 outputs" in capsys.readouterr().err
    reserved = ",".join([*labels[1:], "uncertain"])
    assert run("repack", "gtzan-edge.int8", "--labels", reserved, "-o", tmp_path / "m.tflite") == 2
    assert "label uncertain has a meaning of its own" in capsys.readouterr().err
    assert not (tmp_path / "m.tflite").exists()
