"""A bundle's network with its front-end inside: it must answer what the bundle answers,
in our interpreter and in MediaPipe's."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import ModelError
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.flatbuffer import read_graph
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.settings.tables import DEFAULT_MODEL
from genre_edge_convert import cli as convert
from genre_edge_convert.export.audio_in import AudioInModel
from genre_edge_convert.export.frontend_graph import check_frontend, frontend_flatbuffer
from genre_edge_convert.export.join import joined
from genre_edge_convert.export.recordings import Comparison, check
from genre_edge_convert.read.named_frontends import NAMED
from keras import layers

from tests.conftest import noise

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
]
INT8, FLOAT32 = DEFAULT_MODEL, DEFAULT_MODEL.replace("int8", "float32")
YAMNET_LIKE = replace(
    NAMED["yamnet"].spec, window_seconds=3.0, frame_start="stream", window_level=0.1
)
FRONTENDS = {
    "default": FrontendSpec(),
    "116 bands": FrontendSpec(n_mels=116, f_max=8012.168965763909),
    "yamnet-like": YAMNET_LIKE,
    "musicnn-like": replace(
        NAMED["musicnn"].spec, frame_start="stream", padding="none", fixed_frames=0
    ),
    "centred": FrontendSpec(
        sample_rate=16000,
        n_fft=512,
        hop_length=256,
        n_mels=40,
        f_max=8000.0,
        mel_filters="htk-hz",
        mel_norm="area",
        padding="reflect",
        frame_start="window",
    ),
    "odd hop": FrontendSpec(n_fft=1024, hop_length=441, n_mels=40, window_seconds=1.0, top_db=60.0),
}
FRONTENDS |= {name: NAMED[name].spec for name in ("librosa-mel-128", "vggish", "musicnn", "panns")}


def run(*arguments: object) -> int:
    return convert.main([str(a) for a in arguments])


def answer(flatbuffer: bytes, samples: np.ndarray) -> np.ndarray:
    net = Interpreter(model_content=flatbuffer)
    net.allocate_tensors()
    net.set_tensor(net.get_input_details()[0]["index"], samples[None])
    net.invoke()
    return net.get_tensor(net.get_output_details()[0]["index"])


@pytest.mark.parametrize("name", FRONTENDS)
def test_the_graph_computes_what_the_front_end_computes(name: str, demo_clip: Path) -> None:
    spec = FRONTENDS[name]
    flatbuffer = frontend_flatbuffer(spec, (1, *spec.shape, 1), False)
    music = read_mono(demo_clip, spec.sample_rate)[: spec.window_samples]
    sounds = {
        "music": music,
        "quiet music": music * np.float32(1e-3),
        "noise": noise(spec.window_seconds, spec.sample_rate),
        "silence": np.zeros_like(music),
    }
    logmel = LogMel(spec)
    # In dB the rounding of what is far below full scale shows.
    tolerance = 0.05 if spec.scale == "db" and spec.normalise == "none" else 2e-3
    for sound, samples in sounds.items():
        expected = logmel.window(np.ascontiguousarray(samples))
        found = answer(flatbuffer, samples)[0, ..., 0]
        assert found == pytest.approx(expected, abs=tolerance), sound


def test_a_network_may_take_mels_before_frames(demo_clip: Path) -> None:
    spec = FRONTENDS["odd hop"]
    flatbuffer = frontend_flatbuffer(spec, spec.shape[::-1], True)
    samples = np.ascontiguousarray(read_mono(demo_clip, spec.sample_rate)[: spec.window_samples])
    assert answer(flatbuffer, samples) == pytest.approx(LogMel(spec).window(samples).T, abs=1e-3)


def test_only_operators_that_every_interpreter_has_are_used() -> None:
    for spec in (FrontendSpec(), YAMNET_LIKE):
        flatbuffer = frontend_flatbuffer(spec, (1, *spec.shape, 1), False)
        names = set(read_graph(flatbuffer, "front-end").needs())
        assert "RFFT2D" in names
        assert not [name for name in names if name.startswith(("CUSTOM", "Flex"))]
        assert len(flatbuffer) < 100_000  # one filterbank in float32 has 525 KB


def test_a_front_end_that_the_graph_lacks_is_named() -> None:
    for spec, reason in (
        (FrontendSpec(n_fft=1536), r"n_fft = 1536 \(must be a power of two\)"),
        (FrontendSpec(kind="mfcc", n_mfcc=13), "kind = 'mfcc', n_mfcc = 13"),
        (FrontendSpec(taper="hamming"), "taper = 'hamming'"),
        (FrontendSpec(normalise="minmax"), "normalise = 'minmax'"),
    ):
        with pytest.raises(ModelError, match=f"mine: its front-end .*{reason}"):
            check_frontend(spec, "mine")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped int8 model with its front-end inside."""
    path = tmp_path_factory.mktemp("made") / "edge.audio-in.tflite"
    assert run("audio-in", INT8, "-o", path) == 0
    return path


