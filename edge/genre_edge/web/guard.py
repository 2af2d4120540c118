"""Who may use the API: a token, this machine's names, and no pages of other sites."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Request, Response

from ..settings.tables import WebConfig
from .problems import Problem

COOKIE = "genre_edge"
"""Name of the session cookie. The page needs one: its event stream cannot send an
Authorization header."""
_COOKIE_SECONDS = 90 * 86_400
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self' blob:; worker-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Guard:
    """Checks each request to the API, and adds the headers that keep browsers safe.

    Parameters
    ----------
    config
        Names the token's file, the address and the site that is allowed.

    Raises
    ------
    UsageError
        The token is missing where one is needed, or cannot be read.
    """

    def __init__(self, config: WebConfig) -> None:
        self._config, self._token = config, config.token()

    @property
    def needs_token(self) -> bool:
        """Whether requests must bring the token."""
        return self._token is not None

    def check_site(self, request: Request) -> None:
        """Refuse requests of other sites' pages, and requests under another host name.

        Raises
        ------
        Problem
            403, which says what is wrong.
        """
        # A page whose name was made to point here (DNS rebinding) asks under that name.
        if self._config.is_local and urlsplit(f"//{request.host}").hostname not in _LOCAL_NAMES:
            raise Problem(403, "this service listens on localhost only; open it under that name")
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and not self._is_allowed(request):
            raise Problem(
                403, "pages of other sites may not use this service; --allow-origin URL allows one"
            )

    def check_token(self, request: Request) -> None:
        """Accept the token in the Authorization header, or the session cookie.

        Raises
        ------
        Problem
            401 if a token is needed and the request has neither.
        """
        if self._token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return
        if _equal(request.cookies.get(COOKIE, ""), _session_value(self._token)):
            return
        raise Problem(401, "send the access token: Authorization: Bearer TOKEN")

    def is_token(self, given: str) -> bool:
        """Whether this is the token; False where none is needed."""
        return self._token is not None and _equal(given, self._token)

    def start_session(self, response: Response) -> None:
        """Set the cookie that lets this browser in from now on."""
        if self._token is not None:
            response.set_cookie(
                COOKIE,
                _session_value(self._token),
                httponly=True,
                samesite="Strict",
                max_age=_COOKIE_SECONDS,
            )

    def add_headers(self, request: Request, response: Response) -> Response:
        """Add the headers that every answer has, and those of an allowed site."""
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


def _session_value(token: str) -> str:
    """Value of the session cookie: proves that its owner knew the token, without
    revealing it.

    It depends on the token and nothing else. A session therefore survives a restart,
    and ends when the token is replaced. Two installations with one token accept each
    other's cookies, as they accept each other's token.
    """
    return hmac.new(token.encode(), b"genre-edge page", hashlib.sha256).hexdigest()


def _equal(given: str, secret: str) -> bool:
    """Compare in constant time, so that answers reveal nothing of the secret."""
    # JSON may hold half of a surrogate pair, which plain UTF-8 cannot encode.
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
