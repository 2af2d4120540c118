"""Updates from a web server: a folder with statements and bundles."""

from __future__ import annotations

import http.client
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..console import harmless
from ..errors import UpdateError
from ..settings.credentials import without_credentials
from ..statement import MOST_BYTES, BundleOffer
from ..version import __version__
from .topics import KINDS, statement_file
from .transport import Away

_STALL_SECONDS = 30.0
"""Longest wait for the server's next bytes, s."""
_STATEMENT_SECONDS = 60.0
"""Longest time for a statement, s."""
_BUNDLE_SECONDS = 1800.0
"""Longest time for a bundle, s."""
_RETRY_SECONDS = 300.0
"""Time until a server that could not be asked is asked again, s."""
_CHUNK_BYTES = 1 << 16
_NOT_FOUND = (404, 410)
_MOST_QUOTED = 200
"""Letters of what others say that a message quotes."""


class WebTransport:
    """Looks at an address now and then."""

    def __init__(self, url: str, every_seconds: float) -> None:
        """Prepare.

        Parameters
        ----------
        url : str
            http(s)://HOST/FOLDER/. Certificates are checked as the system says.
        every_seconds : float
            Time between two looks, s. Each is up to a tenth later, so that devices that
            started together do not come together for ever.
        """
        self._url = url if url.endswith("/") else f"{url}/"
        self._every = every_seconds
        self._opener = urllib.request.build_opener(_SafeRedirects())
        self.is_well = False
        """As `Transport.is_well`."""
        self._next_look = 0.0
        self._known: dict[str, bytes] = {}
        self._woken = threading.Event()

    def look(self, seconds: float) -> list[bytes]:
        """As `Transport.look`."""
        wait = self._next_look - time.monotonic()
        if wait > 0:
            self._woken.wait(min(seconds, wait))
            self._woken.clear()
        if time.monotonic() < self._next_look:
            return []
        self.is_well = False
        # Sooner, if it fails.
        self._next_look = time.monotonic() + min(self._every, _RETRY_SECONDS)
        new, away = list[bytes](), None
        for kind in KINDS:
            try:
                found = self._statement(kind)
            except Away as error:  # what there is of the other kind counts all the same
                away = error
                continue
            if found and found != self._known.get(kind):
                new.append(found)
            self._known[kind] = found
        if away is None:
            self._next_look = time.monotonic() + self._every * random.uniform(1.0, 1.1)
        elif new:
            self._next_look = 0.0
        else:
            raise away
        self.is_well = away is None
        return new

    def _statement(self, kind: str) -> bytes:
        """What the server has about models or settings; empty if nothing. Away."""
        parts: list[bytes] = []
        url = f"{self._url}{statement_file(kind)}"
        self._get(url, MOST_BYTES, _STATEMENT_SECONDS, parts.append)
        return b"".join(parts)

    def fetch(self, offer: BundleOffer, target: Path) -> None:
        """As `Transport.fetch`."""
        try:
            url = urljoin(self._url, offer.where)
        except ValueError:
            raise UpdateError("the model's place is no address") from None
        if not _is_as_safe(self._url, url):
            raise UpdateError("the model's place is no address as safe as that of the statement")
        with target.open("wb") as file:
            if not self._get(url, offer.size, _BUNDLE_SECONDS, file.write):
                raise Away(f"{without_credentials(url)}: is not there")

    def wake(self) -> None:
        """As `Transport.wake`."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is held between two looks."""

    def _get(self, url: str, most: int, seconds: float, write: Callable[[bytes], object]) -> bool:
        """Hand on what is at an address, no more than `most` bytes and no longer than
        `seconds`; False if nothing is there."""
        end, count = time.monotonic() + seconds, 0
        request = urllib.request.Request(url, headers={"User-Agent": f"genre-edge/{__version__}"})
        shown = without_credentials(url)
        try:
            with self._opener.open(request, timeout=_STALL_SECONDS) as answer:
                while part := answer.read1(_CHUNK_BYTES):
                    count += len(part)
                    if count > most:
                        raise Away(f"{shown}: has more than {most} bytes")
                    if time.monotonic() > end:
                        raise Away(f"{shown}: takes longer than {seconds:g} s")
                    write(part)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _NOT_FOUND:
                    return False
            raise Away(f"{shown}: the server answers {error.code}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            trouble = harmless(str(getattr(error, "reason", "") or error) or type(error).__name__)
            raise Away(f"{shown}: {trouble[:_MOST_QUOTED]}") from None
        return True


def is_address(text: str) -> bool:
    """Whether a text begins as an address of a web server does."""
    return text.startswith(("http://", "https://"))


def _is_as_safe(before: str, after: str) -> bool:
    """Whether one address may lead to another: never from https to http, nor to a
    file."""
    schemes = ("https",) if urlsplit(before).scheme == "https" else ("http", "https")
    return urlsplit(after).scheme in schemes


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, request: Any, answer: Any, *others: Any) -> Any:
        if not _is_as_safe(request.full_url, others[-1]):
            answer.close()
            raise urllib.error.URLError("the server leads to an address that is not as safe")
        return super().redirect_request(request, answer, *others)