def test_the_file_says_what_it_wants(made: Path) -> None:
    bundle = read_bundle(find_model(INT8))
    with zipfile.ZipFile(made) as archive:
        assert archive.read("labels.txt").decode().split() == list(bundle.info.labels)
        described = json.loads(archive.read("audio_in.json"))
    spec = bundle.info.frontend
    assert described["sample_rate"] == spec.sample_rate
    assert described["window_samples"] == spec.window_samples
    assert described["made_from"] == {"name": INT8, "sha256": bundle.sha256}
    assert described["agreement"]["top1"] == 1.0
    graph = read_graph(made.read_bytes(), made.name)
    assert [graph.tensors[i].name for i in (*graph.inputs, *graph.outputs)] == ["audio", "scores"]


@pytest.mark.parametrize("name", [INT8, FLOAT32])
def test_real_clips_get_the_labels_of_classify(name: str, gtzan: Path, cli, tmp_path: Path) -> None:
    with (gtzan / "tracks.csv").open() as file:
        valid = [row for row in csv.DictReader(file) if row["split"] == "valid"]
    clips = [gtzan / row["file"] for row in valid[::8]]
    path = tmp_path / "model.tflite"
    assert run("audio-in", name, "-o", path, "--check-with", *clips) == 0
    model = AudioInModel(path.read_bytes())
    spec = read_bundle(find_model(name)).info.frontend
    lines = cli("classify", *clips, "--model", name, "--format", "json").stdout.splitlines()
    windows = [w for w in map(json.loads, lines) if w["type"] == "window"]
    heard = {str(clip): read_mono(clip, spec.sample_rate) for clip in clips}
    assert len(windows) >= 60
    tolerance = 1e-4 if name == FLOAT32 else 0.05  # records have 4 decimals
    for window in windows:
        start = round(window["start"] * spec.sample_rate) // spec.hop_length * spec.hop_length
        samples = heard[window["file"]][start : start + spec.window_samples]
        scores = model.scores(samples)
        assert list(window["scores"])[int(scores.argmax())] == window["genre"]
        assert scores == pytest.approx(list(window["scores"].values()), abs=tolerance)


MEDIAPIPE = """
import json, sys
from genre_edge.audio.file_source import read_mono
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import audio
from mediapipe.tasks.python.components.containers import AudioData

model, clip, rate = sys.argv[1], sys.argv[2], int(sys.argv[3])
samples = read_mono(clip, rate)
options = audio.AudioClassifierOptions(base_options=tasks.BaseOptions(model_asset_path=model))
with audio.AudioClassifier.create_from_options(options) as classifier:
    found = classifier.classify(AudioData.create_from_array(samples, rate))
print(json.dumps([
    {c.category_name: c.score for c in result.classifications[0].categories} for result in found
]))
"""


