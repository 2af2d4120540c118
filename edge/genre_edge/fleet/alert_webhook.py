"""Alerts to a webhook: one HTTP POST each, on a thread of its own."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable

from ..errors import GenreEdgeError, UsageError
from ..sinks.webhook_delivery import Delivery, Message
from ..sinks.webhook_settings import WebhookConfig
from .alert import Alert, Key
from .alert_memory import AlertMemory

_FIRST_REST, _LONGEST_REST = 5.0, 300.0
"""Pause after all attempts failed, s: doubled each time, with jitter."""
_LEAVE_SECONDS = 10.0
"""Longest wait for a request that is on its way when the program ends, s."""


class WebhookTeller:
    """Tells one webhook."""

    def __init__(self, config: WebhookConfig, report: Callable[[str], None]) -> None:
        """Prepare; `start` starts the thread.

        Parameters
        ----------
        config : WebhookConfig
            Where and how to POST.
        report : callable
            Takes a line when it fails, and when it works again.

        Raises
        ------
        UsageError
            If its template does not fit alerts, or it asks for windows.
        """
        known = hashlib.sha256(config.url.encode()).hexdigest()[:12]
        self.name = f"webhook {config.host} {known}"
        """By which it is known after a restart; its address may be a secret."""
        self._config, self._report = config, report
        self._stop = threading.Event()
        self._delivery = Delivery(config, self._stop.wait)
        if config.every != "change":
            raise UsageError("--webhook: every= is for windows; each alert is sent once")
        for example in (Alert("a", "silent", "text", 0.0, 1.0), Alert(None, "collector", "", 0.0)):
            try:
                self._delivery.body(example.to_json())
            except GenreEdgeError as error:
                raise UsageError(f"--webhook: {error}; an alert has {_fields()}") from None
        self.trouble = ""
        """Why alerts are not taken; empty while they are."""

    def start(self, memory: AlertMemory) -> None:
        """Start the thread, which tells what waits in `memory`."""
        self._memory = memory
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def show(self, on: list[Alert]) -> None:
        """A webhook is told of each alert alone."""

    def stop(self) -> None:
        """End the thread, after the request that is on its way."""
        self._stop.set()
        self._memory.wake()
        self._thread.join(min(self._config.timeout, _LEAVE_SECONDS))

    def _run(self) -> None:
        rest = _FIRST_REST
        while not self._stop.is_set():
            self._memory.wait(self.name, 60.0)
            try:
                trouble = self._tell()
            except Exception as error:  # whatever it is, telling must go on
                trouble = f"cannot be told ({type(error).__name__}: {error})"
            if self._stop.is_set():
                return
            if bool(trouble) != bool(self.trouble):
                host = f"webhook {self._config.host}"
                self._report(f"{host}: {f'{trouble}; trying again' if trouble else 'works again'}")
            self.trouble = trouble
            if trouble:
                self._stop.wait(rest * random.uniform(0.5, 1.5))
                rest = min(_LONGEST_REST, 2 * rest)
            else:
                rest = _FIRST_REST

    def _tell(self) -> str:
        """Tell what waits, in order; returns what is wrong. An alert that the server
        refuses keeps back only what follows of the same device and kind."""
        trouble, refused = "", set[Key]()
        for alert in self._memory.waiting(self.name):
            if alert.key in refused:
                continue
            body = self._delivery.body(alert.to_json())
            found, is_final = self._delivery.deliver(Message(alert.id, body))
            if not found:
                self._memory.told(self.name, alert)
                continue
            trouble = found
            if not is_final or self._stop.is_set():
                break
            refused.add(alert.key)
        return trouble


def _fields() -> str:
    return ", ".join(f"{{{name}}}" for name in Alert("a", "silent", "", 0.0).to_json())
