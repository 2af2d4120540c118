"""Reverse proxies in front of the service: which are trusted, and what they say of who
asks. What anybody else says in the same headers is ignored."""

from __future__ import annotations

import re
from ipaddress import ip_address

from werkzeug.wrappers import Request

from ..settings.tables import WebConfig, networks_of

_PREFIX = re.compile(r"(/[\w.~-]+)+", re.ASCII)
"""A path that browsers take for a cookie's."""
_PREFIX_HEADERS = ("X-Ingress-Path", "X-Forwarded-Prefix")
"""Headers that tell under which path the page is seen; Home Assistant sends the
first."""


class Proxies:
    """The proxies that the configuration names.

    Parameters
    ----------
    config
        Names their addresses, and says whether they know who asks.
    """

    def __init__(self, config: WebConfig) -> None:
        self._networks = networks_of(config.trusted_proxies)
        self._knows_users = config.proxy_login

    def sent(self, request: Request) -> bool:
        """Whether a request comes from a trusted proxy; the connection's other end
        decides, and no header."""
        return self._is_one(request.remote_addr)

    def knows_user(self, request: Request) -> bool:
        """Whether a request comes from a proxy that has asked its user to log in."""
        return self._knows_users and self.sent(request)

    def client(self, request: Request) -> str | None:
        """Address of the client: behind trusted proxies, the last one that is none of
        them."""
        address = request.remote_addr
        if not self.sent(request):
            return address
        for one in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            try:
                address = str(ip_address(one.strip()))
            except ValueError:
                break
            if not self._is_one(address):
                break
        return address

    def host(self, request: Request) -> str:
        """Host and port that the client asked for."""
        return self._said(request, "X-Forwarded-Host") or request.host

    def is_https(self, request: Request) -> bool:
        """Whether the client's connection is encrypted, as far as a proxy says so."""
        return self._said(request, "X-Forwarded-Proto") == "https"

    def prefix(self, request: Request) -> str:
        """Path under which the client sees the page, without a "/" at its end; empty
        for the top."""
        for name in _PREFIX_HEADERS:
            path = self._said(request, name).rstrip("/")
            if _PREFIX.fullmatch(path):
                return path
        return ""

    def _said(self, request: Request, name: str) -> str:
        """The first value of a trusted proxy's header; empty if there is none."""
        if not self.sent(request):
            return ""
        return request.headers.get(name, "").split(",")[0].strip()

    def _is_one(self, address: str | None) -> bool:
        if not self._networks or not address:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self._networks)
