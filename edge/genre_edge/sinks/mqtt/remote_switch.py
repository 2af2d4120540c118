"""The switch "listening" over MQTT: commands in, its position out.

<prefix>/<name>/listening       retained, "ON" or "OFF"
<prefix>/<name>/listening/set   takes "ON" or "OFF"
"""

from __future__ import annotations

from collections.abc import Callable

from ...errors import GenreEdgeError
from ...listening_switch import ListeningSwitch
from .connection import Connection

LISTENING = "listening"
"""Last part of the topic with the switch's position."""
_POSITIONS = {b"ON": True, b"OFF": False}


class RemoteSwitch:
    """On one connection."""

    def __init__(
        self,
        base: str,
        switch: ListeningSwitch,
        connection: Connection,
        report: Callable[[str], None],
    ) -> None:
        """Ask for commands.

        Parameters
        ----------
        base : str
            What the topics begin with.
        switch : ListeningSwitch
            The switch.
        connection : Connection
            One that has just been made.
        report : callable
            Takes a line when the switch cannot be remembered.
        """
        self._topic, self._switch, self._report = f"{base}/{LISTENING}", switch, report
        self._connection = connection
        self._told: bool | None = None
        connection.subscribe_to_command(f"{self._topic}/set")

    def go_on(self) -> None:
        """Obey commands that came, and publish the position if it is new."""
        for command in self._connection.commands(f"{self._topic}/set"):
            if command in _POSITIONS:
                try:
                    self._switch.turn(_POSITIONS[command])
                except GenreEdgeError as error:
                    self._report(str(error))
        if self._told is not self._switch.is_on:
            self._told = self._switch.is_on
            self._connection.publish(self._topic, b"ON" if self._told else b"OFF")
