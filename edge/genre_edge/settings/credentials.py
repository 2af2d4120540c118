"""Addresses without the secrets in them: for screens, logs and records."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")


def without_credentials(url: str) -> str:
    """An address with `***` for its user and password, and for what follows a "?".

    Examples
    --------
    >>> without_credentials("rtsp://admin:secret@camera.local/live?token=1")
    'rtsp://***@camera.local/live?***'
    >>> without_credentials("https://example.org/radio.mp3")
    'https://example.org/radio.mp3'
    """
    return _QUERY.sub("***", _USER.sub("***@", url)) if "://" in url else url


def has_credentials(url: str) -> bool:
    """Whether `without_credentials` hides something."""
    return without_credentials(url) != url
