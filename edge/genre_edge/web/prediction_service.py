"""The page and the API, put together: beside a program that listens, or alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..extras import install_line
from ..health import Health
from ..model.engine import Engine
from ..settings.places import default_folder
from ..settings.settings import Settings
from ..settings.tables import EngineConfig
from ..sinks import history
from ..teach.listening import RememberingEngine
from .control import Control

if TYPE_CHECKING:
    from .teaching import Teaching


class PredictionService:
    """The page and the API of one program, served until it is closed.

    Parameters
    ----------
    settings
        Sections web, model and history are used.
    health
        State of the program that listens to a microphone; None if none does.
    report
        Gets one line for each thing that a person should know.
    engine
        What the program hears with; one that remembers can be taught.
    control
        What the page may do to the program; None: nothing.

    Raises
    ------
    UsageError
        Flask or waitress is not installed, or the token is missing.
    GenreEdgeError
        The address is in use.
    """

    def __init__(
        self,
        settings: Settings,
        health: Health | None,
        report: Callable[[str], None],
        engine: Engine | None = None,
        control: Control | None = None,
    ) -> None:
        try:
            from .admission import Admission
            from .app import create_app
            from .hub import Hub
            from .page_routes import VENDOR
            from .server import Server
            from .session_key import session_key
            from .state import WebState
        except ImportError as error:
            if error.name not in ("flask", "waitress", "werkzeug"):
                raise
            raise UsageError(f"the web needs {error.name}: {install_line('web')}") from None
        self.hub = Hub(health, settings.web.viewers) if health is not None else None
        """Sends live events to viewers; None where nobody listens."""
        teaching = _teaching(settings.model, engine)
        file = settings.of(history.SECTION).path
        key = session_key(default_folder()) if settings.web.token() else None
        state = WebState(
            settings.web, settings.model, file, health, self.hub, teaching, control, key
        )
        self._state = state
        if self.hub is not None:
            self.hub.model(state.info)
        bodies = Admission(state.guard, settings.web)
        self._server = Server(create_app(state), settings.web, bodies, report)
        self.url = self._server.url
        """Address of the page."""
        self.port = self._server.port
        """Its port."""
        if not VENDOR.is_dir():
            report(
                "the page shows no waveforms and charts: their libraries are missing; "
                "run script/web to download them"
            )

    def read_history_of(self, settings: Settings) -> None:
        """Answer from the history that other settings name."""
        self._state.history = settings.of(history.SECTION).path

    def hear_with(self, model: EngineConfig, engine: Engine) -> None:
        """Answer with another model, and teach what it hears from now on.

        Parameters
        ----------
        model
            What it was loaded from; uploads load it again.
        engine
            What the program hears with.
        """
        self._state.use_model(model, engine.bundle.info, _teaching(model, engine))
        if self.hub is not None:
            self.hub.model(engine.bundle.info)

    def close(self) -> None:
        """Disconnect viewers and stop serving."""
        if self.hub is not None:
            self.hub.close()
        self._server.close()


def _teaching(model: EngineConfig, engine: Engine | None) -> Teaching | None:
    """What teaches labels from what an engine hears; None where it does not remember
    that."""
    from .teaching import Teaching

    return Teaching(model.model, engine) if isinstance(engine, RememberingEngine) else None
