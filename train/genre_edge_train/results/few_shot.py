"""How well labels that a network never had are taught to it from a few songs each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.array import ArraySource
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import AudioError, UsageError
from genre_edge.model.bundle import Bundle, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel
from genre_edge.model.windows import WindowStream, windows_of
from genre_edge.teach.deciding import decide, with_none
from genre_edge.teach.hearing import Ear
from genre_edge.teach.learning import Lesson, held_out
from genre_edge.teach.negatives import Negatives, negatives_of
from genre_edge.teach.store import FILE, Song
from genre_edge.teach.trunk import Trunk, trunk_of
from tqdm import tqdm

from ..data.recordings import Recording
from .conditions import CONDITIONS
from .negatives import TAUGHT_TRACKS, taught_groups

LABELS = 5
"""Labels that are taught at once."""
COUNTS = (1, 2, 5)
"""Songs of each label that are taught."""
_DRAWS = 20
"""Lessons for each number of songs: other labels, other songs."""
_SEED = 2026


@dataclass(frozen=True)
class FewShot:
    """What lessons with one number of songs a label are worth."""

    songs: int
    """Songs taught of each label."""
    condition: str
    """How the songs that are asked about are heard; those taught are as recorded, and
    as `genre-edge teach` hears files."""
    among: tuple[float, ...]
    """Share of other songs whose label is the most probable of the labels, for each
    lesson, 0 to 1."""
    named: tuple[float, ...]
    """Share of them whose verdict is their label, "none of these" being possible."""
    accepted: tuple[float, ...]
    """Share of unmet music whose verdict is one of the labels."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: mean and standard deviation over the lessons."""
        found: dict[str, Any] = {"songs": self.songs, "condition": self.condition}
        for name in ("among", "named", "accepted"):
            values = np.array(getattr(self, name))
            found[name] = round(float(values.mean()), 4)
            found[f"{name}_sd"] = round(float(values.std()), 4)
        return found


def evaluate_few_shot(
    model: str | Path, recordings: Sequence[Recording], names: Sequence[str], draws: int = _DRAWS
) -> list[FewShot]:
    """Teach labels by artist (the data's groups), or by folder, and ask about others.

    Parameters
    ----------
    model
        The bundle; its negatives are used.
    recordings
        Those of artists with TAUGHT_TRACKS tracks or more become labels. Where there
        are too few such artists, the data's labels do. Unmet music are the artists that
        a lesson leaves out, and the valid tracks.
    names
        Which of CONDITIONS the songs that are asked about are heard under.
    draws
        Lessons for each number of songs.

    Raises
    ------
    UsageError
        If the data has fewer than LABELS + 1 labels with enough tracks.
    """
    bundle = read_bundle(model)
    trunk = trunk_of(bundle)
    label_of = _labels(recordings)
    wanted = [one for one in recordings if _key(one) in label_of or one.side == "valid"]
    negatives = negatives_of(bundle, trunk)
    taught = _taught(bundle, trunk, negatives, [one for one in wanted if _key(one) in label_of])
    heard = {name: _heard(bundle, trunk, wanted, name) for name in names}
    lessons = _Lessons(negatives, label_of, taught, heard)
    return [one for count in COUNTS for one in lessons.measure(count, names, draws)]


def _key(one: Recording) -> str:
    return f"{one.data}/{one.name}"


def _labels(recordings: Sequence[Recording]) -> dict[str, str]:
    """The label of each track that has one here: {track: label}."""
    groups = taught_groups(recordings)
    by_artist = {_key(one): one.group for one in recordings if one.group in groups}
    by_label = {_key(one): one.label for one in recordings if one.label}
    found = by_artist if len(groups) > LABELS or not by_label else by_label
    counts: dict[str, int] = {}
    for label in found.values():
        counts[label] = counts.get(label, 0) + 1
    kept = {track: label for track, label in found.items() if counts[label] >= TAUGHT_TRACKS}
    if len(set(kept.values())) <= LABELS:
        raise UsageError(
            f"--few-shot needs {LABELS + 1} artists or labels with {TAUGHT_TRACKS} tracks each; "
            f"the data has {len(set(kept.values()))}"
        )
    return kept


def _taught(
    bundle: Bundle, trunk: Trunk, negatives: Negatives, recordings: Sequence[Recording]
) -> dict[str, Float32]:
    """The embeddings of each track as `genre-edge teach` keeps them, as `_heard` gives
    them."""
    ear, rate = Ear(bundle, trunk, negatives, None), bundle.info.frontend.sample_rate
    found = dict[str, list[Float32]]()
    for one in tqdm(recordings, desc="to be taught", unit="track", disable=None):
        try:
            heard = ear.hear(ArraySource(read_mono(one.path, rate), rate, one.name))
        except AudioError as error:
            print(f"genre-train: skipped {error}", file=sys.stderr)
            continue
        found.setdefault(_key(one), []).append(trunk.floats(heard.embeddings))
    return {track: np.concatenate(parts) for track, parts in found.items()}


