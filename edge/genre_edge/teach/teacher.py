"""Teaching one model: examples in, a bundle out. The command and the page use it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..audio.open_audio import open_audio
from ..errors import Fault, UsageError
from ..model.bundle import Bundle
from ..model.bundle_checks import RESERVED
from .deciding import decide
from .figures import figures_of
from .hearing import Ear, Heard
from .learning import HeldOut, Lesson, held_out
from .level_curve import LevelCurve
from .negatives import NONE, negatives_of
from .store import FILE, HEARD, Song, Store
from .taught import Fit, old_layer
from .trunk import base_of, is_taught, trunk_of

_LONGEST_LABEL = 40
"""Characters of a label."""
_RESERVED = (NONE, *RESERVED)


def check_label(label: str) -> str:
    """A label that can be taught, without spaces around it. UsageError."""
    label = " ".join(label.split())
    if not label or len(label) > _LONGEST_LABEL or not label.isprintable():
        reason = f"must have 1 to {_LONGEST_LABEL} characters that can be printed"
        raise UsageError(Fault("label", label, reason))
    if label.lower() in _RESERVED:
        raise UsageError(Fault("label", label, "has a meaning of its own; choose another word"))
    return label


class Teacher:
    """Teaches the labels of one store to one model.

    Parameters
    ----------
    model
        The model, or one that was taught from it.
    store
        The examples. Closing it is the caller's task.
    runtime
        The interpreter; None takes the first that is installed.

    Raises
    ------
    ModelError
        If the model cannot be used or cannot be taught.
    """

    def __init__(self, model: str, store: Store, runtime: str | None = None) -> None:
        self.base: Bundle = base_of(model)
        """What is taught."""
        self.trunk = trunk_of(self.base)
        """What makes the embeddings."""
        self.negatives = negatives_of(self.base, self.trunk)
        """Sounds that are none of the labels."""
        self.store, self._runtime = store, runtime
        self._ear: Ear | None = None

    def add_file(self, label: str, path: str, is_wrong: bool = False) -> Heard:
        """Learn from a file that it is `label`, or that it is not. AudioError if it
        cannot be learnt from."""
        if self._ear is None:
            self._ear = Ear(self.base, self.trunk, self.negatives, self._runtime)
        with closing(open_audio(path)) as source:
            heard = self._ear.hear(source)
            odd = (*source.warnings, *heard.warnings)
        name = path if path == "-" else os.path.abspath(path)
        self.store.add(self.trunk, label, name, heard.embeddings, FILE, is_wrong, heard.curve)
        return replace(heard, warnings=odd)

    def add_heard(
        self,
        label: str,
        name: str,
        embeddings: npt.NDArray[Any],
        curve: LevelCurve,
        is_wrong: bool = False,
    ) -> int:
        """Learn from windows that were heard, [windows, size], and how loud they were;
        returns the example's number."""
        return self.store.add(self.trunk, label, name, embeddings, HEARD, is_wrong, curve)

    @property
    def songs(self) -> list[Song]:
        """The examples of this model."""
        return self.store.songs(self.trunk)

    def centre(self, songs: Sequence[Song]) -> Float32:
        """The mean embedding of music in general, float32 [size]: the negatives', or
        that of the examples where there are no negatives."""
        examples = [song.embeddings for song in songs]
        general = [self.negatives.embeddings] if self.negatives.kinds else examples
        found: Float32 = np.concatenate(general).mean(axis=0)
        return found

    def lesson(self, beside: bool = False) -> Lesson:
        """What there is to learn. UsageError if it is too little.

        Parameters
        ----------
        beside
            Whether the labels stand beside the model's own.
        """
        if beside and is_taught(self.base):
            raise UsageError(
                f"{self.base.info.name}: the model that it was taught from is not installed, so "
                "your labels cannot stand beside its labels; leave out --beside"
            )
        if beside and self.base.info.mapping:
            raise UsageError(
                f"{self.base.info.name}: its labels stand for several outputs each, so yours "
                "cannot stand beside them; leave out --beside"
            )
        songs = self.songs
        if not any(not song.is_wrong for song in songs):
            others = self.store.others(self.trunk)
            where = ", ".join(f"{count} by {name}" for name, count in others.items())
            reason = (
                f" (other models have heard some: {where}; add the files again)" if where else ""
            )
            raise UsageError(
                f"{self.base.info.name} has been taught no label yet: genre-edge teach add LABEL "
                f"FILE...{reason}"
            )
        lesson = Lesson(tuple(songs), self.negatives, old_layer(self.base) if beside else None)
        taken = sorted(set(lesson.labels) & set(self.base.info.labels)) if beside else []
        if taken:
            raise UsageError(
                f"{', '.join(taken)}: the model has this label already; leave out --beside, or "
                "give yours another name"
            )
        if len(lesson.labels) < 2 and not lesson.negatives.kinds and not beside:
            raise UsageError(
                f"{lesson.labels[0]} is the only label, and {self.base.info.name} carries no "
                "sounds that are none of yours; teach a second label"
            )
        return lesson

    def fit(self, beside: bool = False) -> tuple[Fit, HeldOut]:
        """Learn from everything that was taught. UsageError if it is too little."""
        lesson = self.lesson(beside)
        held = held_out(lesson)
        decision = decide(lesson, held)
        return Fit(lesson, decision, figures_of(lesson, held, decision)), held


def matching(songs: Sequence[Song], what: str) -> list[Song]:
    """The examples that a number, a file or a file's name means."""
    if what.isdecimal():
        return [song for song in songs if song.number == int(what)]
    path = os.path.abspath(what)
    exact = [song for song in songs if song.name in (what, path)]
    return exact or [song for song in songs if Path(song.name).name == what]
