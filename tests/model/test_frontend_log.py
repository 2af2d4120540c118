"""Front-ends that take a plain logarithm, at one level: YAMNet's and musicnn's."""

from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pytest
from genre_edge.errors import UsageError
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert.read.named_frontends import named
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise
from tests.model.test_frontend import assert_same, windows_of

OURS = {"window_seconds": 3.0, "frame_start": "stream"}
"""Windows as the shipped models have them, so that they share frames."""
YAMNET = replace(named("yamnet"), **OURS)
LEVELLED = replace(YAMNET, window_level=0.1)
MUSICNN = replace(named("musicnn"), **OURS, padding="none", fixed_frames=0)
RATE = 16_000


def music(seconds: float) -> np.ndarray:
    """A chord that fades, over noise: float32 at 16 kHz."""
    t = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (110, 440, 1318, 3520)) * np.exp(-t)
    return (0.1 * chord + 0.1 * noise(seconds, RATE)).astype(np.float32)


@pytest.mark.filterwarnings("ignore")  # TensorFlow's own
@pytest.mark.parametrize("samples", [music(3.0), noise(3.0, RATE), np.zeros(48_000, np.float32)])
def test_yamnets_front_end_equals_tensorflows(samples: np.ndarray) -> None:
    tf = pytest.importorskip("tensorflow")
    stft = tf.signal.stft(samples, frame_length=400, frame_step=160, fft_length=512)
    bank = tf.signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0)
    expected = tf.math.log(tf.matmul(tf.abs(stft), bank) + 0.001).numpy()
    heard = LogMel(YAMNET).window(samples)
    assert heard.shape == expected.shape == (298, 64)
    np.testing.assert_allclose(heard, expected, atol=2e-4)


def test_musicnns_front_end_equals_librosas() -> None:
    samples = music(3.0)
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float64), sr=RATE, n_fft=512, hop_length=256, n_mels=96, center=False
    )
    np.testing.assert_allclose(
        LogMel(MUSICNN).window(samples), np.log10(10_000 * power + 1).T, atol=1e-4
    )


@pytest.mark.parametrize("attenuation_db", [20, 40, 60])
def test_a_levelled_window_is_the_same_at_any_level(attenuation_db: int) -> None:
    loud = music(3.0)
    quiet = loud * np.float32(10 ** (-attenuation_db / 20))
    np.testing.assert_allclose(
        LogMel(LEVELLED).window(quiet), LogMel(LEVELLED).window(loud), atol=2e-3
    )
    assert np.abs(LogMel(YAMNET).window(quiet) - LogMel(YAMNET).window(loud)).max() > 0.5


def test_a_levelled_window_is_the_window_of_samples_at_that_level() -> None:
    samples = music(3.0)
    rms = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
    scaled = (samples * (0.1 / rms)).astype(np.float32)
    np.testing.assert_allclose(
        LogMel(LEVELLED).window(samples), LogMel(YAMNET).window(scaled), atol=1e-3
    )


@pytest.mark.parametrize("spec", [YAMNET, LEVELLED])
def test_digital_silence_is_the_offset(spec: FrontendSpec) -> None:
    silence = LogMel(spec).window(np.zeros(48_000, np.float32))
    np.testing.assert_allclose(silence, np.log(0.001), rtol=1e-6)


@given(
    chunks=st.lists(st.integers(0, 9000), max_size=30),
    hop=st.sampled_from([0.1, 0.25, 0.5, 1.0, 3.0]),
)
@settings(max_examples=25, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_windows(chunks: list[int], hop: float) -> None:
    samples = music(5.0) * np.linspace(1, 0.01, 80_000, dtype=np.float32)
    assert_same(windows_of(samples, chunks, hop, LEVELLED), windows_of(samples, [], hop, LEVELLED))


def test_each_of_overlapping_windows_has_its_own_level() -> None:
    # 0.25 s are 25 whole frames at 16 kHz, so that the stream's grid meets each start.
    samples = music(6.0) * np.linspace(1, 0.01, 96_000, dtype=np.float32)
    for window in windows_of(samples, [], 0.25, LEVELLED):
        start = round(window.start * RATE)
        alone = LogMel(LEVELLED).window(samples[start : start + 48_000])
        np.testing.assert_allclose(window.features, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"frame_length": 4096}, "frame_length"),
        ({"power": 3}, "power"),
        ({"mel_filters": "bark"}, "mel_filters"),
        ({"scale": "phon"}, "scale"),
        ({"scale": "ln"}, "log_offset"),
        ({"scale": "ln", "log_offset": 1.0, "log_factor": 0.0}, "log_factor"),
        ({"scale": "ln", "log_offset": 1.0, "window_level": 2.0}, "window_level"),
        (
            {"frame_length": 200, "window_seconds": 0.1, "sample_rate": 1000, "f_max": 500.0},
            "frame of 200 samples",
        ),
    ],
)
def test_an_impossible_spec_is_refused_by_name(change: dict, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        FrontendSpec(**change)


def test_only_specs_that_use_a_newer_field_are_of_version_2() -> None:
    assert FrontendSpec().version == 1
    assert "power" not in FrontendSpec(n_mels=40).to_dict()
    assert YAMNET.version == MUSICNN.version == 2
    assert FrontendSpec.from_dict(LEVELLED.to_dict()) == LEVELLED
