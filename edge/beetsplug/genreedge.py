"""A plugin for beets (https://beets.io): `beet genre-edge` hears the songs in it.

Each song gets the fields `genre_edge` (what is heard) and `genre_edge_confidence`. Its
genre is set where it has none.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import genre_edge
from beets import ui
from beets.dbcore import types
from beets.library import Item
from beets.plugins import BeetsPlugin
from genre_edge.errors import GenreEdgeError
from genre_edge.library.tags import shown_genre
from genre_edge.settings.tables import DEFAULT_MODEL


class GenreEdgePlugin(BeetsPlugin):  # type: ignore[misc]  # beets is not looked into
    """Hears songs on command, or as they are imported (`auto: yes`)."""

    item_types = {  # noqa: RUF012 (beets asks for it)
        "genre_edge": types.STRING,
        "genre_edge_confidence": types.FLOAT,
    }

    def __init__(self) -> None:
        super().__init__()
        self.config.add(
            {"auto": False, "force": False, "min_confidence": 0.5, "model": DEFAULT_MODEL}
        )
        if self.config["auto"].get(bool):
            self.import_stages = [self._imported]

    def commands(self) -> list[ui.Subcommand]:
        """The command `genre-edge`."""
        command = ui.Subcommand("genre-edge", help="hear what kind of music songs are")
        command.parser.add_option(
            "-f", "--force", action="store_true", help="replace genres that are there"
        )
        command.parser.add_option(
            "-p", "--pretend", action="store_true", help="show what is heard, change nothing"
        )
        command.func = self._run
        return [command]

    def _run(self, library: Any, options: Any, query: list[str]) -> None:
        force = bool(options.force) or self.config["force"].get(bool)
        for item in library.items(query):
            self._hear(item, force, bool(options.pretend), ui.should_write())

    def _imported(self, session: Any, task: Any) -> None:
        for item in task.imported_items():
            self._hear(item, self.config["force"].get(bool), False, ui.should_write())

    @cached_property
    def _model(self) -> genre_edge.Model:
        try:
            return genre_edge.load(self.config["model"].as_str())
        except GenreEdgeError as error:
            raise ui.UserError(f"genreedge: {error}") from None

    def _hear(self, item: Item, force: bool, pretend: bool, write: bool) -> None:
        path = item.path.decode("utf-8", "surrogateescape")
        try:
            with warnings.catch_warnings(record=True):  # an odd file is heard all the same
                warnings.simplefilter("always")
                verdict = self._model.classify_file(path)
        except GenreEdgeError as error:
            self._log.warning("{}", error)
            return
        if verdict.genre is None or verdict.confidence is None:
            self._log.info("{}: no music", item)
            return
        is_sure = verdict.confidence >= self.config["min_confidence"].as_number()
        sets = is_sure and (force or not _genres(item))
        note = ", set as its genre" if sets else ""
        ui.print_(f"{item}: {verdict.genre} {verdict.confidence:.0%}{note}")
        if pretend:
            return
        item["genre_edge"] = verdict.genre
        item["genre_edge_confidence"] = float(verdict.confidence)
        if sets:
            _set_genre(item, shown_genre(verdict.genre))
        item.store()
        if sets and write:
            item.try_write()


def _genres(item: Item) -> Any:
    """The genres that a song has. Beets before 2.6 knows one."""
    return item["genres" if "genres" in item._fields else "genre"]


def _set_genre(item: Item, genre: str) -> None:
    if "genres" in item._fields:
        item["genres"] = [genre]
    else:
        item["genre"] = genre
