"""Who may use the API: a token, this machine's names, and no pages of other sites."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from urllib.parse import SplitResult, urlsplit

from flask import Response
from werkzeug.wrappers import Request

from ..settings.tables import WebConfig
from .guesses import GuessLimit
from .problems import Problem
from .proxies import Proxies
from .session_key import new_key

COOKIE = "genre_edge"
"""Name of the session cookie. The page needs one: its event stream cannot send an
Authorization header."""
_COOKIE_SECONDS = 90 * 86_400
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self' blob:; worker-src 'self'; font-src 'self'; "
    "manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Guard:
    """Checks each request to the API, and adds the headers that keep browsers safe.

    Parameters
    ----------
    config
        Names the token's file, the address and the site that is allowed.
    key
        Signs session cookies; None: a new one.
    cookie
        Name of the session cookie. Browsers send cookies to all ports of a machine, so
        each program needs a name of its own.

    Raises
    ------
    UsageError
        The token is missing where one is needed, or cannot be read.
    """

    def __init__(self, config: WebConfig, key: bytes | None = None, cookie: str = COOKIE) -> None:
        self._config, self._token = config, config.token()
        self._key, self._cookie = key or new_key(), cookie
        self._guesses = GuessLimit()
        self._hosts = {name.lower() for name in config.allowed_hosts}
        self._proxies = Proxies(config)

    @property
    def needs_token(self) -> bool:
        """Whether requests must bring the token."""
        return self._token is not None

    @property
    def knows_everybody(self) -> bool:
        """Whether all who are answered have the token, or have logged in at a proxy."""
        return self.needs_token or self._config.proxy_login

    def asks_for_token(self, request: Request) -> bool:
        """Whether this request must bring the token."""
        return self.needs_token and not self._proxies.knows_user(request)

    def check_sender(self, request: Request) -> None:
        """Where nothing but the login at a proxy protects the service, refuse whoever
        comes another way.

        Raises
        ------
        Problem
            403.
        """
        if self._config.proxy_login and self._token is None and not self._proxies.sent(request):
            raise Problem(403, "this service answers its reverse proxy only; ask there")

    def check_site(self, request: Request) -> None:
        """Refuse requests of other sites' pages, and requests under another host name.

        Raises
        ------
        Problem
            403, which says what is wrong.
        """
        # A page whose name was made to point here (DNS rebinding) asks under that name.
        # It can add headers: what a proxy forwards does not count here.
        name = _split(f"//{request.host}").hostname or ""
        if self._config.is_local and name not in _LOCAL_NAMES and name not in self._hosts:
            raise Problem(
                403,
                "this service listens on localhost only; open it under that name, or name yours in "
                "allowed_hosts",
            )
        if self._is_foreign(request) and not self._is_allowed(request):
            raise Problem(
                403, "pages of other sites may not use this service; --allow-origin URL allows one"
            )

    def _is_foreign(self, request: Request) -> bool:
        """Whether a page of another site asks. A browser says so in one of two
        headers."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return True
        origin = request.headers.get("Origin")
        if origin is None:
            return False
        page = _split(origin)
        if page.hostname in self._hosts:
            return False
        here = _split(f"{page.scheme}://{self._proxies.host(request)}")
        return not page.hostname or _site(page) != _site(here)

    def check_token(self, request: Request) -> None:
        """Accept the token in the Authorization header, the session cookie, or a login
        at a proxy.

        Raises
        ------
        Problem
            401 if a token is needed and the request has neither; 429 if the client has
            sent too many wrong ones.
        """
        self.check_sender(request)
        if self._token is None or not self.asks_for_token(request):
            return
        if _equal(request.cookies.get(self._cookie, ""), _session_value(self._key, self._token)):
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip(), self.client(request)):
            return
        raise Problem(401, "send the access token: Authorization: Bearer TOKEN")

    def client(self, request: Request) -> str | None:
        """Address of whoever asks, through trusted proxies."""
        return self._proxies.client(request)

    def is_token(self, given: str, address: str | None = None) -> bool:
        """Whether this is the token; False where none is needed.

        Parameters
        ----------
        given
            What the client sent.
        address
            The client's, whose wrong tokens are counted; None counts nothing.

        Raises
        ------
        Problem
            429, without a look at the token, if too many were wrong.
        """
        if self._token is None:
            return False
        now = time.monotonic()
        wait = 0 if address is None else math.ceil(self._guesses.seconds_to_wait(address, now))
        if wait:
            raise Problem(429, "too many wrong access tokens; try again later", retry_after=wait)
        if _equal(given, self._token):
            return True
        if address is not None:
            self._guesses.count_wrong(address, now)
        return False

    def start_session(self, request: Request, response: Response) -> None:
        """Set the cookie that lets this browser in from now on, for this page alone."""
        if self._token is not None:
            response.set_cookie(
                self._cookie,
                _session_value(self._key, self._token),
                httponly=True,
                samesite="Strict",
                secure=self._proxies.is_https(request),
                path=f"{self._proxies.prefix(request)}/",
                max_age=_COOKIE_SECONDS,
            )

    def add_headers(self, request: Request, response: Response) -> Response:
        """Add the headers that every answer has, and those of an allowed site."""
        policy = response.headers.get("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        if self._proxies.knows_user(request):  # Home Assistant shows the page in a frame
            policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        response.headers["Content-Security-Policy"] = policy
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


_DEFAULT_PORTS = {"http": 80, "https": 443}


def _split(url: str) -> SplitResult:
    """The parts of an address; none of one that cannot be read."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (it is read only now)
        return parts
    except ValueError:
        return SplitResult("", "", "", "", "")


def _site(url: SplitResult) -> tuple[str | None, int | None]:
    """Host and port of an address. The scheme is left out: a reverse proxy may speak
    HTTPS for this service."""
    return url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme)


def _session_value(key: bytes, token: str) -> str:
    """Value of the session cookie: proves that its owner knew the token, without
    revealing it.

    It ends when the token is replaced. Without the key nobody can make it from a guess
    at the token, so that guesses cannot come as cookies, which are not slowed.
    """
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def _equal(given: str, secret: str) -> bool:
    """Compare in constant time, so that answers reveal nothing of the secret."""
    # JSON may hold half of a surrogate pair, which plain UTF-8 cannot encode.
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