def _heard(
    bundle: Bundle, trunk: Trunk, recordings: Sequence[Recording], condition: str
) -> dict[str, Float32]:
    """The embeddings of each track: {track: float32 [windows, size]}; excerpts of one
    track are one."""
    classifier, logmel = Classifier(bundle, embeds=True), LogMel(bundle.info.frontend)
    rate, found = logmel.spec.sample_rate, dict[str, list[Float32]]()
    for number, one in enumerate(tqdm(recordings, desc=condition, unit="track", disable=None)):
        rng = np.random.default_rng([_SEED, number])
        try:
            samples = CONDITIONS[condition](read_mono(one.path, rate), rate, rng)
            stream = WindowStream(logmel, rate, one.name)
            windows = list(windows_of(ArraySource(samples, rate, one.name), stream))
        except AudioError as error:
            print(f"genre-train: skipped {error}", file=sys.stderr)
            continue
        raw = [classifier.scores_and_embedding(window.features)[1] for window in windows]
        found.setdefault(_key(one), []).append(trunk.floats(np.stack(raw)))
    return {track: np.concatenate(parts) for track, parts in found.items()}


@dataclass(frozen=True, eq=False)
class _Lessons:
    """Lessons drawn from what was heard."""

    negatives: Negatives
    label_of: Mapping[str, str]
    taught: Mapping[str, Float32]
    heard: Mapping[str, Mapping[str, Float32]]

    def measure(self, songs: int, names: Sequence[str], draws: int) -> list[FewShot]:
        """All lessons with one number of songs a label, asked under each condition."""
        lessons = [self._lesson(songs, names, draw) for draw in range(draws)]
        return [
            FewShot(songs, name, *zip(*(one[i] for one in lessons), strict=True))
            for i, name in enumerate(names)
        ]

    def _lesson(
        self, count: int, names: Sequence[str], draw: int
    ) -> list[tuple[float, float, float]]:
        """What one lesson is worth under each condition: among, named, accepted."""
        rng = np.random.default_rng([_SEED, draw])
        by_label: dict[str, list[str]] = {}
        for track in sorted(self.taught):
            by_label.setdefault(self.label_of[track], []).append(track)
        chosen = list(rng.choice(sorted(by_label), LABELS, replace=False))
        taught, asked = list[Song](), list[tuple[int, str]]()
        for number, label in enumerate(chosen):
            tracks = [by_label[label][i] for i in rng.permutation(len(by_label[label]))]
            taught += [
                Song(len(taught) + i, label, False, FILE, track, 0.0, self.taught[track])
                for i, track in enumerate(tracks[:count])
            ]
            asked += [(number, track) for track in tracks[count:]]
        lesson = Lesson(tuple(taught), self.negatives)
        decision = decide(lesson, held_out(lesson))
        layer = lesson.space.layer(decision.line(lesson.line))
        truth = np.array([number for number, _ in asked])
        found = []
        for name in names:
            heard = self.heard[name]
            verdict = partial(_verdict, layer.logits, heard)
            unmet = [track for track in heard if self.label_of.get(track) not in chosen]
            scores = np.stack([verdict(track) for _, track in asked])
            others = np.stack([verdict(track) for track in unmet])
            found.append(
                (
                    float((scores[:, :-1].argmax(axis=1) == truth).mean()),
                    float((scores.argmax(axis=1) == truth).mean()),
                    float((others.argmax(axis=1) != LABELS).mean()),
                )
            )
        return found


def _verdict(logits: Any, heard: Mapping[str, Float32], track: str) -> Float32:
    found: Float32 = with_none(logits(heard[track])).mean(axis=0)
    return found


def few_shot_table(found: Sequence[FewShot]) -> str:
    """`evaluate_few_shot`'s result as a Markdown table: mean and standard deviation
    over lessons."""
    rows = [
        '| songs a label | heard | right, "none of these" aside | named right '
        "| unmet music given a label |",
        "|---|---|---|---|---|",
    ]
    for one in found:
        cells = " | ".join(
            f"{np.mean(values):.1%} ± {100 * np.std(values):.1f}"
            for values in (one.among, one.named, one.accepted)
        )
        rows.append(f"| {one.songs} | {one.condition} | {cells} |")
    return "\n".join(rows)
