"""What the service's answers are made from."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..arrays import Float32
from ..audio.level import level_dbfs
from ..errors import AudioError
from ..health import Health
from ..model.bundle import find_model, read_bundle
from ..model.bundle_info import BundleInfo
from ..model.engine import Engine, genre_of
from ..settings.tables import EngineConfig, WebConfig
from .control import Control
from .guard import Guard
from .hub import Hub
from .problems import Problem
from .settings_desk import SettingsDesk
from .teaching import Teaching
from .turns import Turns
from .uploads import Uploads


@dataclass
class WebState:
    """Everything that the routes of one service share."""

    config: WebConfig
    """Address, limits and access."""
    model: EngineConfig
    """What uploads are classified with."""
    history: Path
    """The history's file, if one is kept."""
    health: Health | None = None
    """Health of the listening program; None if this service hears nothing."""
    hub: Hub | None = None
    """Sends what is heard now to viewers; None if this service hears nothing."""
    teaching: Teaching | None = None
    """Teaches labels from what is heard; None if this service hears nothing, or its
    model cannot be taught."""
    control: Control | None = None
    """What the page may do to the program; None: nothing."""
    session_key: bytes | None = None
    """Signs session cookies; None: they end with the program."""
    guard: Guard = field(init=False)
    """Decides who may ask."""
    uploads: Uploads = field(init=False)
    """Classifies uploads."""
    started: float = field(default_factory=time.time)
    """When this service began, s since 1970: tells it from the one before."""
    windows: int = 0
    """Windows answered by /api/window."""

    def __post_init__(self) -> None:
        self.guard = Guard(self.config, self.session_key)
        self.uploads = Uploads(self.config, self.model)
        self.info = read_bundle(find_model(self.model.model)).info
        self._window_turns = Turns("many windows wait to be classified", 1, 6)
        self.history_turns = Turns("the history is being read", 2, 2)
        """For who reads the history, which may be long."""
        self.settings = SettingsDesk(self.guard, self.config, self.control)
        """Shows and changes the settings."""
        self._window_engine: tuple[EngineConfig, Engine] | None = None
        """What windows are classified with, and what it was loaded from."""

    def trouble(self) -> str | None:
        """Why the service is not ready; None if it is."""
        if self.health is None:
            return None
        if self.health.is_deaf and not self.health.is_paused:
            deaf = [f"{one.name or 'microphone'}: {one.state}" for one in self.health.sources]
            return ", ".join(deaf)
        return self.health.stopped or None

    @property
    def is_paused(self) -> bool:
        """Whether what listens is paused on purpose."""
        return self.health is not None and self.health.is_paused

    def use_model(self, model: EngineConfig, info: BundleInfo, teaching: Teaching | None) -> None:
        """Answer with another model from the next request on.

        Parameters
        ----------
        model
            What it is loaded from.
        info
            What it says of itself.
        teaching
            Teaches labels from what it hears; None if it cannot be taught.
        """
        self.model, self.info, self.teaching = model, info, teaching
        self.uploads.use_model(model)

    def classify_window(self, samples: Float32, rate: int) -> dict[str, Any]:
        """Answer a request for the genre of one window.

        Parameters
        ----------
        samples
            float32 [n], at least one window long, full scale at 1.0.
        rate
            Their sample rate, Hz.

        Raises
        ------
        Problem
            422 if the samples are shorter than a window, 429 if many others wait.
        """
        with self._window_turns:  # first_window is for one caller at a time
            model, known = self.model, self._window_engine
            if known is None or known[0] != model:
                known = model, Engine(replace(model, hop_seconds=None, threads=1))
                self._window_engine = known
            try:
                window = known[1].first_window(samples, rate)
            except AudioError as error:
                raise Problem(422, error.reason) from None
            prediction = known[1].predict_unless_silent(window)
            self.windows += 1
        genre, confidence, scores = genre_of(prediction)
        return {
            "type": "window",
            "genre": genre,
            "confidence": confidence,
            "level_dbfs": round(level_dbfs(window.samples), 1),
            "scores": scores,
        }
