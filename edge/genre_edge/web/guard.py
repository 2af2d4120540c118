"""Who may ask: a token, this machine's own names, and no other site's pages."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Request, Response

from ..settings.tables import WebConfig
from .problems import Problem

COOKIE = "genre_edge"
"""Holds proof of the token for the page, whose event stream cannot send headers."""
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "connect-src 'self' blob:; worker-src 'self'; font-src 'self'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'"
)


class Guard:
    """Checks each request to the API."""

    def __init__(self, config: WebConfig) -> None:
        """UsageError if the token is missing where one is needed."""
        self._config, self._token = config, config.token()

    @property
    def wants_token(self) -> bool:
        """Whether requests must bring one."""
        return self._token is not None

    def check_site(self, request: Request) -> None:
        """Problem 403 if another site's page asks, or asks under another name."""
        if self._config.is_local and urlsplit(f"//{request.host}").hostname not in _LOCAL_NAMES:
            raise Problem(403, "this service answers to localhost alone")  # DNS rebinding
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and not self._is_allowed(request):
            raise Problem(403, "another site's page may not ask; --allow-origin names one that may")

    def check_token(self, request: Request) -> None:
        """Problem 401 without the token, where one is needed."""
        if self._token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return
        if hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self._proof().encode()):
            return
        raise Problem(401, "send the token: Authorization: Bearer TOKEN")

    def is_token(self, given: str) -> bool:
        """Compared in constant time."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def admit(self, response: Response) -> None:
        """Let this browser in from now on."""
        response.set_cookie(
            COOKIE, self._proof(), httponly=True, samesite="Strict", max_age=90 * 86400
        )

    def dress(self, request: Request, response: Response) -> Response:
        """The headers every answer has."""
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "microphone=(self)"
        response.headers.setdefault("Cache-Control", "no-store")
        if self._is_allowed(request):
            response.headers["Access-Control-Allow-Origin"] = str(self._config.allow_origin)
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Vary"] = "Origin"
        return response

    def _is_allowed(self, request: Request) -> bool:
        allowed = self._config.allow_origin
        return allowed is not None and request.headers.get("Origin") == allowed

    def _proof(self) -> str:
        return hmac.new(
            (self._token or "").encode(), b"genre-edge page", hashlib.sha256
        ).hexdigest()
