"""One run without a teacher: what is done to the fitted network."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from genre_edge.judge.tracks import Track
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_train.data.features import TrackFeatures
from genre_edge_train.network.fit import FitSpec
from genre_edge_train.network.temperature import fit_temperature
from genre_edge_train.runs import labels_alone

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own
LABELS = ["jazz", "pop", "rock"]


def features(folder: Path) -> list[TrackFeatures]:
    """Tracks whose windows [1, 3] are the right label's logits: the share of each label
    among them is that of their softmax. Ten of each label to validate on, one to train
    on."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (6000, 3)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label = np.array([rng.choice(3, p=row / row.sum()) for row in shares.astype(np.float64)])
    found = []
    for number in range(33):
        genre = number % 3
        windows = logits[label == genre][number // 3 :: 11][:, None, :]
        path = folder / f"{number}.npy"
        np.save(path, windows)
        side = "train" if number < 3 else "valid"
        track = Track(f"{number}", LABELS[genre], path, side)
        found.append(TrackFeatures(track, path, windows.shape))
    return found


def test_the_finished_model_is_calibrated_on_the_valid_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overconfident(train, valid, labels, spec, folder: Path) -> keras.Model:
        """Its logits are 2.5 times those that would be right."""
        (folder / "history.csv").write_text("loss,accuracy,val_loss,val_accuracy\n1,1,1,1\n")
        dense = keras.layers.Dense(3, activation="softmax")
        model = keras.Sequential([keras.Input((1, 3, 1)), keras.layers.Flatten(), dense])
        dense.set_weights([2.5 * np.eye(3), np.zeros(3)])
        return model

    monkeypatch.setattr(labels_alone, "fit", overconfident)
    given = features(tmp_path)
    output = tmp_path / "run"
    output.mkdir()
    tracks = [one.track for one in given]
    metrics = labels_alone.train_on_labels(given, tracks, FrontendSpec(), "csv", FitSpec(), output)
    described = json.loads((output / "model.json").read_text())
    assert described["trained_on"]["temperature"] == pytest.approx(2.5, abs=0.2)
    valid = [one for one in given if one.track.split == "valid"]
    windows = np.concatenate([one.windows for one in valid])
    label = np.repeat([LABELS.index(v.track.genre) for v in valid], [v.shape[0] for v in valid])
    scores = keras.models.load_model(output / "model.keras").predict(windows[..., None], verbose=0)
    assert fit_temperature(np.log(scores + 1e-9), label) == pytest.approx(1, abs=0.03)
    assert metrics["calibration_error"] < 0.03
    assert metrics == json.loads((output / "metrics.json").read_text())
