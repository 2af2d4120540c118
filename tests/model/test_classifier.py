"""The interpreter seam."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import BundleError, RuntimeMissing, UsageError
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.classifier import RUNTIMES, Classifier, dequantise, quantise
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INSTALLED = [
    name for name, (module, _) in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0])
]


@given(
    values=hnp.arrays(np.float32, 20, elements=st.floats(-1e4, 1e4, width=32)),
    scale=st.floats(1e-3, 10),
    zero_point=st.integers(-128, 127),
)
def test_quantisation_rounds_to_the_nearest_step_and_clips(values, scale, zero_point) -> None:
    q = quantise(values, scale, zero_point, np.int8)
    back = dequantise(q, scale, zero_point)
    low, high = (-128 - zero_point) * scale, (127 - zero_point) * scale
    np.testing.assert_allclose(back, np.clip(values, low, high), atol=scale * 0.5001 + 1e-2)


def test_quantisation_is_not_a_bare_cast() -> None:
    values = np.array([0.6, -0.6, 300.0, -300.0], dtype=np.float32)
    np.testing.assert_array_equal(quantise(values, 1.0, 0, np.int8), [1, -1, 127, -128])
    np.testing.assert_array_equal(quantise(values, 1.0, 10, np.uint8), [11, 9, 255, 0])


@pytest.fixture(scope="module")
def window(demo_clip) -> np.ndarray:
    spec = read_bundle(find_model("gtzan-two-block.int8")).info.frontend
    return next(iter(LogMel(spec).push(read_mono(demo_clip, spec.sample_rate)))).features


@pytest.mark.parametrize("model", ["gtzan-two-block.int8", "gtzan-two-block.float32"])
@pytest.mark.parametrize("runtime", INSTALLED)
@pytest.mark.filterwarnings("ignore")  # TensorFlow warns that its interpreter moves to LiteRT
def test_every_runtime_gives_the_same_scores(window, model: str, runtime: str) -> None:
    bundle = read_bundle(find_model(model))
    scores = Classifier(bundle, runtime, threads=2).scores(window)
    assert scores.dtype == np.float32
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(scores, Classifier(bundle).scores(window), atol=1.5 / 256)


@pytest.mark.parametrize("runtime", sorted(set(RUNTIMES) - set(INSTALLED)))
def test_an_absent_runtime_is_named_with_its_install_line(runtime: str) -> None:
    with pytest.raises(RuntimeMissing, match="pip install"):
        Classifier(read_bundle(find_model("gtzan-two-block.int8")), runtime)


def test_wrong_requests_are_usage_errors() -> None:
    bundle = read_bundle(find_model("gtzan-two-block.int8"))
    with pytest.raises(UsageError, match="threads"):
        Classifier(bundle, threads=0)
    with pytest.raises(UsageError, match="litert"):
        Classifier(bundle, "onnx")


def tiny_flatbuffer(dtype: str) -> bytes:
    """Mean over the window per band, then softmax: 8 bands to 4 labels."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 8, 1))
    x = keras.layers.Conv2D(4, (12, 8))(inputs)
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Flatten()(x)))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if dtype != "float32":
        rng = np.random.default_rng(0)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [rng.standard_normal((1, 12, 8, 1)).astype(np.float32)] for _ in range(50)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, dtype)
    return converter.convert()


SMALL = FrontendSpec(
    sample_rate=8000, window_seconds=0.12, n_fft=256, hop_length=64, n_mels=8, f_max=4000.0
)


@pytest.mark.filterwarnings("ignore")
def test_float32_int8_and_uint8_models_agree(tmp_path) -> None:
    assert SMALL.shape == (12, 8)
    features = np.random.default_rng(1).standard_normal((12, 8)).astype(np.float32)
    scores = {}
    for dtype in ("float32", "int8", "uint8"):
        path = tmp_path / f"{dtype}.tflite"
        write_bundle(path, tiny_flatbuffer(dtype), BundleInfo(dtype, ("a", "b", "c", "d"), SMALL))
        classifier = Classifier(read_bundle(path))
        assert classifier.quantisation["input"]["dtype"] == dtype
        scores[dtype] = classifier.scores(features)
    np.testing.assert_allclose(scores["int8"], scores["float32"], atol=0.05)
    np.testing.assert_allclose(scores["uint8"], scores["int8"], atol=1.5 / 256)


@pytest.mark.filterwarnings("ignore")
def test_a_bundle_that_contradicts_itself_is_refused(tmp_path) -> None:
    flatbuffer = tiny_flatbuffer("float32")
    for name, info, reason in (
        ("labels", BundleInfo("x", ("a",), SMALL), "4 outputs and 1 labels"),
        ("shape", BundleInfo("x", ("a", "b", "c", "d"), FrontendSpec()), r"\(126, 128\)"),
    ):
        write_bundle(tmp_path / name, flatbuffer, info)
        with pytest.raises(BundleError, match=reason):
            Classifier(read_bundle(tmp_path / name))
    write_bundle(
        tmp_path / "junk", b"\x1c\x00\x00\x00TFL3" + bytes(64), BundleInfo("x", ("a",), SMALL)
    )
    with pytest.raises(BundleError, match="cannot load it"):
        Classifier(read_bundle(tmp_path / "junk"))
