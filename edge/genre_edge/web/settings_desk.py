"""The settings as the page shows and changes them, for those who may."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ..errors import GenreEdgeError, UsageError
from ..model.bundle import find_model, read_bundle
from ..settings.editable import at_once, raw_values, settings_tables
from ..settings.editor import Editor
from ..settings.settings import Settings
from ..settings.tables import WebConfig
from ..settings.versions import ChangedMeanwhile
from .control import Control
from .guard import Guard
from .problems import Problem
from .turns import Turns

WITHOUT_TOKEN = (
    "settings are changed here only where the page has an access token. Make one: "
    "openssl rand -hex 16 > ~/.config/genre-edge/token; name its file: token_file in the table "
    "[web] of the configuration, or --token-file; then start the service again"
)
_READ_ONLY = (
    "; change it by hand, or see docs/configuration.md for how to let the service write its file"
)


class SettingsDesk:
    """Answers requests about the settings. Any thread may ask.

    Parameters
    ----------
    guard
        Knows whether there is a token, or a login at a proxy.
    config
        Whom the page is served to.
    control
        The program; None: its settings are not shown.
    """

    def __init__(self, guard: Guard, config: WebConfig, control: Control | None) -> None:
        self._guard, self._config, self._control = guard, config, control
        self._turns = Turns("the settings are being changed", 1, 3)

    @property
    def control(self) -> Control:
        """The program. Problem 409 if the page has no say in it."""
        if self._control is None:
            raise Problem(409, "this program's settings cannot be seen from the page")
        return self._control

    @property
    def is_first(self) -> bool:
        """Whether this is a program without a configuration file, which whoever sits at
        this machine may write."""
        control, config = self._control, self._config
        is_here = config.is_local and not config.allowed_hosts  # those are asked through a proxy
        return control is not None and is_here and control.reader.is_first

    def refusal(self) -> str:
        """Why settings may not be changed from the page; empty if they may."""
        if not (self._guard.knows_everybody or self.is_first):
            return WITHOUT_TOKEN
        trouble = Editor(self.control.reader).file.trouble
        return f"{trouble}{_READ_ONLY}" if trouble else ""

    def check_allowed(self) -> None:
        """Problem 403 where settings may not be changed from the page."""
        refusal = self.refusal()
        if refusal:
            raise Problem(403, refusal)

    def check_local(self) -> None:
        """Problem 403 for a network that is served without a token."""
        if not (self._guard.knows_everybody or self._config.is_local):
            raise Problem(403, WITHOUT_TOKEN)

    def described(self) -> dict[str, Any]:
        """All settings, and whether they may be changed.

        Raises
        ------
        Problem
            403 for a network that is served without a token; 422 if the file has
            faults, which it names.
        """
        self.check_local()
        file = Editor(self.control.reader).file
        try:
            return {
                "file": str(file.name),
                "version": file.version,
                "is_first": self.is_first,
                "can_undo": file.can_undo,
                "refusal": self.refusal(),
                "tables": [asdict(table) for table in settings_tables(self.control.reader)],
            }
        except GenreEdgeError as error:
            raise Problem(422, str(error)) from None

    def change(self, changes: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Change the file, and have the program read it again.

        Parameters
        ----------
        changes
            {"section.option": value}; null takes an option out of the file.
        version
            Of the file that the page has seen.

        Raises
        ------
        Problem
            403 if that is not allowed, 412 if the file was changed meanwhile, 422 with
            every fault, in the words of `genre-edge config check`.
        """
        return self._do(lambda editor: editor.change(changes, version, self._apply), changes)

    def undo(self, version: str) -> dict[str, Any]:
        """Take the last change back. Problem as for `change`; 422 too if there is
        none."""
        changed = set[str]()

        def act(editor: Editor) -> None:
            before = raw_values(self.control.reader)
            editor.undo(version, self._apply)
            after = raw_values(self.control.reader)
            changed.update(key for key in after if after[key] != before[key])

        return self._do(act, changed)

    def _do(self, act: Callable[[Editor], None], changed: Iterable[str]) -> dict[str, Any]:
        self.check_allowed()
        with self._turns:
            try:
                act(Editor(self.control.reader))
            except ChangedMeanwhile as error:
                raise Problem(412, str(error)) from None
            except GenreEdgeError as error:
                raise Problem(422, str(error)) from None
        return {"settings": self.described(), **self._when(changed)}

    def _when(self, changed: Iterable[str]) -> dict[str, list[str]]:
        """Which changes are in force by now, and which come with the next start."""
        keys, listens = sorted(changed), self.control.read_again is not None
        now = [key for key in keys if listens and at_once(*key.split("."))]
        return {"now": now, "later": [key for key in keys if key not in now]}

    def _apply(self, settings: Settings) -> None:
        """Have the program use what is in the file. UsageError if it cannot."""
        name = settings.model.model
        try:
            read_bundle(find_model(name))
        except GenreEdgeError as error:
            raise UsageError(f"model.model: {error}") from None
        trouble = self.control.read_again() if self.control.read_again is not None else ""
        if trouble:
            raise UsageError(trouble)
