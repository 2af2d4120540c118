"""The front-end compared with the user's own code: equal, or where it strays."""

from __future__ import annotations

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
from genre_edge_convert.verify.check_with import check_with

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
    (tmp_path / "e.npy").write_text("no array")
    spec = named("librosa-mfcc-13")
    features = LogMel(spec).window(read_mono(demo_clip, 22_050)[:66_150])
    assert compared(tmp_path, demo_clip, features, "librosa-mfcc-13")["compared"] == "features"
