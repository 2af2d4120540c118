"""Whether people let the program listen: a switch that stays as it was left."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import GenreEdgeError


class ListeningSwitch:
    """On, or off until somebody turns it on again, through restarts too. Any thread may
    use it."""

    def __init__(self, path: Path) -> None:
        """Find it as it was left.

        Parameters
        ----------
        path : Path
            A file that is there while the switch is off.
        """
        self._path = path
        self._is_on = not os.path.exists(path)  # Path.exists raises for forbidden folders

    @property
    def is_on(self) -> bool:
        """Whether the program may listen."""
        return self._is_on

    def turn(self, on: bool) -> None:
        """Turn it on or off.

        Raises
        ------
        GenreEdgeError
            If a restart would forget it. Until then it is as it was turned.
        """
        self._is_on = on
        try:
            if on:
                self._path.unlink(missing_ok=True)
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.touch()
        except OSError as error:
            raise GenreEdgeError(
                f"{self._path}: {error.strerror}; a restart will forget that listening was "
                f"switched {'on' if on else 'off'}"
            ) from None
