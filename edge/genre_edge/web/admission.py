"""Which requests may send their body: decided on their headers, before anything of the
body is kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from werkzeug.wrappers import Request

from ..settings.tables import WebConfig
from .guard import Guard
from .problems import Problem

WITHOUT_TOKEN = ("/api/session", "/api/openapi.json")
"""Paths of the API that need no token."""
ENVELOPE_BYTES = 100_000
"""What a form may add to the file in it, bytes."""
_MOST_BYTES = {"/api/window": 8_000_000}
"""Largest body of single paths, bytes: 10 s of float32 samples at 192 kHz."""
_OTHERWISE = 10_000
"""Largest body of any other path, bytes; those are short JSON."""


class Admission:
    """Admits bodies, and bounds the sum of those that are received or worked on.

    Parameters
    ----------
    guard
        Who may use the API.
    config
        The limits.
    """

    def __init__(self, guard: Guard, config: WebConfig) -> None:
        self._guard = guard
        self._largest = round(config.upload_mb * 1e6) + ENVELOPE_BYTES
        self._total = max(round(config.upload_total_mb * 1e6), self._largest)
        self._taken = 0
        self._lock = threading.Lock()

    def admit(self, environ: Mapping[str, object], path: str, length: int | None) -> int:
        """Take the room for a body.

        Parameters
        ----------
        environ
            The request's headers, as WSGI has them.
        path
            What is asked for.
        length
            Bytes of the body; None where the client does not say (chunked).

        Returns
        -------
        int
            How many bytes were taken, for `release`; of a chunked body none yet, see
            `grow`.

        Raises
        ------
        Problem
            If the request may not send a body, or not such a large one, or not now.
        """
        request = Request(dict(environ), populate_request=False)
        self._guard.check_site(request)
        if path not in WITHOUT_TOKEN:
            self._guard.check_token(request)
        return self._take(path, 0, length or 0)

    def grow(self, path: str, taken: int, length: int) -> int:
        """Take the room for what has arrived of a chunked body.

        Parameters
        ----------
        path
            What is asked for.
        taken
            Bytes that were taken for it so far.
        length
            Bytes that have arrived in all.

        Returns
        -------
        int
            How many bytes are taken for it now, for `release`.

        Raises
        ------
        Problem
            If the body has become too large, or there is no more room now; then what
            was taken before stays taken.
        """
        return self._take(path, taken, length)

    def _take(self, path: str, before: int, length: int) -> int:
        most = self._largest if path == "/api/classify" else _MOST_BYTES.get(path, _OTHERWISE)
        if length > most:
            raise Problem(
                413,
                f"more than {(most - ENVELOPE_BYTES) / 1e6:g} MB"
                if path == "/api/classify"
                else f"more than {most} bytes",
            )
        with self._lock:
            if self._taken + length - before > self._total:
                text = f"uploads of more than {self._total / 1e6:g} MB at once; try again later"
                raise Problem(429, text, retry_after=5)
            self._taken += length - before
        return length

    def release(self, taken: int) -> None:
        """Give back the room of a body that is not needed any more."""
        with self._lock:
            self._taken -= taken

    @property
    def taken_bytes(self) -> int:
        """Room taken now, bytes."""
        return self._taken
