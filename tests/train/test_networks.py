"""The networks, and the order in which windows reach them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.errors import UsageError
from genre_edge.judge.tracks import Track
from genre_edge_train.data.features import TrackFeatures
from genre_edge_train.data.windows import Windows
from genre_edge_train.network.models import build

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


@pytest.mark.parametrize(
    ("name", "channels"), [("two-block", [32, 128]), ("deep", [32, 64, 128, 256])]
)
def test_the_networks_are_the_example_projects(name: str, channels: list[int]) -> None:
    model = build(name, (126, 128), 10)
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    block = ["Conv2D", "MaxPooling2D", "Dropout"]
    assert kinds == [*block * len(channels), "GlobalAveragePooling2D", "Dense", "Dense"]
    assert [layer.filters for layer in model.layers if hasattr(layer, "filters")] == channels
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [512, 10]


def test_the_edge_network_has_its_size() -> None:
    assert build("edge", (126, 116), 10).count_params() == 270_010


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="vgg: unknown; choose from two-block, deep, edge"):
        build("vgg", (126, 128), 10)


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    """Three rock tracks of 4 windows, one jazz track of 4; all features of a window
    are its number."""
    features = []
    for number, (genre, side) in enumerate(
        [("rock", "train"), ("rock", "valid"), ("jazz", "train"), ("rock", "train")]
    ):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.repeat(np.arange(4) + 4 * number, 6).reshape(4, 2, 3).astype(np.float32))
        track = Track(f"{number}", genre, tmp_path / "x", side)
        features.append(TrackFeatures(track, path, (4, 2, 3)))
    return Windows.of(features, ["jazz", "rock"])


def numbers(windows: Windows) -> list[int]:
    return [int(window.flat[0]) for batch in windows.batches() for window in batch]


def test_windows_stay_with_the_side_and_label_of_their_track(windows: Windows) -> None:
    assert numbers(windows.on_side("valid")) == [4, 5, 6, 7]
    train = windows.on_side("train")
    assert numbers(train) == [0, 1, 2, 3, *range(8, 16)]
    assert train.label.tolist() == [1] * 4 + [0] * 4 + [1] * 4
    assert (train.tracks(), train.shape()) == (3, (2, 3))


def batches(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in batch) for batch in dataset]


def test_weights_make_every_genre_count_the_same(windows: Windows) -> None:
    (batch,) = batches(windows.dataset(16, 2, seed=0))
    _, label, weight = batch
    assert weight[label == 0].sum() == pytest.approx(weight[label == 1].sum())
    assert weight.sum() == pytest.approx(16)


def test_the_order_is_drawn_by_the_seed_and_anew_in_each_epoch(windows: Windows) -> None:
    def epochs(seed: int) -> list[list[float]]:
        dataset = windows.dataset(16, 2, seed)
        return [batches(dataset)[0][0][:, 0, 0, 0].tolist() for _ in range(2)]

    once, again, other = epochs(1), epochs(1), epochs(2)
    assert once == again != other
    assert once[0] != once[1]
    assert sorted(once[0]) == sorted(once[1]) == list(range(16))


def test_without_a_seed_windows_come_in_order_and_count_the_same(windows: Windows) -> None:
    (batch,) = batches(windows.dataset(16, 2, seed=None))
    assert batch[0][:, 0, 0, 0].tolist() == list(range(16))
    assert batch[2].tolist() == [1.0] * 16
