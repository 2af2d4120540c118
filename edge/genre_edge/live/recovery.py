"""Opening a source that does not end, and opening it again after each loss."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..errors import DeviceChoiceError, DeviceError
from ..health import SourceHealth

OnState = Callable[[str, str], None]
"""Takes a state ("listening", "waiting" or "lost") and the reason, in words."""

POLL_SECONDS = 0.2
"""Time between two looks at the stop request while no audio comes, s."""
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between attempts to open; the last repeats."""

Opened = TypeVar("Opened")


def _no_signs() -> object:
    return None


class Recovery:
    """Waits for one source, however long it takes.

    Parameters
    ----------
    stop
        Ends every wait when it is set.
    on_state
        Called when the source cannot be opened.
    health
        Counts the losses.
    exit_on_loss
        Whether a source that is missing or lost is an error instead.
    pulse
        Called several times a second while the source is waited for.
    signs
        Looks for signs that the source may have come: when its answer changes, a pause
        ends early.
    least_seconds
        Shortest time between two openings, s. A server that ends every answer at once
        is not asked without pause.
    """

    def __init__(
        self,
        stop: threading.Event,
        on_state: OnState,
        health: SourceHealth,
        exit_on_loss: bool,
        pulse: Callable[[], None] = lambda: None,
        signs: Callable[[], object] = _no_signs,
        least_seconds: float = 0.0,
    ) -> None:
        self._stop, self._on_state, self._health = stop, on_state, health
        self._exit_on_loss, self._pulse, self._signs = exit_on_loss, pulse, signs
        self._least_seconds = least_seconds
        self._was_heard = False

    def sessions(
        self, open_once: Callable[[], Opened | None], loss: Callable[[], str]
    ) -> Iterator[Opened]:
        """What `open_once` opens: one after each loss, until asked to stop.

        Parameters
        ----------
        open_once
            Opens the source, or raises DeviceError; None when asked to stop.
        loss
            The message of the error if the source is lost and not waited for.

        Raises
        ------
        DeviceError
            If the source is missing or lost and is not to be waited for.
        DeviceChoiceError
            If waiting cannot help. What was heard once is waited for all the same: a
            file or a program that is replaced is back soon.
        """
        while (opened := self._open(open_once)) is not None:
            self._was_heard, since = True, time.monotonic()
            yield opened
            if self._stop.is_set():
                return
            self._health.losses += 1
            if self._exit_on_loss:
                raise DeviceError(loss())
            self._pause(self._least_seconds - (time.monotonic() - since))

    def _open(self, open_once: Callable[[], Opened | None]) -> Opened | None:
        attempt = 0
        while not self._stop.is_set():
            try:
                return open_once()
            except DeviceError as error:
                is_hopeless = isinstance(error, DeviceChoiceError) and not self._was_heard
                if self._exit_on_loss or is_hopeless:
                    raise
                if attempt == 0 and self._health.state != "lost":
                    self._on_state("waiting", str(error))
            changed = self._pause(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt = 1 if changed else attempt + 1
        return None

    def _pause(self, seconds: float) -> bool:
        """Wait for `seconds`, or until the signs change; returns whether they did."""
        end, before = time.monotonic() + seconds, self._signs()
        while not self._stop.is_set() and time.monotonic() < end:
            self._pulse()
            self._stop.wait(min(POLL_SECONDS, max(0.0, end - time.monotonic())))
            if self._signs() != before:
                self._stop.wait(0.5)  # udev or the server is still at work on it
                return True
        return False
