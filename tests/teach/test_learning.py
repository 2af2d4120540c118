"""Learning: what is said of songs that were left out, thresholds, advice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from genre_edge.teach.advice import doubted, not_apart, outlook, same_recordings
from genre_edge.teach.deciding import MOST_ACCEPTED, decide, with_none
from genre_edge.teach.figures import figures_of
from genre_edge.teach.learning import Lesson, held_out
from genre_edge.teach.logistic import Line, Rows, fit_logistic
from genre_edge.teach.negatives import Negatives
from genre_edge.teach.twins import recordings_of

from tests.teach.examples import SIZE, lesson, negatives, songs

APART = {"choir": 12.0, "band": 12.0, "radio": 12.0}


def judged(one: Lesson):
    held = held_out(one)
    decision = decide(one, held)
    return figures_of(one, held, decision), held, decision


def test_labels_far_apart_are_told_apart_and_from_everything_else() -> None:
    figures, _, _ = judged(lesson(APART))
    assert figures.songs.right == figures.songs.count == 15
    assert figures.negatives.right <= 2 * MOST_ACCEPTED * figures.negatives.count


def test_figures_are_not_flattered_by_labels_without_a_meaning() -> None:
    """Songs from the middle of all music, labelled at random: one of three is right."""
    figures, _, _ = judged(lesson({"a": 0.0, "b": 0.0, "c": 0.0}, each=8))
    assert figures.among.right / figures.among.count < 0.6
    assert figures.negatives.right <= 0.2 * figures.negatives.count


def test_a_song_is_judged_without_itself() -> None:
    """One that lies elsewhere is not recognised, though learning it would be easy."""
    odd = songs({"choir": 12.0, "band": 12.0})
    away = np.full((4, SIZE), -9.0, np.float32)
    odd[0] = replace(odd[0], embeddings=away)
    figures, _, _ = judged(Lesson(tuple(odd), negatives()))
    assert figures.labels[int(figures.scores[0].argmax())] != "choir"


def test_a_label_with_one_song_learns_but_is_not_judged() -> None:
    few = [*songs({"choir": 12.0}), *songs({"choir": 12.0, "band": 12.0}, seed=3)[5:6]]
    one = Lesson(tuple(few), negatives())
    figures, _, _ = judged(one)
    assert {song.label for song in figures.judged} == {"choir"}
    assert one.labels == ("choir", "band")


@pytest.mark.parametrize("labels", [{"ours": 12.0}, APART])
def test_with_one_song_a_label_other_music_is_still_none_of_them(labels: dict[str, float]) -> None:
    """Negatives are judged by lines that know every label and not these negatives."""
    figures, held, _ = judged(lesson(labels, each=1))
    assert figures.negatives.count == 120
    assert figures.negatives.right <= 2 * MOST_ACCEPTED * 120
    assert held.negatives.std() > 0.1


def test_one_label_alone_is_told_from_everything_else() -> None:
    figures, _, _ = judged(lesson({"ours": 12.0}))
    assert figures.songs.right == 5
    assert figures.labels == ("ours", "none of these")


def test_two_labels_work_without_any_negatives() -> None:
    none = Negatives(np.zeros((0, SIZE), np.float32), ())
    figures, _, _ = judged(Lesson(tuple(songs({"a": 12.0, "b": 12.0})), none))
    assert figures.among.right == 10
    assert figures.negatives.count == 0


def test_what_was_said_to_be_wrong_is_believed() -> None:
    """A song between the labels is taken for one of them until that is denied."""
    known = songs(APART)
    between = songs({"choir": 6.0}, each=1, seed=9)[0]
    denied = replace(between, number=99, is_wrong=True)
    for taught, believed in ((known, True), ([*known, denied], False)):
        one = Lesson(tuple(taught), negatives())
        _, _, decision = judged(one)
        line = one.space.layer(decision.line(one.line))
        scores = with_none(line.logits(between.embeddings)).mean(axis=0)
        assert (scores[one.labels.index("choir")] > 0.5) == believed


def test_beside_the_old_labels_none_of_mine_means_one_of_them() -> None:
    rng = np.random.default_rng(0)
    old = Line(0.2 * rng.standard_normal((4, SIZE)).astype(np.float32), np.zeros(4, np.float32))
    one = Lesson(tuple(songs(APART)), negatives(), old)
    figures, _, _ = judged(one)
    assert figures.songs.right >= 13
    assert figures.negatives.right <= 0.15 * figures.negatives.count


def test_the_same_recording_is_found_also_louder_and_noisier() -> None:
    known = songs({"choir": 12.0, "band": 12.0})
    rng = np.random.default_rng(5)
    again = 1.05 * known[0].embeddings + 0.05 * rng.standard_normal((4, SIZE)).astype(np.float32)
    twin = replace(known[0], number=50, label="band", embeddings=again)
    one = Lesson((*known, twin), negatives())
    (pair,) = same_recordings(one)
    assert [song.number for song in pair] == [1, 50]
    numbers = recordings_of(one.songs, one.space.centre)
    assert len(set(numbers)) == len(known)


def test_a_mislabelled_song_is_named() -> None:
    known = songs(APART)
    known[2] = replace(known[2], label="band")
    figures, _, _ = judged(Lesson(tuple(known), negatives()))
    worst = doubted(figures)[0]
    assert (worst.song.number, worst.sounds_like) == (3, "choir")


def test_labels_that_sound_alike_are_named() -> None:
    known = songs({"choir": 12.0, "band": 12.0}, each=10)
    alike = [replace(song, label="other choir") if i % 2 else song for i, song in enumerate(known)]
    alike = [song for song in alike if song.number <= 10] + [s for s in known if s.number > 10]
    figures, _, _ = judged(Lesson(tuple(alike), negatives()))
    assert ("choir", "other choir") in not_apart(figures)
    assert ("choir", "band") not in not_apart(figures)


def test_more_songs_never_promise_less() -> None:
    one = lesson({"a": 3.0, "b": 3.0, "c": 3.0}, each=8)
    _, held, decision = judged(one)
    ahead = outlook(one, held, decision)
    assert ahead is not None
    assert ahead.now <= ahead.double <= 1
    assert outlook(lesson(APART, each=3), held, decision) is None


@pytest.mark.parametrize("labels", [1, 4])
def test_the_fit_is_where_the_slope_is_zero(labels: int) -> None:
    """Moving any weight a little makes the loss larger, whatever rows allow."""
    rng = np.random.default_rng(labels)
    allowed = rng.random((40, labels + 1)) < 0.4
    allowed[np.arange(40), rng.integers(0, labels + 1, 40)] = True
    rows = Rows(
        rng.standard_normal((40, 3)).astype(np.float32),
        rng.standard_normal(40).astype(np.float32),
        allowed,
        np.ones(40, np.float32),
    )
    line = fit_logistic(rows, 1.0, steps=300)

    def loss(weights: np.ndarray, bias: np.ndarray) -> float:
        logits = np.hstack([rows.features @ weights.T + bias, rows.none[:, None]])
        every = np.exp(logits).sum(axis=1)
        right = np.where(allowed, np.exp(logits), 0).sum(axis=1)
        return float((np.log(every) - np.log(right)).sum() + (weights**2).sum() / 2)

    best = loss(line.weights, line.bias)
    for _ in range(30):
        step = 0.3 * rng.standard_normal((labels, 4))
        assert loss(line.weights + step[:, :3], line.bias + step[:, 3]) > best - 1e-3
