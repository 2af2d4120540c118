"""The front-end: right against librosa, and the same however the stream is cut."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import UsageError
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.mel import MelSpectrogram, mel_filterbank
from genre_edge.model.window_features import WindowFeatures
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise

SPEC = FrontendSpec()
SMALL = FrontendSpec(
    sample_rate=8000, window_seconds=0.5, n_fft=256, hop_length=64, n_mels=20, f_max=4000.0
)
SECONDS = np.arange(SPEC.window_samples) / SPEC.sample_rate


def librosa_db(samples: np.ndarray, spec: FrontendSpec) -> np.ndarray:
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        center=False,
        n_mels=spec.n_mels,
        fmin=spec.f_min,
        fmax=spec.f_max,
    )
    return librosa.power_to_db(power, ref=1.0, top_db=None).T


def assert_like_librosa(samples: np.ndarray, spec: FrontendSpec) -> None:
    samples = samples.astype(np.float32)
    expected = librosa_db(samples, spec)
    heard = MelSpectrogram(spec)(samples)
    above_floor = expected > expected.max() - spec.top_db
    assert heard.shape == expected.shape
    assert np.abs(heard - expected)[above_floor].max() < 1e-3


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(noise(3.0), id="noise"),
        pytest.param(np.sin(2 * np.pi * 440 * SECONDS), id="sine"),
        pytest.param(np.sin(2 * np.pi * 10_000 * SECONDS), id="high sine"),
        pytest.param(np.zeros(SPEC.window_samples), id="silence"),
        pytest.param(np.sign(np.sin(2 * np.pi * 100 * SECONDS) + 1e-9), id="full-scale square"),
        pytest.param(1e-4 * noise(3.0), id="very quiet noise"),
    ],
)
def test_db_equal_librosa(samples: np.ndarray) -> None:
    assert_like_librosa(samples, SPEC)


def test_db_equal_librosa_on_real_music(gtzan) -> None:
    for name in ("classical/classical.00012.ogg", "metal/metal.00001.ogg", "jazz/jazz.00012.ogg"):
        files = sorted((gtzan / "audio" / name.split("/")[0]).iterdir())
        samples = read_mono(files[len(files) // 2], SPEC.sample_rate)
        assert_like_librosa(np.resize(samples, SPEC.window_samples), SPEC)


def test_other_specs_equal_librosa_too() -> None:
    for spec in (
        SMALL,
        FrontendSpec(n_mels=40, f_min=80, f_max=7600),
        FrontendSpec(n_fft=1024, hop_length=256),
    ):
        assert_like_librosa(noise(spec.window_seconds, spec.sample_rate), spec)


def test_filterbank_equals_librosa() -> None:
    expected = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128).T
    np.testing.assert_allclose(mel_filterbank(SPEC), expected, atol=1e-8)


def test_shape_is_that_of_an_uncentred_stft() -> None:
    assert SPEC.shape == (126, 128)


def test_a_window_is_normalised_and_level_does_not_matter() -> None:
    logmel = LogMel(SPEC)
    loud = logmel.window(noise(3.0))
    assert loud.mean() == pytest.approx(0, abs=1e-4)
    assert loud.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(logmel.window(noise(3.0) / 64), loud, atol=1e-3)


def test_silence_is_not_blown_up() -> None:
    assert not LogMel(SPEC).window(np.zeros(SPEC.window_samples, np.float32)).any()


def test_normalise_floors_80_db_below_the_maximum() -> None:
    spec = FrontendSpec(normalise="none")
    db = np.array([[0.0, -79.0, -81.0, -200.0]], dtype=np.float32)
    floored = WindowFeatures(spec)(db, np.zeros(1, np.float32))
    np.testing.assert_array_equal(floored, [[0, -79, -80, -80]])
    assert db[0, 3] == -200, "the input is left alone"


def windows_of(samples: np.ndarray, chunks: list[int], hop: float, spec: FrontendSpec) -> list:
    logmel, found, at = LogMel(spec, hop), [], 0
    for chunk in chunks:
        found += logmel.push(samples[at : at + chunk])
        at += chunk
    found += logmel.push(samples[at:])
    return found


def assert_same(some: list, others: list) -> None:
    assert len(some) == len(others)
    for a, b in zip(some, others, strict=True):
        assert (a.start, a.end) == (b.start, b.end)
        np.testing.assert_array_equal(a.features, b.features)
        np.testing.assert_array_equal(a.samples, b.samples)


@given(
    chunks=st.lists(
        st.one_of(st.sampled_from([0, 1, 63, 64, 65, 255, 256, 257]), st.integers(0, 9000)),
        max_size=60,
    ),
    hop=st.sampled_from([0.05, 0.1, 0.25, 0.33, 0.5, 0.8, 1.7]),
    length=st.integers(0, 16_000),
)
@settings(max_examples=150, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_windows(
    chunks: list[int], hop: float, length: int
) -> None:
    samples = noise(2.0, 8000)[:length]
    assert_same(windows_of(samples, chunks, hop, SMALL), windows_of(samples, [], hop, SMALL))


@pytest.mark.parametrize("chunk", [1, 511, 512, 513])
@pytest.mark.parametrize("hop", [3.0, 1.0, 0.25])
def test_named_chunk_sizes_give_the_windows_of_the_whole(chunk: int, hop: float) -> None:
    samples = noise(7.0)
    chunks = [chunk] * (len(samples) // chunk)
    assert_same(windows_of(samples, chunks, hop, SPEC), windows_of(samples, [], hop, SPEC))


def test_windows_stand_at_multiples_of_the_hop() -> None:
    windows = windows_of(noise(10.0), [], 1.0, SPEC)
    assert [(w.start, w.end) for w in windows] == [(float(k), k + 3.0) for k in range(8)]
    np.testing.assert_array_equal(windows[2].samples, noise(10.0)[2 * 22050 : 5 * 22050])


def test_a_streamed_window_is_the_window_of_its_samples_to_within_a_frame() -> None:
    # Frame 0 of a window starts up to one frame hop before it, on the stream's grid.
    samples = noise(8.0)
    for window in windows_of(samples, [], 1.0, SPEC):
        start = int(window.start * 22050) // 512 * 512
        alone = LogMel(SPEC).window(samples[start : start + SPEC.window_samples])
        np.testing.assert_allclose(window.features, alone, atol=1e-5)


def test_each_frame_is_computed_once(monkeypatch) -> None:
    frames = 0
    compute = MelSpectrogram.__call__

    def counted(self, samples):
        nonlocal frames
        db = compute(self, samples)
        frames += len(db)
        return db

    monkeypatch.setattr(MelSpectrogram, "__call__", counted)
    windows = windows_of(noise(20.0), [700] * 600, 0.25, SPEC)
    last_frame = int(windows[-1].start * 22050) // 512 + 126
    assert frames == last_frame


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_mels": 0}, "n_mels"),
        ({"f_max": 12000.0}, "f_max"),
        ({"normalise": "maybe"}, "normalise"),
        ({"window_seconds": 0.01}, "window_seconds"),
    ],
)
def test_an_impossible_spec_is_refused_by_name(change: dict, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        FrontendSpec(**change)


def test_spec_survives_json_and_refuses_what_it_does_not_know() -> None:
    assert FrontendSpec.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(UsageError, match="colour"):
        FrontendSpec.from_dict({"colour": 1})
    with pytest.raises(UsageError, match="n_mels must be int"):
        FrontendSpec.from_dict({"n_mels": "many"})
