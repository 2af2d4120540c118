"""Each front-end that has a name computes what the program it is named after computes,
and the same however the stream is cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.fft
from genre_edge.errors import UsageError
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert.read.frontends import load_frontend
from genre_edge_convert.read.named_frontends import NAMED, candidates, named, near

from tests.conftest import noise
from tests.helpers.torchaudio_golden import EVERY, GOLDEN, signal

Array = np.ndarray


def music(spec: FrontendSpec, seconds: float | None = None) -> Array:
    """A chord that fades, over noise, at the spec's rate; a window long by default."""
    rate, n = spec.sample_rate, spec.window_samples
    n = n if seconds is None else round(seconds * rate)
    t = np.arange(n) / rate
    chord = sum(np.sin(2 * np.pi * f * t) for f in (110, 440, 1318, 3520)) * np.exp(-t)
    return (0.1 * chord + 0.05 * noise(1 + n / rate, rate)[:n]).astype(np.float32)


def mel(y: Array, **options: object) -> Array:
    return librosa.feature.melspectrogram(y=y, **{"sr": 22050, **options})


def mfcc(n: int) -> Callable[[Array], Array]:
    return lambda y: librosa.feature.mfcc(y=y, sr=22050, n_mfcc=n).T


def picture(y: Array) -> Array:
    db = librosa.power_to_db(mel(y), ref=np.max).T
    grey = 255 * (db - db.min()) / (db.max() - db.min())
    return np.stack([grey] * 3, axis=-1)


def piczak(y: Array) -> Array:
    db = librosa.power_to_db(mel(y, n_fft=1024, hop_length=512, n_mels=60))
    return np.stack([db.T, librosa.feature.delta(db).T], axis=-1)


def choi(y: Array) -> Array:
    power = mel(y, sr=12_000, n_fft=512, hop_length=256, n_mels=96)
    return librosa.power_to_db(power**2, ref=1.0).T


def panns(y: Array) -> Array:
    stft = np.abs(librosa.stft(y, n_fft=1024, hop_length=320, pad_mode="reflect")) ** 2
    bank = librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000)
    return 10 * np.log10(np.maximum(bank @ stft, 1e-10)).T


def musicnn(y: Array) -> Array:
    power = mel(y, sr=16_000, n_fft=512, hop_length=256, n_mels=96)
    return np.log10(10_000 * power + 1).T[:187]


def tensorflows(offset: float) -> Callable[[Array], Array]:
    def log_mel(y: Array) -> Array:
        tf = pytest.importorskip("tensorflow")
        stft = tf.abs(tf.signal.stft(y, 400, 160, 512))
        bank = tf.signal.linear_to_mel_weight_matrix(
            64, 257, 16_000, 125.0, 7500.0, dtype=tf.float64
        )
        return tf.math.log(tf.matmul(stft, bank) + offset).numpy()

    return log_mel


def words(y: Array) -> Array:
    tf = pytest.importorskip("tensorflow")
    return tf.abs(tf.signal.stft(y, frame_length=255, frame_step=128)).numpy()


def speech_features(y: Array) -> Array:
    features = pytest.importorskip("python_speech_features")
    return features.mfcc(y, 16_000)


def genre_edge(y: Array) -> Array:
    db = librosa.power_to_db(mel(y, center=False), top_db=80).T
    return (db - db.mean()) / db.std()


