"""Updates over MQTT: what is installed and what could be out, the wish for it in.

<prefix>/<name>/update       retained, JSON as Home Assistant's update entity takes it
<prefix>/<name>/update/set   takes "install", where people are asked
"""

from __future__ import annotations

from ...records import compact_json
from ...update_board import UpdateBoard, UpdateNews
from .connection import Connection
from .entities import INSTALL, UPDATE

_LONGEST_SUMMARY = 255
"""Letters that Home Assistant takes."""


class RemoteUpdate:
    """On one connection."""

    def __init__(self, base: str, board: UpdateBoard, connection: Connection) -> None:
        """Ask for commands, where people are asked.

        Parameters
        ----------
        base : str
            What the topics begin with.
        board : UpdateBoard
            What is known of updates.
        connection : Connection
            One that has just been made.
        """
        self._topic, self._board, self._connection = f"{base}/{UPDATE}", board, connection
        self._told: UpdateNews | None = None
        if board.asks:
            connection.subscribe_to_command(f"{self._topic}/set")

    def go_on(self) -> None:
        """Obey commands that came, and publish the news if there is any."""
        if INSTALL.encode() in self._connection.commands(f"{self._topic}/set"):
            self._board.install()
        news = self._board.news
        if news.installed and news != self._told:
            self._told = news
            self._connection.publish(self._topic, _payload(news))


def _payload(news: UpdateNews) -> bytes:
    note = news.note
    if len(note) > _LONGEST_SUMMARY:
        note = f"{note[: _LONGEST_SUMMARY - 1]}…"
    values = {
        "installed_version": news.installed,
        "latest_version": news.latest,
        "title": "genre-edge model",
        "release_summary": note,  # a text: Home Assistant takes no message with null in it
        "in_progress": news.in_progress,
    }
    return compact_json(values).encode()
