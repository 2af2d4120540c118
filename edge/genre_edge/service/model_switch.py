"""Another model in a program that listens, without losing audio.

    info = program.switch_model("mine")           at once
    info = program.try_model("/.../9f3c.tflite")  for its first windows; then it stays,
                                                  or the one before listens again

The new model is loaded beside the old one, on the caller's thread, so listening goes on
meanwhile. A model that cannot be used is refused with its reason, and all is as it was.
Then every source changes between two windows, all of them at the same moment:

- The first window of the new model begins where the next one of the old model would
  have begun. Where windows follow each other without a hop of their own, that is the
  sample after the last window. No sample is skipped, and no gap is reported.
- Smoothing and sensors begin anew, as after a gap.
- A model of another rate than the sources were opened at hears resampled audio. What
  was left out for one of a lower rate is missing until the next start; the program
  says so. It is not refused: it may be the model that everybody wants back.
- Sinks that tell of labels are made anew, as at a reload; the page follows.

A window that a model on trial fails on, or answers with numbers that are not finite, is
told by nobody: the model before takes over at once and hears that window again. Other
trouble (see `model_watch`) ends the trial between two windows.

A model at fault is a ModelError or a UsageError, in one line: the same model will do no
better. Any other GenreEdgeError may be over later: another trial is under way, the
program ends, or a window hangs, so that only a restart helps (systemd's watchdog sees
to it). What survives a restart is for the caller to remember, before a trial too: a
model that crashes or hangs the program leaves no time for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..errors import GenreEdgeError, ModelError
from ..health import Health
from ..model.bundle_info import BundleInfo
from ..model.engine import Engine
from ..settings.tables import EngineConfig
from .model_watch import ModelWatch

Loaded = tuple[EngineConfig, Engine]
"""A model, and what it was loaded from."""
Load = Callable[[EngineConfig], Engine]
Use = Callable[[EngineConfig, Engine], None]


class ModelSwitch:
    """The model of one program, and how it becomes another; the judge of its windows.
    Any thread may call."""

    def __init__(
        self, config: EngineConfig, load: Load, use: Use, health: Health, stop: threading.Event
    ) -> None:
        """Load the first model.

        Parameters
        ----------
        config : EngineConfig
            Which it is.
        load : callable
            Loads a model.
        use : callable
            Has every part of the program hear with it; GenreEdgeError, and all is as it
            was.
        health : Health
            The program's.
        stop : threading.Event
            Set when the program is to end; a trial ends with it.

        Raises
        ------
        GenreEdgeError
            If it cannot be used.
        """
        self._load, self._use, self._health, self._stop = load, use, health, stop
        self._now: Loaded = (config, load(config))
        self.opened_rate = self.engine.sample_rate
        """The rate that the sources are opened at: the first model's, Hz."""
        self._before: Loaded | None = None
        """What listens again if the one on trial is no good."""
        self._watch: ModelWatch | None = None
        self._turn, self._changing = threading.Lock(), threading.Lock()

    @property
    def config(self) -> EngineConfig:
        """What the model in use was loaded from."""
        return self._now[0]

    @property
    def engine(self) -> Engine:
        """The model in use."""
        return self._now[1]

    def switch(self, model: str) -> BundleInfo:
        """Hear with another model from the next window on.

        Parameters
        ----------
        model : str
            A path, or the name of a model.

        Returns
        -------
        BundleInfo
            What it says of itself.

        Raises
        ------
        GenreEdgeError
            Why it is refused. Then all is as it was.
        """
        with self._alone():
            loaded = self._loaded(model)
            self._hear_with(loaded)
            return loaded[1].bundle.info

    def try_out(self, model: str) -> BundleInfo:
        """Hear with another model, and wait until its first windows are judged.

        Parameters
        ----------
        model : str
            A path, or the name of a model.

        Returns
        -------
        BundleInfo
            What it says of itself; it stays.

        Raises
        ------
        GenreEdgeError
            Why it does not. Then the model before listens, as if there had been no
            other.
        """
        with self._alone():
            loaded = self._loaded(model)
            engine = loaded[1]
            _check_hop(*loaded)
            watch = ModelWatch(engine, self._health)
            self._before, self._watch = self._now, watch
            try:
                self._hear_with(loaded)
                trouble = watch.wait(self._stop)
                if trouble:
                    self._go_back(engine)
            finally:
                with self._changing:  # from here on a failure is no part of the trial
                    self._watch = self._before = None
            if self._now[1] is not engine:
                raise ModelError(f"{engine.bundle.path}: {trouble or watch.failure}")
            if self._stop.is_set():
                raise GenreEdgeError("the program ends before the model has proved itself")
            return engine.bundle.info

    def asked(self, engine: Engine) -> None:
        """A window is about to be asked about, on this thread."""
        watch = self._watch
        if watch is not None and watch.engine is engine:
            watch.asked()

    def answered(self, engine: Engine, seconds: float) -> None:
        """A window took so many seconds. ModelError if the model is on trial, and its
        answer is no good."""
        watch = self._watch
        if watch is not None and watch.engine is engine:
            watch.answered(seconds)

    def rescued(self, engine: Engine, error: Exception) -> bool:
        """Whether the model before hears again, now that this one has failed."""
        watch = self._watch
        if watch is not None and watch.engine is engine:
            watch.failed(error)
            self._go_back(engine)
        with self._changing:
            return self._now[1] is not engine

    def _hear_with(self, loaded: Loaded) -> None:
        with self._changing:  # a window may fail before `_use` has returned
            self._use(*loaded)
            self._now = loaded

    def _go_back(self, engine: Engine) -> None:
        """Hear with the model before, unless that has been seen to."""
        with self._changing:
            if self._now[1] is engine and self._before is not None:
                self._use(*self._before)
                self._now = self._before

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One switch or trial at a time."""
        if not self._turn.acquire(blocking=False):
            raise GenreEdgeError("another model is being put in place or tried")
        try:
            yield
        finally:
            self._turn.release()

    def _loaded(self, model: str) -> Loaded:
        """GenreEdgeError."""
        config = replace(self._now[0], model=model)
        return config, self._load(config)


def _check_hop(config: EngineConfig, engine: Engine) -> None:
    """ModelError for a model whose windows would leave audio out."""
    hop, window = config.hop_seconds, engine.bundle.info.frontend.window_seconds
    if hop is not None and hop > window:
        raise ModelError(
            f"{engine.bundle.path}: its windows of {window:g} s would leave audio out, as they "
            f"start every {hop:g} s ([model] hop_seconds)"
        )