REFERENCES: dict[str, Callable[[Array], Array]] = {
    "genre-edge": genre_edge,
    "librosa-mfcc-13": mfcc(13),
    "librosa-mfcc-20": mfcc(20),
    "librosa-mfcc-40": mfcc(40),
    "librosa-mel-128": lambda y: librosa.power_to_db(mel(y), ref=np.max).T,
    "librosa-mel-128-ref1": lambda y: librosa.power_to_db(mel(y)).T,
    "librosa-mel-128-picture": picture,
    "librosa-stft": lambda y: librosa.amplitude_to_db(np.abs(librosa.stft(y)), ref=np.max).T,
    "yamnet": tensorflows(0.001),
    "yamnet-waveform": lambda y: y,
    "vggish": tensorflows(0.01),
    "musicnn": musicnn,
    "urbansound-mel-60": piczak,
    "choi-mel-96": choi,
    "panns": panns,
    "psf-mfcc-13": speech_features,
    "tf-stft": words,
    "librosa-mfcc-17": mfcc(17),
    "librosa-mel-64": lambda y: librosa.power_to_db(mel(y, n_mels=64), ref=np.max).T,
}
BY_GOLDEN_FILE = {"torchaudio-mel-128", "torchaudio-mfcc-40"}


def test_every_named_front_end_has_a_reference() -> None:
    assert set(NAMED) <= set(REFERENCES) | BY_GOLDEN_FILE


@pytest.mark.filterwarnings("ignore")  # TensorFlow's, librosa's and python_speech_features' own
@pytest.mark.parametrize("kind", ["music", "noise", "quiet", "silence"])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_named_front_end_equals_its_reference(name: str, kind: str) -> None:
    spec = named(name)
    samples = music(spec)
    if kind == "silence":
        samples[:] = 0
    elif kind != "music":
        samples = noise(spec.window_seconds + 1, spec.sample_rate)[: spec.window_samples]
        samples = samples * np.float32(1e-3 if kind == "quiet" else 1)
    with np.errstate(all="ignore"):
        expected = REFERENCES[name](samples.astype(np.float64))
    heard = LogMel(spec).window(samples)
    assert heard.shape == spec.shape == expected.shape
    if kind == "silence" and spec.normalise in ("minmax", "window"):
        assert not heard.any(), "nothing is divided by a range of nothing"
        return
    # Single bins far below the loudest show the rounding of a transform in float32.
    reach = 5 if spec.kind == "linear" else max(1.0, float(np.abs(expected).max()) / 100)
    np.testing.assert_allclose(heard, expected, atol=2e-3 * reach)


@pytest.mark.parametrize("name", [*sorted(BY_GOLDEN_FILE), "deltas of torchaudio-mfcc-40"])
def test_torchaudios_front_ends_equal_its_golden_numbers(name: str) -> None:
    spec = named(name.removeprefix("deltas of "))
    if name.startswith("deltas"):
        spec = replace(spec, deltas=1, delta_width=5, delta_method="regression")
    expected = np.array(json.loads(GOLDEN.read_text())[name])
    heard = LogMel(spec).window(signal())[::EVERY]
    np.testing.assert_allclose(heard, expected, atol=5e-3)


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({"taper": "hamming"}, {"window": "hamming"}),
        ({"taper_place": "centre", "frame_length": 1000}, {"win_length": 1000}),
        ({"padding": "reflect"}, {"pad_mode": "reflect"}),
        ({"power": 1}, {"power": 1.0}),
        ({"mel_filters": "htk-hz"}, {"htk": True, "norm": None}),
        ({"mel_filters": "htk-hz", "mel_norm": "area"}, {"htk": True}),
        ({"mel_norm": "height"}, {"norm": None}),
        ({"f_min": 80.0, "f_max": 7600.0}, {"fmin": 80, "fmax": 7600}),
        ({"n_fft": 1024, "hop_length": 256}, {"n_fft": 1024, "hop_length": 256}),
        ({"n_fft": 1000, "hop_length": 333}, {"n_fft": 1000, "hop_length": 333}),
    ],
)
def test_a_changed_field_is_librosas_option(changes: dict, reference: dict) -> None:
    spec = replace(named("librosa-mel-128"), **changes)
    samples = music(spec)
    expected = librosa.power_to_db(mel(samples.astype(np.float64), **reference), ref=np.max).T
    np.testing.assert_allclose(LogMel(spec).window(samples), expected, atol=2e-3)


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({"dct_type": 3}, {"dct_type": 3}),
        ({"dct_norm": "none"}, {"norm": None}),
        ({"lifter": 22}, {"lifter": 22}),
        ({"n_mels": 40}, {"n_mels": 40}),
    ],
)
def test_a_changed_cepstrum_is_librosas_option(changes: dict, reference: dict) -> None:
    spec = replace(named("librosa-mfcc-13"), **changes)
    samples = music(spec)
    y = samples.astype(np.float64)
    expected = librosa.feature.mfcc(y=y, sr=22050, n_mfcc=13, **reference).T
    reach = float(np.abs(expected).max()) / 100
    np.testing.assert_allclose(LogMel(spec).window(samples), expected, atol=2e-3 * reach)


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_are_librosas_and_follow_the_coefficients(order: int) -> None:
    spec = replace(named("librosa-mfcc-13"), deltas=order)
    y = music(spec)
    base = librosa.feature.mfcc(y=y.astype(np.float64), sr=22050, n_mfcc=13)
    parts = [base] + [librosa.feature.delta(base, order=n) for n in range(1, order + 1)]
    np.testing.assert_allclose(LogMel(spec).window(y), np.concatenate(parts).T, atol=5e-3)


