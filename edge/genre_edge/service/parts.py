"""What hears, what tells of it and what shows it: the parts of one program that other
settings and another model change, each of them as a whole."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..audio.source import Source
from ..health import SourceHealth
from ..live.gate import Gate
from ..model.engine import Engine
from ..settings.settings import Settings
from ..settings.tables import EngineConfig
from .changed import heard_thing
from .outputs import Outputs
from .pipeline import Pipeline, planned_sources

if TYPE_CHECKING:
    from ..web.prediction_service import PredictionService


@dataclass
class Parts:
    """The parts of a program that listens. Changes take place one after the other."""

    settings: Settings
    """Those that were read last."""
    config: EngineConfig
    """What the model in use was loaded from."""
    engine: Engine
    """The model in use."""
    outputs: Outputs
    """Where records go besides the screen."""
    pipelines: list[Pipeline] = field(default_factory=list)
    """One for each source."""
    web: PredictionService | None = None
    """The page, once it is served."""
    gate: Gate = field(default_factory=Gate)
    """Where the windows of all pipelines pass."""
    telling: threading.Lock = field(default_factory=threading.Lock)
    """Held by a pipeline that tells of something."""
    changing: threading.Lock = field(default_factory=threading.Lock)
    """Held while something is changed."""

    def apply(self, settings: Settings) -> None:
        """Use what can be used of other settings without losing audio. If a sink cannot
        be made, all is as it was, and there is an exception."""
        with self.changing:
            change = self.outputs.prepare(settings)
            with self.telling:
                self.outputs.apply(change)
            self.settings = settings
            if self.web is not None:
                self.web.read_history_of(settings)
            wanted = dict(planned_sources(settings))
            for pipeline in self.pipelines:
                same = wanted.get(pipeline.health.name)
                if same is None or heard_thing(same) != heard_thing(pipeline.config):
                    same = pipeline.config  # another source, with its gain: at the next start
                pipeline.configure(same, settings.listen)

    def hear_with(self, config: EngineConfig, engine: Engine) -> None:
        """Use another model, all sources at once, from their next window on.

        Parameters
        ----------
        config
            What it was loaded from.
        engine
            The model.

        Raises
        ------
        GenreEdgeError
            If a sink cannot be made for its labels, or a source hangs. Then all is as
            it was.
        """
        with self.changing:
            change = self.outputs.prepare(self.settings, engine.bundle.info)
            with ExitStack() as undo:
                undo.callback(change.give_up)
                with self.gate.change():
                    undo.pop_all()
                    with self.telling:
                        self.outputs.apply(change)
                    for pipeline in self.pipelines:
                        pipeline.change(engine)
            self.config, self.engine = config, engine
            if self.web is not None:
                self.web.hear_with(config, engine)

    def with_viewers(self, source: Source, health: SourceHealth) -> Source:
        """The source. Where the page is served, its viewers see the spectrum."""
        if not self.settings.web.enabled:
            return source
        from ..web.spectrum import SpectrumSource

        def send(levels: list[int]) -> None:
            if self.web is not None and self.web.hub is not None:
                self.web.hub.spectrum(levels, health.name)

        return SpectrumSource(source, send)
