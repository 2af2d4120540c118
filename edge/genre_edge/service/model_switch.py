"""Another model in a program that listens, without losing audio.

    info = program.switch_model("/var/lib/genre-edge/updates/9f3c.tflite")

The new model is loaded beside the old one, on the caller's thread, so listening goes on
meanwhile. A model that cannot be used is refused with its reason (a GenreEdgeError of
one line), and all is as it was. Then every source changes between two windows, all of
them at the same moment:

- The first window of the new model begins where the next one of the old model would
  have begun. Where windows follow each other without a hop of their own, that is the
  sample after the last window. No sample is skipped, and no gap is reported.
- Smoothing and sensors begin anew, as after a gap.
- A model that hears at a lower rate than the source was opened at hears resampled
  audio. One of a higher rate is refused: what the source left out cannot be given back.
- Sinks that tell of labels are made anew, as at a reload; the page follows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..errors import ModelError, UsageError
from ..model.bundle_info import BundleInfo
from ..model.engine import Engine
from ..settings.tables import EngineConfig

Load = Callable[[EngineConfig], Engine]
Use = Callable[[EngineConfig, Engine], None]


class ModelSwitch:
    """The model of one program, and how it becomes another. Any thread may call."""

    def __init__(self, config: EngineConfig, load: Load, use: Use) -> None:
        """Load the first model.

        Parameters
        ----------
        config : EngineConfig
            Which it is.
        load : callable
            Loads a model.
        use : callable
            Has every part of the program hear with it; UsageError, and all is as it
            was.

        Raises
        ------
        GenreEdgeError
            If it cannot be used.
        """
        self._load, self._use = load, use
        self._config = config
        self.first = load(config)
        """The model that the sources are opened for."""
        self._turn = threading.Lock()

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
            config = replace(self._config, model=model)
            engine = self._load(config)
            self._check(config, engine)
            self._use(config, engine)
            return engine.bundle.info

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One switch at a time."""
        if not self._turn.acquire(blocking=False):
            raise UsageError("another model is being put in place; try again later")
        try:
            yield
        finally:
            self._turn.release()

    def _check(self, config: EngineConfig, engine: Engine) -> None:
        """ModelError for one that cannot hear what the program hears."""
        rate, path, opened = engine.sample_rate, engine.bundle.path, self.first.sample_rate
        if rate > opened:
            raise ModelError(
                f"{path}: hears at {rate} Hz, and the sources are open at {opened} Hz: "
                "name it in the configuration ([model] model) and start the program again"
            )
        window = engine.bundle.info.frontend.window_seconds
        if config.hop_seconds is not None and config.hop_seconds > window:
            raise ModelError(
                f"{path}: its windows of {window:g} s would leave audio out, as they start every "
                f"{config.hop_seconds:g} s ([model] hop_seconds)"
            )