def test_second_deltas_are_those_of_the_first_where_they_are_regressions() -> None:
    features = pytest.importorskip("python_speech_features")
    changes = {"deltas": 2, "delta_width": 5, "delta_method": "regression"}
    spec = replace(named("psf-mfcc-13"), **changes)
    y = music(spec)
    once = features.delta(speech_features(y.astype(np.float64)), 2)
    heard = LogMel(spec).window(y)
    np.testing.assert_allclose(heard[:, 13:26], once, atol=2e-3)
    np.testing.assert_allclose(heard[:, 26:], features.delta(once, 2), atol=2e-3)


# --- what is done with a window besides


def base(**changes: object) -> tuple[Array, Array]:
    """Features with these changes, and without."""
    spec = named("librosa-mel-64")
    samples = music(spec)
    return LogMel(replace(spec, **changes)).window(samples), LogMel(spec).window(samples)


def test_normalisations() -> None:
    bands, plain = base(normalise="window-bands")
    np.testing.assert_allclose(bands, (plain - plain.mean(0)) / plain.std(0), atol=1e-4)
    low, plain = base(normalise="minmax")
    assert (low.min(), low.max()) == (0.0, 1.0)
    mean, deviation = plain.mean(0), plain.std(0) + 1
    stored, plain = base(normalise="stored", band_mean=tuple(mean), band_deviation=tuple(deviation))
    np.testing.assert_allclose(stored, (plain - mean) / deviation, atol=1e-4)
    one, plain = base(normalise="stored", band_mean=(-80.0,), band_deviation=(80.0,))
    np.testing.assert_allclose(one, (plain + 80) / 80, atol=1e-5)


def test_frames_are_cut_or_filled_with_zeros_bands_turned_channels_repeated() -> None:
    cut, plain = base(fixed_frames=100)
    np.testing.assert_array_equal(cut, plain[:100])
    filled, plain = base(fixed_frames=140)
    np.testing.assert_array_equal(filled, np.pad(plain, ((0, 10), (0, 0))))
    turned, plain = base(flip_bands=True)
    np.testing.assert_array_equal(turned, plain[:, ::-1])
    coloured, plain = base(channels=3)
    np.testing.assert_array_equal(coloured, np.stack([plain] * 3, -1))


