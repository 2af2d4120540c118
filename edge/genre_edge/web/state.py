"""What the service's answers are made from."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..audio.level import level_dbfs
from ..audio.resample import Resampler
from ..health import Health
from ..model.bundle import find_model, read_bundle
from ..model.engine import Engine
from ..model.scores import scores_by_label, top1
from ..settings.tables import EngineConfig, WebConfig
from .guard import Guard
from .hub import Hub
from .problems import Problem
from .uploads import Uploads


@dataclass
class WebState:
    """One service."""

    config: WebConfig
    """Its limits."""
    model: EngineConfig
    """What uploads are classified with."""
    history: Path
    """The history's file, if one is kept."""
    health: Health | None = None
    """Of the listening program; None: nobody listens here."""
    hub: Hub | None = None
    """Its live viewers."""
    guard: Guard = field(init=False)
    """Who may ask."""
    uploads: Uploads = field(init=False)
    """Work on uploads."""
    windows: int = 0
    """Windows answered by /api/window."""

    def __post_init__(self) -> None:
        self.guard, self.uploads = Guard(self.config), Uploads(self.config, self.model)
        self.info = read_bundle(find_model(self.model.model)).info
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def trouble(self) -> str | None:
        """Why the service is not ready; None if it is."""
        if self.health is not None and self.health.is_deaf:
            return f"microphone: {self.health.state}"
        return None

    def classify_window(self, samples: Float32, rate: int) -> dict[str, Any]:
        """The genre of one window: samples [n] at `rate`, at least as long as the
        model's. Problem 422 if shorter."""
        with self._lock:  # one interpreter, one caller
            if self._engine is None:
                self._engine = Engine(EngineConfig(self.model.model, None, self.model.runtime))
            engine, spec = self._engine, self._engine.logmel.spec
            resampler = Resampler(rate, spec.sample_rate)
            heard = np.concatenate([resampler.push(samples), resampler.flush()])
            if len(heard) < spec.window_samples * 0.99:
                raise Problem(
                    422, f"{len(heard) / spec.sample_rate:.2f} s: must be {spec.window_seconds:g} s"
                )
            heard = (
                np.resize(heard, spec.window_samples) if len(heard) < spec.window_samples else heard
            )
            window = heard[: spec.window_samples]
            scores = engine.classifier.scores(engine.logmel.window(window))
            genre, confidence = top1(engine.classifier.labels, scores)
            self.windows += 1
        return {
            "type": "window",
            "genre": genre,
            "confidence": confidence,
            "level_dbfs": round(level_dbfs(window), 1),
            "scores": scores_by_label(self.info.labels, scores),
        }
