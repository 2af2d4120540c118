"""Looks after updates while a program listens: what comes is checked, tried and
installed, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from ..errors import GenreEdgeError, ModelError, UpdateError, UsageError
from ..settings.tables import EngineConfig
from ..settings.update_table import UpdateConfig
from ..statement import MODEL, SETTINGS, Statement
from ..update_board import UpdateBoard, UpdateNews
from .bundle_store import BundleStore
from .inbox import Inbox, Received
from .rehearsal import rehearse
from .state import STATE, Refusal, UpdateState, read_state, shown, version_of, write_state
from .transport import Away, Transport
from .wishes import ROLLBACK, Wishes

_LOOK_SECONDS = 2.0
"""Longest wait for a statement, between two looks at what people wish, s."""
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 6 * 3600.0
"""Pause before what could not be had is tried again, s: doubled each time."""
_MOST_TRIES = 2
"""Times that a model is tried in the listening program: one may have met a power
cut."""
_MOST_LINES, _LINES_SECONDS = 5, 300.0
"""Lines about what is not taken, within so many s: anybody may send much."""
_LEAVE_SECONDS = 5.0
"""Time that the thread gets to end, s."""


class Listening(Protocol):
    """The program that listens, as updates see it. The updates' thread calls."""

    @property
    def model(self) -> str:
        """What the model in use was loaded from: a path or a name."""

    def try_model(self, model: str) -> object:
        """Hear with another model, and watch its first windows. GenreEdgeError, and the
        one before listens again, if they are no good."""

    def switch_model(self, model: str) -> object:
        """Hear with another model at once. GenreEdgeError, and all is as it was."""

    def use_settings(self, received: Received) -> None:
        """Have settings in force as a layer of their own. GenreEdgeError, and all is as
        it was."""


@dataclass(frozen=True)
class Place:
    """Where updates are kept, and what they change."""

    folder: Path
    """Of all that updates keep."""
    device: str
    """This device's name."""
    engine: EngineConfig
    """The model that the configuration names, and how it is run."""