def test_a_level_is_that_of_the_samples() -> None:
    spec = replace(named("librosa-mel-128-ref1"), top_db=1000.0)
    samples = music(spec)
    for level_of, level in (("peak", np.abs(samples).max()), ("rms", np.sqrt((samples**2).mean()))):
        changed = replace(spec, window_level=0.5, level_of=level_of)
        expected = LogMel(spec).window(samples * np.float32(0.5 / level))
        np.testing.assert_allclose(LogMel(changed).window(samples), expected, atol=1e-3)
    wave = replace(named("yamnet-waveform"), window_level=1.0, level_of="peak")
    assert np.abs(LogMel(wave).window(0.01 * music(wave))).max() == pytest.approx(1)


def test_linear_bins_and_logarithms() -> None:
    spec = replace(named("tf-stft"), bins=40, power=2, scale="ln", log_floor=1e-6)
    samples = music(spec)
    window = np.hanning(255)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 255)[::128]
    power = np.abs(scipy.fft.rfft(frames * window, 256, axis=1)) ** 2
    expected = np.log(np.maximum(power[:, :40], 1e-6))
    np.testing.assert_allclose(LogMel(spec).window(samples), expected, atol=2e-3)


# --- streams


@pytest.mark.parametrize("hop", [0.5, 0.37, 1.3])
@pytest.mark.parametrize("name", sorted(set(NAMED) - {"choi-mel-96", "panns"}))
def test_streamed_equals_batch(name: str, hop: float) -> None:
    spec = named(name)
    samples = music(spec, 5.0) * np.linspace(1, 0.2, 5 * spec.sample_rate, dtype=np.float32)
    rng = np.random.default_rng(3)
    cuts = np.sort(rng.integers(0, len(samples), 40))
    whole = list(LogMel(spec, hop).push(samples))
    logmel = LogMel(spec, hop)
    cut = [w for part in np.split(samples, cuts) for w in logmel.push(part)]
    assert [w.start for w in cut] == [w.start for w in whole]
    for window, other in zip(cut, whole, strict=True):
        np.testing.assert_array_equal(window.features, other.features)
        if spec.frame_start == "window":
            alone = LogMel(spec).window(window.samples)
            reach = max(1.0, float(np.abs(alone).max()) / 100)
            np.testing.assert_allclose(window.features, alone, atol=1e-3 * reach)


def test_frames_are_shared_where_windows_are_whole_hops_apart(monkeypatch) -> None:
    from genre_edge.model.mel import MelSpectrogram

    computed, compute = [], MelSpectrogram.__call__

    def counted(self: MelSpectrogram, samples: Array) -> Array:
        rows = compute(self, samples)
        computed.append(len(rows))
        return rows

    monkeypatch.setattr(MelSpectrogram, "__call__", counted)
    spec = named("musicnn")
    samples = music(spec, 8.0)
    for hop, apart in ((0.512, 32), (0.5, None)):
        computed.clear()
        windows = len(list(LogMel(spec, hop).push(samples)))
        edges = 2  # of 188 centred frames one lies over each end
        inner = spec.whole_frames - edges
        new = inner + (windows - 1) * (apart or inner)
        assert sum(computed) == new + windows * edges


# --- names


@pytest.mark.parametrize(
    ("sizes", "some", "others"),
    [
        ((130, 13), {"librosa-mfcc-13"}, {"genre-edge"}),
        ((128, 130), {"librosa-mel-128", "librosa-mel-128-ref1"}, {"librosa-mel-128-picture"}),
        ((96, 64), {"yamnet", "vggish"}, set()),
        ((15_600,), {"yamnet-waveform"}, set()),
        ((7, 9), set(), set(NAMED)),
    ],
)
def test_candidates_are_those_of_the_shape(sizes: tuple, some: set, others: set) -> None:
    found = set(candidates(sizes))
    assert some <= found
    assert not others & found


