"""Learning from the teacher: soft labels, batches, two opinions in one layer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from genre_edge.judge.tracks import Track
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.scores import softmax
from genre_edge_train.distil.batches import Batches, DistilSpec, Material
from genre_edge_train.distil.clips import ClipPlan, ClipSet
from genre_edge_train.distil.linear_probes import FOLDS, LinearProbe, soft_labels
from genre_edge_train.distil.student import classifier_of, student
from genre_edge_train.distil.teacher import EMBEDDING, SCORES
from genre_edge_train.runs.with_teacher import STUDENT_MELS, _may_learn

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


@pytest.fixture(scope="module")
def memorable():
    """Clips whose teacher's outputs say nothing but which track they are from, and
    whose labels are drawn by the track; 100 clips without music."""
    rng = np.random.default_rng(0)
    track = rng.integers(40, size=3000).astype(np.int32)
    label = rng.permutation(np.arange(40) % 2)
    outputs = rng.choice([-1.0, 1.0], (40, EMBEDDING)).astype(np.float16)
    target = np.eye(2, dtype=np.float32)[label[track]]
    track[:100], target[:100] = -1, 0.5
    return SimpleNamespace(
        track=track, target=target, embedding=outputs[track], scores=outputs[track, :SCORES]
    )


@pytest.fixture(scope="module")
def soft(memorable) -> np.ndarray:
    return soft_labels([memorable], np.arange(40) % FOLDS)


@pytest.mark.slow
def test_no_head_repeats_the_label_of_a_track_that_it_was_fitted_to(memorable, soft) -> None:
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)
    told = (soft * memorable.target)[100:].sum(axis=1).mean()
    assert told < 0.6, "nothing can be known of a track that was not met"


@pytest.mark.slow
def test_clips_without_music_keep_their_target(soft) -> None:
    np.testing.assert_array_equal(soft[:100], 0.5)


def test_the_classifier_adds_a_quarter_of_the_teachers_opinion() -> None:
    rng = np.random.default_rng(0)
    trained = student((126, STUDENT_MELS), 3)
    opinion = LinearProbe(
        rng.normal(0, 0.05, (SCORES, 3)).astype(np.float32), np.array([1, 0, -1], np.float32)
    )
    windows = rng.normal(0, 1, (4, 126, STUDENT_MELS, 1)).astype(np.float32)
    heads = trained.predict(windows, verbose=0)
    expected = softmax(heads["genre"] + 0.25 * (heads["scores"] @ opinion.kernel + opinion.bias))
    found = classifier_of(trained, opinion).predict(windows, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found - softmax(heads["genre"])).max() > 0.02, "it matters"


@pytest.fixture
def clips(tmp_path: Path) -> ClipSet:
    """60 clips of two labels; `clean` features are all 200, those in rooms 50."""
    ClipSet.create(tmp_path, ClipPlan(FrontendSpec(), 60), labels=2)
    made = ClipSet(tmp_path, "r+")
    made.clean[:], made.room[:] = 200, 50
    made.clean[:, ::2], made.room[:, :, ::2] = 100, 150
    made.target[:] = np.eye(2)[np.arange(60) % 2]
    return made


def batch_of(clips: ClipSet, soft: np.ndarray | None = None, **spec: float):
    material = Material([clips], None, STUDENT_MELS, None)
    settings = DistilSpec(**{"batch": 60, "smoothing": 0.0, **spec})
    return next(Batches(material, settings, soft).epoch(0))


def test_labels_are_smoothed(clips: ClipSet) -> None:
    genre = batch_of(clips, smoothing=0.1)[1]["genre"]
    np.testing.assert_allclose(np.sort(genre, axis=1), [[0.05, 0.95]] * 60, rtol=1e-5)


def test_soft_labels_take_their_share_of_the_target(clips: ClipSet) -> None:
    soft = np.full((60, 2), 0.5, np.float32)
    genre = batch_of(clips, soft, soft_share=0.4)[1]["genre"]
    np.testing.assert_allclose(np.sort(genre, axis=1), [[0.2, 0.8]] * 60, rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_rooms_take_their_share_of_a_batch(clips: ClipSet, share: float) -> None:
    x = batch_of(clips, room_share=share)[0][..., 0]
    # Masked stretches are 0 in both; elsewhere the sign tells which is which.
    in_room = [(window[::2].sum() > 0) for window in x]
    assert np.mean(in_room) == pytest.approx(share, abs=0.15)


# --- log-mels without audio: which tracks may be learnt from

TRACKS = [
    Track("rock.00001", "rock", Path("a"), "train"),
    Track("rock.00002", "rock", Path("b"), "valid"),
    Track("pop.00054", "pop", Path("c"), "valid"),
    Track("jazz.00001", "jazz", Path("d"), "test"),
]


@pytest.mark.parametrize(
    ("name", "csv", "tracks"),
    [
        ("rock.00001", True, True),
        ("rock.00002", False, False),
        ("jazz.00001", False, False),
        ("blues.00009", True, False),
        ("pop.00060", False, False),
    ],
    ids=["train", "valid", "test", "in no side", "repeats a valid track"],
)
def test_no_log_mel_of_a_track_that_is_kept_apart_is_learnt_from(
    name: str, csv: bool, tracks: bool
) -> None:
    assert _may_learn(name, TRACKS, "csv") == csv
    assert _may_learn(name, TRACKS, "tracks") == tracks
