"""What a run leaves behind: its card and its headline."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.predictions import Predictions
from genre_edge_train.results.run_folder import HeldOut, card, headline

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own
JAZZ, ROCK = [0.75, 0.25], [0.25, 0.75]
FOUND = Predictions.of_tracks(
    ["jazz", "rock"],
    [np.array(one, np.float32) for one in ([JAZZ, JAZZ, ROCK], [JAZZ, JAZZ, ROCK, ROCK, ROCK])],
    ["jazz", "rock"],
)
"""Jazz: two of three windows right. Rock: three of five."""


def test_the_card_tells_precision_recall_and_f1_of_each_label() -> None:
    described = {"labels": ["jazz", "rock"], "trained_on": {"architecture": "edge", "seed": 3}}
    rows = card(described, HeldOut(FOUND, "test", "tracks"), evaluate(FOUND)).splitlines()
    assert "| jazz | 0.50 | 0.67 | 0.57 | 3 |" in rows
    assert "| rock | 0.75 | 0.60 | 0.67 | 5 |" in rows
    (line,) = [row for row in rows if row.startswith("Right on ")]
    assert line.startswith("Right on 62.5% of 8 windows and 100.0% of 2 tracks (test side).")
    assert "- seed: 3" in rows


def test_the_headline_names_side_protocol_and_rooms() -> None:
    whole = evaluate(FOUND).to_dict()
    metrics = {"side": "test", "protocol": "tracks", **whole}
    expected = "test (tracks): 62.5% of 8 windows, 100.0% of 2 tracks"
    assert headline(metrics) == expected
    assert headline({**metrics, "room": whole}) == f"{expected}; in rooms 62.5% and 100.0%"
