"""A program that listens until it is stopped: settings to sources, engine and sinks,
and the settings read again while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..health import Health, SourceHealth
from ..listening_switch import ListeningSwitch
from ..live.meter import Level
from ..model.bundle_info import BundleInfo
from ..model.engine import Engine
from ..records import Record, StateRecord
from ..settings.places import default_folder
from ..settings.reader import SettingsReader
from ..settings.settings import Settings
from ..settings.tables import MODEL, EngineConfig
from ..sinks.sink import Sink
from ..teach.listening import engine_to_teach
from .model_switch import ModelSwitch
from .outputs import Outputs
from .parts import Parts
from .pausing import SWITCHED_OFF, Pausing
from .pipeline import Pipeline, planned_sources
from .reload import Reload
from .systemd_notify import Notifier
from .updates import Updates, begun_with_update

if TYPE_CHECKING:
    from ..web.prediction_service import PredictionService

Load = Callable[[], Settings]
Report = Callable[[str], None]
Levels = Callable[[Sequence[tuple[str, float]]], None]

_LOOK_SECONDS = 0.2
"""Time between two looks at the pipelines and at the wish for a reload, s."""
_END_SECONDS = 10.0
"""Time that a pipeline gets to end after it was asked to, s."""


class ListeningProgram:
    """Listens to the microphone, or to one or several sources.

    Each source has a pipeline on a thread of its own; they share one model. The thread
    that calls `run` looks after them.
    """

    def __init__(
        self,
        load: Load,
        screen: Callable[[Health], Sink],
        report: Report,
        notifier: Notifier,
        verbose: bool = False,
        engine: Callable[[EngineConfig], Engine] | None = None,
        reload: threading.Event | None = None,
        answer: Report | None = None,
        reader: SettingsReader | None = None,
        levels: Levels | None = None,
    ) -> None:
        """Read the settings, load the model and start the sinks.

        Parameters
        ----------
        load : callable
            Reads the settings, now and for each reload. UsageError.
        screen : callable
            Makes the sink for people, given the program's health.
        report : callable
            Takes lines that a person should see.
        notifier : Notifier
            Tells systemd.
        verbose : bool
            Whether ALSA and PortAudio may print to standard error.
        engine : callable
            Loads the model; None: one that can be taught from the page, where a page is
            served.
        reload : threading.Event or None
            Becomes `reload`; for who may wish for one before this has returned.
        answer : callable or None
            Takes what came of a reload; None: `report` does.
        reader : SettingsReader or None
            How the settings are read, for the page to change them; None: it does not.
        levels : callable or None
            Told the name and the level, dBFS, of each source that is heard, several
            times a second.

        Raises
        ------
        UsageError
            If the settings are wrong, or a sink cannot be made.
        ModelError
            If the model cannot be used.
        """
        self._report, self._notifier = report, notifier
        self._answer = answer or report
        self._reader, self._levels = reader, levels
        self._settings = load()
        """Those that the program has started with."""
        self.stop = threading.Event()
        """Set it to end the program."""
        self.reload = reload or threading.Event()
        """Set it to have the settings read again between two windows."""
        planned = planned_sources(self._settings)
        self.health = Health([SourceHealth(name) for name, _ in planned])
        """State and counters; other threads may read them."""
        load_model = engine or self._engine
        self._models = begun_with_update(
            self._settings,
            lambda model: ModelSwitch(model, load_model, self._use, self.health, self.stop),
            report,
        )
        self._screen = screen(self.health)
        switch = ListeningSwitch(default_folder() / SWITCHED_OFF)
        loaded = self._models.engine
        reads = load if isinstance(load, SettingsReader) else reader
        self._updates = Updates(self._settings, self, report, reads)
        info, board = loaded.bundle.info, self._updates.board
        self._outputs = Outputs(self._settings, self.health, info, True, report, switch, board)
        self._parts = Parts(self._settings, self._models.config, loaded, self._outputs)
        self._error: BaseException | None = None
        self._pipelines = self._parts.pipelines
        for (_, config), health in zip(planned, self.health.sources, strict=True):
            self._pipelines.append(
                Pipeline(
                    config,
                    self._settings.listen,
                    loaded,
                    self._emit,
                    health,
                    self._ended,
                    verbose,
                    self._parts.with_viewers,
                    self._parts.gate,
                    self._models,
                )
            )
        self._pausing = Pausing(self._settings.listen.hours, switch)
        self._running = len(self._pipelines)
        self._moved = [False] * len(self._pipelines)
        """Which pipelines took a step since the last heartbeat."""
        self._is_ready = False
        self._reading = Reload(load, self._parts, self._pausing, self._answer, self.reload)
        self.starts_again = False
        """Whether the program ends to be started again, with what is in the file."""

    def _engine(self, config: EngineConfig) -> Engine:
        return engine_to_teach(config) if self._settings.web.enabled else Engine(config)

    def _use(self, config: EngineConfig, engine: Engine) -> None:
        self._parts.hear_with(config, engine)

    def read_again(self) -> str:
        """Have the settings read again, as `reload` does, and wait for what came of it:
        why all is as it was, or "". Not for the thread that runs."""
        return self._reading.wait()

    def switch_model(self, model: str) -> BundleInfo:
        """Hear with another model from the next window on, as `ModelSwitch.switch`. Any
        thread but the one that runs may call."""
        return self._with_its_limits(self._models.switch(model))

    def try_model(self, model: str) -> BundleInfo:
        """Hear with another model, and have its first windows judged, as
        `ModelSwitch.try_out`. Any thread but the one that runs may call."""
        return self._with_its_limits(self._models.try_out(model))

    def _with_its_limits(self, info: BundleInfo) -> BundleInfo:
        """A model that stays. People are told what it cannot hear."""
        opened, rate = self._models.opened_rate, info.frontend.sample_rate
        if rate > opened:
            self._report(
                f"{info.name} hears at {rate} Hz, and the sources are open at {opened} Hz: it "
                "misses what is higher until the next start"
            )
        return info

    @property
    def model(self) -> str:
        """What the model in use was loaded from: a path or a name."""
        return self._parts.config.model

    def start_again(self) -> None:
        """End, and tell who runs the program to start another with what is in the
        file."""
        self.starts_again = True
        self.stop.set()

    @property
    def _web(self) -> PredictionService | None:
        return self._parts.web

    @property
    def port(self) -> int | None:
        """The port of the page, once it is served."""
        return None if self._web is None else self._web.port

    def microphone(self) -> tuple[str, Level | None] | None:
        """The microphone that is heard, by its token, and its level; None if none
        is."""
        for one in self._pipelines:
            if one.microphone is not None:
                return one.microphone, one.level
        return None

    def run(self) -> None:
        """Listen until the end of every source. DeviceError when listening is
        impossible."""
        try:
            self._serve()
            self._pausing.look(self._pipelines)  # a microphone that is to be closed is never opened
            for pipeline in self._pipelines:
                pipeline.start()
            self._updates.start()
            while not self.stop.wait(_LOOK_SECONDS):
                self._look_after()
        finally:
            self._end()
        if self._error is not None:
            raise self._error

    def _end(self) -> None:
        """End every part, whatever happens to the others; the outputs last."""
        with ExitStack() as steps:
            steps.callback(self._outputs.close)
            steps.callback(self._screen.close)
            if not self.starts_again:
                steps.callback(self._notifier.stopping)
            if self._web is not None:
                steps.callback(self._web.close)
            for pipeline in self._pipelines:
                if not pipeline.has_ended:
                    steps.callback(pipeline.join, _END_SECONDS)
            for pipeline in self._pipelines:
                steps.callback(pipeline.stop)
            steps.callback(self._updates.close)

    def _serve(self) -> None:
        """Serve the page where the settings say so."""
        if self._settings.web.enabled:
            from ..web.control import Control
            from ..web.prediction_service import PredictionService

            control = None
            if self._reader is not None:
                control = Control(self._reader, self.start_again, self.read_again, self.microphone)
            parts = self._parts
            with parts.changing:
                settings = self._settings.replaced(MODEL, parts.config)
                parts.web = PredictionService(
                    settings, self.health, self._report, parts.engine, control
                )
            self._report(f"serving {parts.web.url}")

    def _ended(self, error: BaseException | None) -> None:
        """A pipeline has ended. The program ends with the last one, and with an
        error."""
        with self._parts.telling:
            self._running -= 1
            self._error = self._error or error
            if error is not None or not self._running:
                self.stop.set()

    def _emit(self, record: Record) -> None:
        with self._parts.telling:
            if isinstance(record, StateRecord):
                self._notifier.status(record.described)
            self._screen.write(record)
            self._outputs.write(record)
            if self._web is not None and self._web.hub is not None:
                self._web.hub.write(record)

    def _look_after(self) -> None:
        """Do all that is to be done now and then."""
        self._pausing.look(self._pipelines)
        if self._levels is not None:
            heard = [(one.health.name, one.level) for one in self._pipelines]
            self._levels([(name, level.dbfs) for name, level in heard if level is not None])
        for number, pipeline in enumerate(self._pipelines):
            self._moved[number] |= pipeline.has_ended or pipeline.took_a_step()
        if (self.health.windows or self.health.is_paused) and not self._is_ready:
            self._is_ready = True
            self._notifier.ready(self.health.state)
        if all(self._moved):  # one that hangs is noticed, however well the others work
            self._moved = [False] * len(self._pipelines)
            self._notifier.heartbeat(self.health.stopped)
        if self.reload.is_set():
            self._notifier.reloading()
            self._reading.answer_wishes()
            if self._is_ready:
                self._notifier.ready(self.health.state)