@pytest.mark.parametrize(
    ("sizes", "first"),
    [
        ((126, 13), 'base = "librosa-mfcc-13", padding = "none"'),
        ((44, 13), 'base = "librosa-mfcc-13", window_seconds = 1.0'),
        ((128, 1292), 'base = "librosa-mel-128", window_seconds = 30.0'),
        ((128, 128), 'base = "librosa-mel-128", fixed_frames = 128'),
    ],
)
def test_where_no_name_fits_the_nearest_files_are_offered(
    sizes: tuple, first: str, tmp_path: Path
) -> None:
    assert near(sizes)[0] == first
    for line in near(sizes):
        (tmp_path / "f.toml").write_text(line.replace(", ", "\n"))
        made = load_frontend(str(tmp_path / "f.toml")).shape
        assert sorted(made) == sorted(sizes)


def test_far_sizes_have_no_nearest_file() -> None:
    assert near((57,)) == ()


def test_a_name_that_is_unknown_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"neither a file nor a known name; known: genre-edge, "):
        named("kaldi")
    with pytest.raises(UsageError, match=r"did you mean librosa-mfcc-13\? Known: "):
        named("Librosa_MFC_13")
    with pytest.raises(UsageError, match="n_mels"):
        named("librosa-mel-0")


# --- files


def test_a_file_says_what_differs_from_a_named_one(tmp_path) -> None:
    path = tmp_path / "f.toml"
    path.write_text('base = "librosa-mel-128"\nsample_rate = 44100\nn_mels = 64\n')
    spec = load_frontend(str(path))
    assert spec == replace(named("librosa-mel-128"), sample_rate=44_100, n_mels=64, f_max=22_050.0)
    path.write_text('base = "librosa-mel"\n')
    with pytest.raises(UsageError, match=r"did you mean librosa-mel-128\? Known: genre-edge"):
        load_frontend(str(path))


@pytest.mark.parametrize("bands", [13, 40])
def test_few_bands_are_asked_about_because_they_may_be_mfccs(tmp_path, bands: int) -> None:
    path = tmp_path / "f.toml"
    path.write_text(f"n_mels = {bands}\n")
    with pytest.raises(UsageError, match=f'or base = "librosa-mfcc-{bands}"'):
        load_frontend(str(path))
    path.write_text(f'kind = "mel"\nn_mels = {bands}\n')
    assert load_frontend(str(path)) == FrontendSpec(n_mels=bands)


# --- bounds


@pytest.mark.parametrize(
    "values",
    [
        {"n_fft": 1 << 30, "window_seconds": 60.0},
        {"n_mels": 10**9},
        {"sample_rate": 10**9},
        {"window_seconds": float("inf")},
        {"window_seconds": float("nan")},
        {"window_seconds": 10**400},
        {"hop_length": 1, "n_fft": 32_768},
        {"n_mels": 1024, "n_fft": 32_768},
        {"fixed_frames": 8192, "kind": "linear", "n_fft": 32_768},
        {"deltas": 2, "hop_length": 4},
        {"kind": "mfcc"},
        {"kind": "mfcc", "n_mfcc": 129},
        {"n_mfcc": 13},
        {"kind": "waveform", "fixed_frames": 3},
        {"padding": "zeros"},
        {"normalise": "stored"},
        {"normalise": "stored", "band_mean": [0.0], "band_deviation": [0.0]},
        {"normalise": "stored", "band_mean": [0.0] * 5, "band_deviation": [1.0]},
        {"normalise": "stored", "band_mean": ["x"], "band_deviation": [1.0]},
        {"flip_bands": 1},
        {"channels": 2},
        {"delta_width": 4},
        {"taper": "kaiser"},
    ],
)
def test_what_asks_for_too_much_or_for_nonsense_is_refused(values: dict) -> None:
    with pytest.raises(UsageError, match="front-end: "):
        FrontendSpec.from_dict(values)


def test_each_named_front_end_survives_json_and_knows_its_schema() -> None:
    for name, entry in NAMED.items():
        values = json.loads(json.dumps(entry.spec.to_dict()))
        assert FrontendSpec.from_dict(values) == entry.spec
        assert entry.spec.version == (1 if name == "genre-edge" else 3)
