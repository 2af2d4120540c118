"""The service as a part of a listening program, or alone."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import UsageError
from ..health import Health
from ..settings.load import Settings
from .hub import Hub


class Web:
    """Page and API of one program; with a Hub where it listens."""

    def __init__(
        self, settings: Settings, health: Health | None, report: Callable[[str], None]
    ) -> None:
        """UsageError without Flask and waitress, GenreEdgeError if the address is
        taken."""
        try:
            from .app import VENDOR, create_app
            from .server import Server
            from .state import WebState
        except ImportError as error:
            if error.name not in ("flask", "waitress", "werkzeug"):
                raise
            raise UsageError(f"the web needs {error.name}: pip install 'genre-edge[web]'") from None
        self.hub = Hub(health, settings.web.viewers) if health is not None else None
        history = settings.history.path
        state = WebState(settings.web, settings.model, history, health, self.hub)
        self._server = Server(create_app(state), settings.web, report)
        self.url = self._server.url
        """Where the page is."""
        if not VENDOR.is_dir():
            report(
                "the page lacks its libraries (waveforms, charts): script/web fetches them; the "
                "API is whole"
            )

    def close(self) -> None:
        """Send viewers home and stop."""
        if self.hub is not None:
            self.hub.close()
        self._server.close()
