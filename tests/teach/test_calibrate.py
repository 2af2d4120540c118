"""Corrections in a room: temperature and biases are fitted, the labels stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.errors import UsageError
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.head import read_layer
from genre_edge.teach.calibrate import FEWEST, calibrate, write_calibrated
from genre_edge.teach.store import HEARD, Song
from genre_edge.teach.trunk import head_of, trunk_of


def heard(bias: float, count: int, name: str = "gtzan-edge.int8") -> list[Song]:
    """Rooms in which everything sounds a little like jazz: each song's own label has
    almost the logit of jazz."""
    bundle = read_bundle(find_model(name))
    weights, _ = read_layer(bundle.flatbuffer, head_of(bundle))
    inverse = np.linalg.pinv(weights)
    jazz, songs = bundle.info.labels.index("jazz"), []
    for number in range(count):
        label = number % len(bundle.info.labels)
        wanted = np.zeros(len(bundle.info.labels), np.float32)
        wanted[jazz] = 2.0 + bias
        wanted[label] = max(2.0, wanted[label])
        embedding = (inverse @ wanted).astype(np.float32)[None]
        songs.append(
            Song(number + 1, bundle.info.labels[label], False, HEARD, "heard", 0.0, embedding)
        )
    return songs


def test_a_bias_of_the_room_is_taken_out(tmp_path: Path) -> None:
    bundle = read_bundle(find_model("gtzan-edge.int8"))
    found = calibrate(bundle, heard(0.5, 40))
    assert found.right_before <= 4
    assert found.right_after >= 36
    made = write_calibrated(tmp_path / "room.int8.tflite", bundle, found)
    assert made.info.labels == bundle.info.labels
    assert trunk_of(made) == trunk_of(bundle)
    assert Classifier(made).labels == bundle.info.labels


def test_a_room_without_a_bias_changes_little() -> None:
    bundle = read_bundle(find_model("gtzan-edge.int8"))
    found = calibrate(bundle, heard(-2.0, 40))
    assert found.right_after == 40
    assert np.ptp(found.bias) < 0.5


def test_it_is_never_fitted_to_a_few() -> None:
    bundle = read_bundle(find_model("gtzan-edge.int8"))
    with pytest.raises(UsageError, match="9 examples of its labels; 10 are needed"):
        calibrate(bundle, heard(0.5, FEWEST - 1))
