"""The process that sends one message by Apprise and ends: what Apprise needs of memory
is needed only so long.

Standard input has {"urls": [...], "title": ..., "body": ..., "sends": true, "seconds":
30} as JSON: secrets are never on a command line. Standard output gets a line of JSON
for each address, as soon as it is known what became of it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from typing import Any
from urllib.parse import unquote

_KNOWN = (
    (r"CERTIFICATE_VERIFY_FAILED", "the server's certificate is not trusted"),
    (r"[Cc]onnection refused", "connection refused"),
    (r"[Nn]ame or service not known|name resolution|getaddrinfo|NameResolution", "host not found"),
    (r"[Tt]imed? ?out", "no answer in time"),
    (r"[Uu]nreachable|[Nn]o route to host", "the network is not there"),
    (r"[Cc]onnection reset|[Cc]onnection aborted|RemoteDisconnected", "connection cut off"),
)
"""What is found in Apprise's log, and what people are told."""
_LONGEST_TROUBLE = 200
_SHORTEST_SECRET = 3
"""Parts of an address from this length on are left out of what is told."""


class _Said(logging.Handler):
    """What Apprise says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line."""
        self.lines.append(record.getMessage())


def main() -> int:
    """Send what standard input says: to one address after the other, since Apprise's
    log does not tell them apart. One that hangs leaves time for the others."""
    from ...model.workers import die_with_parent

    die_with_parent()
    asked = json.load(sys.stdin)
    import apprise

    said = _Said()
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(said)
    # Without these, telephones would fetch Apprise's pictures from elsewhere.
    asset = apprise.AppriseAsset(
        app_id="genre-edge",
        app_desc="genre-edge",
        app_url="",
        image_url_mask=None,
        image_url_logo=None,
        async_mode=False,
        storage_mode="memory",
    )
    end = time.monotonic() + asked["seconds"]
    for number, url in enumerate(asked["urls"]):
        said.lines.clear()
        found: dict[str, Any] = {}

        def attempt(url: str = url, found: dict[str, Any] = found) -> None:
            found |= _attempt(apprise, asset, url, asked, said)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(max(0.0, end - time.monotonic()) / (len(asked["urls"]) - number))
        if not thread.is_alive():
            print(json.dumps({"number": number, **found}), flush=True)
    return 0


def _attempt(apprise: Any, asset: Any, url: str, asked: Any, said: _Said) -> dict[str, Any]:
    """What became of one address: {"trouble": ..., "is_final": ...}."""
    try:
        sender = apprise.Apprise(asset=asset)
        if not sender.add(url):
            return {"trouble": "Apprise does not understand this URL", "is_final": True}
        if not asked["sends"]:
            return {"trouble": "", "is_final": True}
        if sender.notify(body=asked["body"], title=asked["title"], body_format="text"):
            return {"trouble": "", "is_final": True}
        return told(said.lines, url)
    except Exception as error:  # whatever a plugin does with what a server sends
        return {"trouble": f"Apprise failed ({type(error).__name__})", "is_final": False}


def told(lines: list[str], url: str) -> dict[str, Any]:
    """What went wrong, from the lines of Apprise's log, without any part of the
    address.

    Examples
    --------
    >>> told(["Failed to send ntfy notification: Unauthorized, error=401."], "ntfy://x")
    {'trouble': 'HTTP 401', 'is_final': True}
    """
    text = "\n".join(lines)
    # ntfy's codes are the status and two digits more.
    status = re.search(r"error=(\d{3})(?:\d\d)?\b", text)
    if status is not None:
        code = int(status[1])
        return {
            "trouble": f"HTTP {code}",
            "is_final": 400 <= code < 500 and code not in (408, 425, 429),
        }
    for pattern, words in _KNOWN:
        if re.search(pattern, text):
            return {"trouble": words, "is_final": False}
    first = next((line for line in lines if "rror" in line or "ailed" in line), "not sent")
    return {"trouble": _without(url, first)[:_LONGEST_TROUBLE], "is_final": False}


def _without(url: str, text: str) -> str:
    """A text without what an address is made of."""
    parts = set(re.findall(r"\w+", f"{url.partition('://')[2]} {unquote(url)}"))
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "***")
    return " ".join(text.split())


if __name__ == "__main__":
    status = main()
    os._exit(status)  # not through threads that still wait for a server
