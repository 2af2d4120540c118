"""Asking models about recordings: their answers are those of `genre-edge classify`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.array import ArraySource
from genre_edge.audio.file_source import FileSource
from genre_edge.errors import AudioError, UsageError
from genre_edge.judge.predict import LabelledSource, predict
from genre_edge.judge.tracks import Track, check_genres
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig

from tests.conftest import noise


@pytest.fixture(scope="module")
def int8() -> Engine:
    return Engine(EngineConfig("gtzan-edge.int8"))


@pytest.fixture(scope="module")
def float32() -> Engine:
    return Engine(EngineConfig("gtzan-edge.float32"))


def track(path: Path, genre: str = "rock") -> LabelledSource:
    return LabelledSource.of(Track(path.stem, genre, path, "valid"))


def test_its_answers_are_those_of_classify(int8: Engine, demo_clip: Path) -> None:
    *windows, verdict = int8.classify(FileSource(demo_clip))
    answers = predict([int8], [track(demo_clip)])
    (found,) = answers.predictions
    assert [int8.labels[i] for i in found.top1] == [window.genre for window in windows]
    assert int8.labels[int(found.track_scores[0].argmax())] == verdict.genre
    assert found.track_scores[0].max() == pytest.approx(verdict.confidence, abs=5e-5)
    assert answers.seconds == verdict.seconds


def test_models_asked_together_answer_as_when_asked_alone(
    int8: Engine, float32: Engine, demo_clip: Path
) -> None:
    together = predict([int8, float32], [track(demo_clip)]).predictions
    for engine, found in zip((int8, float32), together, strict=True):
        (alone,) = predict([engine], [track(demo_clip)]).predictions
        np.testing.assert_array_equal(found.scores, alone.scores)
    assert not np.array_equal(together[0].scores, together[1].scores)


def test_what_cannot_be_read_counts_for_nothing(
    int8: Engine, demo_clip: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_text("no audio")
    answers = predict([int8], [track(broken), track(demo_clip, "jazz")])
    (line,) = answers.skipped
    assert line.startswith(str(broken))
    assert [one.name for one in answers.sources] == [demo_clip.stem]
    assert answers.predictions[0].track_label.tolist() == [int8.labels.index("jazz")]


def test_nothing_to_read_is_one_clear_error(int8: Engine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no track could be read: none was given"):
        predict([int8], [])
    with pytest.raises(UsageError, match=r"no track could be read: .*gone.wav"):
        predict([int8], [track(tmp_path / "gone.wav")])


def test_groups_go_with_their_recordings(int8: Engine) -> None:
    recordings = [
        LabelledSource(f"{k}", genre, lambda k=k: ArraySource(noise(4.0, seed=k), 22050), group)
        for k, (genre, group) in enumerate([("rock", "a"), ("jazz", "b"), ("pop", "a")])
    ]
    parts = predict([int8], recordings).predictions[0].by_group()
    genres = {g: [int8.labels[i] for i in part.track_label] for g, part in parts.items()}
    assert genres == {"a": ["rock", "pop"], "b": ["jazz"]}


class BreakingSource(ArraySource):
    """Delivers its samples, then fails; knows whether it was closed."""

    closed = False

    def blocks(self):
        yield from super().blocks()
        raise AudioError(self.name, "broke off")

    def close(self) -> None:
        self.closed = True


def test_every_source_is_closed_even_when_it_breaks(int8: Engine, demo_clip: Path) -> None:
    source = BreakingSource(noise(7.0), 22050, "cable")
    answers = predict([int8], [LabelledSource("a", "rock", lambda: source), track(demo_clip)])
    assert source.closed
    assert answers.skipped == ("cable: broke off",)
    assert len(answers.sources) == 1, "its windows before the end do not count"


def test_genres_that_the_model_does_not_know_are_named() -> None:
    tracks = [Track("a", genre, Path(), "train") for genre in ("polka", "jazz", "fado")]
    with pytest.raises(UsageError, match="no label fado, polka"):
        check_genres(tracks, ["jazz", "rock"])
    check_genres(tracks[1:2], ["jazz", "rock"])
