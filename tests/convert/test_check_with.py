"""The front-end compared with the user's own code: equal, or where it strays."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import ModelError, UsageError
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.frontend import LogMel
from genre_edge_convert.read.named_frontends import named
from genre_edge_convert.read.networks import Network
from genre_edge_convert.verify.check_with import check_with, read_expected

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def heard(demo_clip) -> np.ndarray:
    """The first 3 s of the demo clip, as the user's code loads it."""
    return read_mono(demo_clip, 22_050)[:66_150].astype(np.float64)


def compared(tmp_path: Path, clip: Path, expected: np.ndarray, name: str = "librosa-mel-128"):
    spec = named(name)
    info = BundleInfo("m", ("a", "b"), spec)
    network = Network(
        Path("m"), "keras", (None, *spec.shape), 2, lambda x: x.mean() + np.array([[0.0, 1.0]])
    )
    np.save(tmp_path / "e.npy", expected)
    return check_with(clip, tmp_path / "e.npy", network, info, "frames-mels", "logits")


def mel(y: np.ndarray, **options: object) -> np.ndarray:
    power = librosa.feature.melspectrogram(y=y, sr=22_050, **options)
    return librosa.power_to_db(power, ref=np.max)


def test_equal_features_pass_in_either_order(tmp_path, demo_clip, heard) -> None:
    for expected in (mel(heard), mel(heard).T, mel(heard).T[None, ..., None]):
        found = compared(tmp_path, demo_clip, expected)
        assert found["compared"] == "features"
        assert found["largest_difference"] < 0.01


@pytest.mark.parametrize(
    ("strays", "says"),
    [
        (lambda y: mel(y, pad_mode="reflect"), 'padding = "reflect"'),
        (lambda y: mel(y, htk=True, norm=None), 'mel_filters = "htk-hz"'),
        (lambda y: mel(y, power=1.0), "power = 1"),
        (lambda y: librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=22_050)), "one"),
        (lambda y: (mel(y) - mel(y).mean()) / mel(y).std(), 'normalise = "window"'),
        (lambda y: mel(y)[::-1], "flip_bands = true"),
        (lambda y: 3 * mel(y) + 1, "scale: yours varies 3 times as much"),
        (lambda y: mel(y) + 12, "level: yours is"),
    ],
)
def test_features_that_stray_are_told_apart(tmp_path, demo_clip, heard, strays, says) -> None:
    with pytest.raises(ModelError, match=says):
        compared(tmp_path, demo_clip, strays(heard))


def test_scores_and_other_sizes(tmp_path, demo_clip) -> None:
    for same in ([0.269, 0.731], [7.0, 8.0]):  # as probabilities, as logits
        assert compared(tmp_path, demo_clip, np.array(same))["compared"] == "scores"
    with pytest.raises(ModelError, match=r"scores differ by up to 0\.231"):
        compared(tmp_path, demo_clip, np.array([3.0, 3.0]))
    with pytest.raises(UsageError, match=r"holds 13 x 130, the front-end makes 130 x 128"):
        compared(tmp_path, demo_clip, np.zeros((13, 130)))
    spec = named("librosa-mfcc-13")
    features = LogMel(spec).window(read_mono(demo_clip, 22_050)[:66_150])
    assert compared(tmp_path, demo_clip, features, "librosa-mfcc-13")["compared"] == "features"


class _Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("run"),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: pickle.dumps(_Harmful()), "no .npy file of numbers: write it with np.save"),
        (lambda: _npy(np.array([_Harmful()])), "no .npy file of numbers"),
        (lambda: _npy(np.array(["rock", "jazz"])), "no .npy file of numbers"),
        (lambda: _npy(np.zeros((130, 13), complex)), "no .npy file of numbers"),
        (lambda: _npy(np.zeros(0)), "no .npy file of numbers"),
        (lambda: _npy(np.zeros(9))[:-72].replace(b"(9,)", b"(9" + b"0" * 12 + b",)"), "no .npy"),
        (lambda: b"", "no .npy file of numbers"),
        (lambda: _npy(np.array([[1.0, np.nan]])), "holds NaN or infinity: look for their cause"),
    ],
)
def test_what_is_expected_is_numbers_and_nothing_else(
    tmp_path: Path, monkeypatch, content: Callable[[], bytes], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.npy").write_bytes(content())
    with pytest.raises(UsageError, match=f"expect .*e.npy: {says}"):
        read_expected(tmp_path / "e.npy")
    assert not (tmp_path / "run").exists(), "nothing in the file is run"


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_features_without_features_are_said_to_be_that(tmp_path, demo_clip) -> None:
    with pytest.raises(ModelError, match="yours is -80 everywhere: it holds no features"):
        compared(tmp_path, demo_clip, np.full((130, 128), -80.0))
