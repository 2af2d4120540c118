"""The fleet's page and API, served until they are closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import UsageError
from ..extras import install_line
from ..fleet.address import Address
from ..settings.places import default_folder
from ..settings.tables import WebConfig

_COOKIE = "genre_edge_fleet"
"""Name of the session cookie: the page of a device may be on the same machine."""
_SMALLEST_MB = 0.1
"""Nothing is uploaded here."""


class FleetPage:
    """The page and the API of one database.

    Parameters
    ----------
    config : WebConfig
        Address, port and access.
    address : Address
        Which database. It need not be there yet.
    report : callable
        Gets one line for each thing that a person should know.

    Raises
    ------
    UsageError
        Something is not installed, or the token is missing.
    GenreEdgeError
        The address is in use.
    """

    def __init__(self, config: WebConfig, address: Address, report: Callable[[str], None]) -> None:
        try:
            from ..web.admission import Admission
            from ..web.guard import Guard
            from ..web.server import Server
            from ..web.session_key import session_key
            from .app import create_fleet_app
            from .database import Database
        except ImportError as error:
            if error.name not in ("flask", "waitress", "werkzeug"):
                raise
            raise UsageError(f"the web needs {error.name}: {install_line('web')}") from None
        config = replace(config, upload_mb=_SMALLEST_MB, upload_total_mb=_SMALLEST_MB)
        key = session_key(default_folder()) if config.token() else None
        guard = Guard(config, key, _COOKIE)
        database = Database(address, report)
        app = create_fleet_app(config, guard, database)
        self._server = Server(app, config, Admission(guard, config), report)
        self.url = self._server.url
        """Address of the page."""
        database.check()

    def close(self) -> None:
        """Stop serving."""
        self._server.close()