def test_mediapipes_audio_classifier_names_the_same_genres(made: Path, demo_clip: Path) -> None:
    pytest.importorskip("mediapipe")
    model, info = AudioInModel(made.read_bytes()), read_bundle(find_model(INT8)).info
    rate, length = info.frontend.sample_rate, info.frontend.window_samples
    command = [sys.executable, "-c", MEDIAPIPE, made, demo_clip, str(rate)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    samples = read_mono(demo_clip, rate)
    windows = json.loads(done.stdout)
    assert len(windows) == 4
    for number, scores in enumerate(windows):
        expected = model.scores(samples[number * length : (number + 1) * length])
        assert [scores[label] for label in info.labels] == pytest.approx(expected, abs=0.05)


def test_classify_says_what_the_file_is_for(made: Path, cli, demo_clip: Path) -> None:
    done = cli("classify", demo_clip, "--model", made)
    assert done.returncode == 1
    assert "takes samples, for browsers, phones and MediaPipe: use the bundle" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_bundle_itself_is_not_overwritten(tmp_path: Path, capsys) -> None:
    bundle = tmp_path / "mine.tflite"
    bundle.write_bytes(Path(find_model(INT8)).read_bytes())
    assert run("audio-in", bundle, "-o", bundle) == 2
    assert "is the bundle itself" in capsys.readouterr().err
    read_bundle(bundle)


def test_without_a_recording_nothing_is_written(tmp_path: Path, capsys) -> None:
    path = tmp_path / "model.tflite"
    assert run("audio-in", INT8, "-o", path, "--check-with", tmp_path) == 1
    assert "no recordings to check the model with" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("comparison", "name"),
    [
        (Comparison(100, 0.98, 0.01), INT8),
        (Comparison(100, 1.0, 0.2), INT8),
        (Comparison(100, 1.0, 0.01), FLOAT32),
    ],
)
def test_an_export_that_disagrees_is_an_error(comparison: Comparison, name: str) -> None:
    with pytest.raises(ModelError, match="nothing was written"):
        check(comparison, read_bundle(find_model(name)))


def test_a_network_with_loops_is_refused() -> None:
    def loop(given):
        return tf.while_loop(
            lambda n, x: n < 3, lambda n, x: (n + 1, x * 1.5), (tf.constant(0), given)
        )[1]

    signature = [tf.TensorSpec([1, 4], tf.float32)]
    function = tf.function(loop, input_signature=signature).get_concrete_function()
    flatbuffer = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    with pytest.raises(ModelError, match="subgraphs"):
        joined([flatbuffer, flatbuffer], "in", "out", b"")


def test_a_conversion_may_write_them_too(tmp_path: Path, demo_clip: Path) -> None:
    spec = FrontendSpec()
    windows = np.stack(
        [w.features for w in LogMel(spec, 0.06).push(read_mono(demo_clip, spec.sample_rate))]
    )
    np.savez(tmp_path / "w.npz", calibration=windows[:110], held_out=windows[110:])
    keras.utils.set_random_seed(1)
    inputs = keras.Input((126, 128, 1))
    x = layers.Conv2D(6, 5, strides=4, activation="relu")(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=3))(x)
    keras.Model(inputs, x).save(tmp_path / "m.keras")  # logits
    done = run(
        *(tmp_path / "m.keras", "--labels", "ape,bear,cat", "--calibrate", tmp_path / "w.npz"),
        *("--audio-in", "-o", tmp_path / "n"),
    )
    assert done == 0
    names = {path.name for path in tmp_path.glob("n.*")}
    assert names == {
        *("n.float32.tflite", "n.int8.tflite", "n.md"),
        *("n.float32.audio-in.tflite", "n.int8.audio-in.tflite"),
    }
    model = AudioInModel((tmp_path / "n.float32.audio-in.tflite").read_bytes())
    samples = read_mono(demo_clip, spec.sample_rate)[: spec.window_samples]
    assert model.scores(samples).sum() == pytest.approx(1.0, abs=1e-5)
