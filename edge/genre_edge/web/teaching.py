"""Teaching labels from what a listening program has just heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import GenreEdgeError, UsageError
from ..teach.advice import doubted, outlook
from ..teach.listening import RememberingEngine
from ..teach.report import fit_report, shown
from ..teach.store import Store, default_store
from ..teach.taught import path_of, write_taught
from ..teach.teacher import Teacher, check_label
from .problems import Problem
from .turns import Turns

NAME = "mine"
"""What the taught model goes by."""
LONGEST_SECONDS = 600
"""Longest stretch that one example may be, s."""

Answer = TypeVar("Answer")


class Teaching:
    """Answers the page's questions about what is taught. Any thread may ask.

    Parameters
    ----------
    model
        The model that listens, or one that was taught from it.
    engine
        Remembers what was heard.
    """

    def __init__(self, model: str, engine: RememberingEngine) -> None:
        self._model, self._engine = model, engine
        self._turns = Turns("labels are being learnt or changed", 1, 3)

    def described(self) -> dict[str, Any]:
        """What was taught: each label with its examples, oldest first."""
        return self._with_teacher(lambda teacher: {"examples": _described(teacher)})

    def add(self, label: str, is_wrong: bool, seconds: float, source: str) -> dict[str, Any]:
        """Learn that what a source has heard in the last seconds has a label, or that
        it has not.

        Raises
        ------
        Problem
            422 if the label cannot be taught, 409 if nothing was heard but silence.
        """

        def act(teacher: Teacher) -> dict[str, Any]:
            name = check_label(label)
            try:
                heard = self._engine.last(seconds, source)
            except UsageError as error:
                raise Problem(409, str(error)) from None
            when = f"heard {time.strftime('%Y-%m-%d %H:%M:%S')}"
            teacher.add_heard(name, when, heard.embeddings, heard.curve, is_wrong)
            return {"examples": _described(teacher)}

        return self._with_teacher(act)

    def remove(self, number: int) -> dict[str, Any]:
        """Forget an example. Problem 404 if there is none of this number."""

        def act(teacher: Teacher) -> dict[str, Any]:
            if number not in [song.number for song in teacher.songs]:
                raise Problem(404, f"no example has the number {number}")
            teacher.store.remove([number])
            return {"examples": _described(teacher)}

        return self._with_teacher(act)

    def fit(self) -> dict[str, Any]:
        """Learn from everything and write the model: its name, and the report's lines.
        Problem 422 if there is too little to learn, or the old fit is better."""

        def act(teacher: Teacher) -> dict[str, Any]:
            path = path_of(NAME, teacher.base)
            fit, held = teacher.fit()
            ahead = outlook(fit.lesson, held, fit.decision)
            write_taught(path, teacher.base, fit)
            return {
                "name": NAME,
                "labels": list(fit.figures.labels),
                "report": list(fit_report(fit, ahead)),
                "doubted": [doubt.song.number for doubt in doubted(fit.figures)],
            }

        return self._with_teacher(act)

    def _with_teacher(self, act: Callable[[Teacher], Answer]) -> Answer:
        with self._turns:
            try:
                with Store(default_store()) as store:
                    return act(Teacher(self._model, store))
            except GenreEdgeError as error:
                raise Problem(422, str(error)) from None


def _described(teacher: Teacher) -> list[dict[str, Any]]:
    curves = teacher.store.curves()
    return [
        {
            "number": song.number,
            "label": song.label,
            "not": song.is_wrong,
            "name": shown(song),
            "windows": song.windows,
            "curve": curves[song.number].to_dict() if song.number in curves else None,
        }
        for song in teacher.songs
    ]