class Updater:
    """One for a program that listens."""

    def __init__(
        self,
        config: UpdateConfig,
        place: Place,
        transport: Transport,
        listening: Listening,
        board: UpdateBoard,
        report: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; `start` starts the thread.

        Parameters
        ----------
        config : UpdateConfig
            Who is trusted, and whether people are asked.
        place : Place
            Where updates are kept.
        transport : Transport
            Brings them; closed at the end.
        listening : Listening
            What they change.
        board : UpdateBoard
            Shows what is known of them.
        report : callable
            Takes lines that a person should see.
        wall : callable
            Gives the time, s since 1970.
        """
        self._place, self._transport, self._listening = place, transport, listening
        self._board, self._report, self._wall = board, report, wall
        self._bundles, self._wishes = BundleStore(place.folder), Wishes(place.folder)
        self._inbox = Inbox(place.device, config.trusted_keys, wall)
        self._state = UpdateState()
        self._is_wanted, self._is_busy = False, False
        self._retry: dict[str, _Retry] = {SETTINGS: _Retry(), MODEL: _Retry()}
        self._trouble = self._unwritten = ""
        self._told: deque[float] = deque(maxlen=_MOST_LINES)
        """When the last lines about what is not taken were told."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="updates", daemon=True)
        board.on_wish = transport.wake

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End; what is being tried is left, and tried again at the next start."""
        self._stop.set()
        self._transport.wake()
        self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        try:
            with self._wishes.alone() as is_alone:
                if not is_alone:
                    self._report("updates: another program that listens looks after them")
                    return
                self._begin()
                while not self._stop.is_set():
                    self._step()
        except GenreEdgeError as error:
            self._report(f"updates: {error}; there are none until the next start")
        except Exception as error:  # listening goes on
            told = f"{type(error).__name__}: {error}"
            self._report(f"updates: have failed ({told}); there are none until the next start")
        finally:
            self._transport.close()

    def _begin(self) -> None:
        state = read_state(self._place.folder / STATE)
        used = state.used(self._place.engine.model)
        if used is not None and not self._bundles.has(used.sha256):
            is_last = used.serial == state.model_serial  # else a later one was refused, say
            then = "it will be fetched again" if is_last else "publish it again to have it"
            self._report(f"updates: the file of {used.shown} is gone or damaged; {then}")
            serial = state.model_serial - is_last
            state = replace(state, installed=None, previous=None, model_serial=serial)
        elif used is not None and self._listening.model == self._place.engine.model:
            reason = "it cannot be used any more (another version of the program?)"
            told = Refusal(MODEL, used.serial, used.shown, reason, self._wall())
            state = replace(state.rolled_back(), refused=told)
        self._wishes.done(ROLLBACK)
        self._note(state)
        self._bundles.tidy(state.kept)

    def _step(self) -> None:
        """One look at what has come, and all that is to be done then."""
        if self._unwritten:
            self._note(self._state)
        try:
            for data in self._transport.look(_LOOK_SECONDS):
                self._take(data)
            if self._transport.is_well:
                self._trouble = ""
        except Away as error:
            self._tell_trouble(str(error))
        if self._wishes.is_open(ROLLBACK):
            self._roll_back()
        self._is_wanted |= self._board.take_wish()
        for kind in (SETTINGS, MODEL):
            received = self._inbox.waiting(kind, self._state)
            if received is not None and self._is_due(kind):
                self._install(received)
        self._show()

    def _take(self, data: bytes) -> None:
        try:
            self._inbox.take(data, self._state)
        except UpdateError as error:
            now = time.monotonic()
            if len(self._told) < _MOST_LINES or now - self._told[0] > _LINES_SECONDS:
                self._told.append(now)
                self._report(f"update not taken: {error}")

    def _is_due(self, kind: str) -> bool:
        if kind == MODEL and self._board.asks and not self._is_wanted:
            return False
        return time.monotonic() >= self._retry[kind].time

    def _install(self, received: Received) -> None:
        """Install what a statement says, refuse it for good, or try again later."""
        statement, retry = received.statement, self._retry[received.statement.kind]
        self._is_busy = True
        self._show()
        try:
            if statement.bundle is not None:
                self._install_model(statement)
            else:
                self._listening.use_settings(received)
                self._note(self._state.decided(SETTINGS, statement.serial))
        except (UpdateError, ModelError, UsageError) as error:
            self._refuse(statement, self._without_path(statement, str(error)))
        except GenreEdgeError as error:
            retry.later()
            self._tell_trouble(f"{shown(statement)}: {error}")
            return
        else:
            what = f"update installed: {shown(statement)}"
            if statement.bundle is None and not statement.settings:
                what = "signed settings revoked"
            self._report(f"{what} (serial {statement.serial})")
        finally:
            self._is_busy = False
        self._is_wanted, self._retry[statement.kind] = False, _Retry()

    def _install_model(self, statement: Statement) -> None:
        assert statement.bundle is not None
        version, configured = version_of(statement), self._place.engine.model
        used = self._state.used(configured)
        if used is not None and used.sha256 == version.sha256:
            self._note(replace(self._state.decided(MODEL, version.serial), installed=version))
            return
        path = str(self._bundles.bring(statement.bundle, self._transport))
        rehearse(replace(self._place.engine, model=path))
        trying = self._state.beginning(version)
        if trying.tries > _MOST_TRIES:
            raise UpdateError(f"the program has ended {_MOST_TRIES} times while it was on trial")
        before = self._state
        write_state(self._place.folder / STATE, trying)  # before: the model may end the program
        self._state = trying
        try:
            self._listening.try_model(path)
        except (UpdateError, ModelError, UsageError):
            raise
        except GenreEdgeError:  # the program ends, say: the model is not to blame
            self._note(before)
            raise
        self._note(self._state.installing(version, configured))
        self._bundles.tidy(self._state.kept)

    def _refuse(self, statement: Statement, reason: str) -> None:
        self._note(self._state.refusing(statement, reason, self._wall()))
        self._bundles.tidy(self._state.kept)
        self._report(f"update refused: {shown(statement)} (serial {statement.serial}): {reason}")

    def _without_path(self, statement: Statement, reason: str) -> str:
        """A reason as people want it: the file of an update has a name of no use."""
        sha256 = "" if statement.bundle is None else statement.bundle.sha256
        return reason.replace(f"{self._bundles.path(sha256)}: ", "")

    def _roll_back(self) -> None:
        """Have the model before listen again, as somebody wishes."""
        configured = self._place.engine.model
        used, before = self._state.used(configured), self._state.previous
        try:
            if used is not None:
                model = configured if before is None else str(self._bundles.path(before.sha256))
                self._listening.switch_model(model)
                self._note(self._state.rolled_back())
                self._report(f"update rolled back: {used.shown} is no longer used")
        except GenreEdgeError as error:
            self._report(f"the update cannot be rolled back: {error}")
        finally:
            self._wishes.done(ROLLBACK)

    def _note(self, state: UpdateState) -> None:
        """Remember what has come to pass, and show it. While it cannot be written, that
        is tried again with each look."""
        self._state, before = state, self._unwritten
        self._show()
        try:
            write_state(self._place.folder / STATE, state)
            self._unwritten = ""
        except GenreEdgeError as error:
            self._unwritten = str(error)
            if self._unwritten != before:
                self._report(f"updates: {error}; trying again")

    def _show(self) -> None:
        used, refused = self._state.used(self._place.engine.model), self._state.refused
        installed = self._place.engine.model if used is None else used.shown
        waiting = self._inbox.waiting(MODEL, self._state)
        latest, note = installed, "" if used is None else used.note
        if waiting is not None:
            latest, note = shown(waiting.statement), waiting.statement.note
        elif refused is not None and refused.serial == self._state.serial(refused.kind):
            note = f"{refused.what} was refused: {refused.reason}"
        self._board.news = UpdateNews(installed, latest, note, self._is_busy)

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._report(f"updates: {trouble}; trying again")
        self._trouble = trouble


@dataclass
class _Retry:
    """When something is tried again."""

    time: float = 0.0
    """By the monotonic clock, s."""
    pause: float = field(default=_FIRST_PAUSE)
    """The next pause, s."""

    def later(self) -> None:
        """Not before the pause is over; the next one is longer."""
        self.time = time.monotonic() + self.pause
        self.pause = min(_LONGEST_PAUSE, 2 * self.pause)
