"""Telling Home Assistant of the device, on one connection: first what is announced in
another form is taken back, then the device is described."""

from __future__ import annotations

import ipaddress
import time
from urllib.parse import urlsplit

from ...records import compact_json
from ..kind import SinkContext
from .connection import Connection
from .home_assistant import Described, discovery, discovery_filters, is_of_device
from .settings import MqttConfig

_SETTLE_SECONDS = 1.0
"""Time for the broker to say what is announced there, and for Home Assistant to unload
what is taken back, s."""
_MIGRATE = b'{"migrate_discovery":true}'
"""Has Home Assistant unload an entity and remember what the user changed of it."""


class Announcement:
    """What is announced on one connection, and what is to be."""

    def __init__(self, config: MqttConfig, context: SinkContext, connection: Connection) -> None:
        """Ask the broker what is announced.

        Parameters
        ----------
        config : MqttConfig
            The device's name and topics.
        context : SinkContext
            The program.
        connection : Connection
            One that has just been made.
        """
        self._config, self._connection = config, connection
        sources = [source.name for source in context.health.named]
        self._told = Described(
            context.labels,
            context.model,
            sources,
            context.window_seconds,
            config.page or page_address(context.page, connection.own_address),
        )
        self._due: float | None = None
        if config.discovery:
            connection.subscribe_to_home_assistant(discovery_filters(config, sources))
            self._due = time.monotonic() + _SETTLE_SECONDS

    @property
    def wait_seconds(self) -> float:
        """How long there is nothing to do, s."""
        return float("inf") if self._due is None else max(0.0, self._due - time.monotonic())

    def go_on(self) -> None:
        """Do what is due: take back what is announced in another form, or what is no
        more; a while later, announce. Home Assistant is told again after its start."""
        if self._connection.home_assistant_started() and self._due is None:
            self._due = time.monotonic()
        if self.wait_seconds > 0:
            return
        wanted = discovery(self._config, self._told)
        stale = sorted(self._connection.announced - wanted.keys())
        for topic in stale:
            if is_of_device(topic) != self._config.one_message:
                self._connection.publish(topic, _MIGRATE)
            self._connection.publish(topic, b"")
            self._connection.announced.discard(topic)
        if stale:
            self._due = time.monotonic() + _SETTLE_SECONDS
            return
        self._due = None
        for topic, description in wanted.items():
            self._connection.publish(topic, compact_json(description).encode())


def page_address(page: str, own: str) -> str | None:
    """The page's address for other machines; None if it is served to this one alone, or
    that address is not known.

    Parameters
    ----------
    page : str
        Address at which it is served; empty if it is not.
    own : str
        The address that this machine has for the broker.

    Examples
    --------
    >>> page_address("http://0.0.0.0:8080", "192.0.2.7")
    'http://192.0.2.7:8080'
    >>> page_address("http://127.0.0.1:8080", "192.0.2.7")
    """
    parts = urlsplit(page)
    host = parts.hostname
    if not host or host == "localhost":
        return None
    address = _address(host)
    if address is None:  # a name
        return page
    if address.is_unspecified:
        address = _address(own)
    if address is None or address.is_loopback:
        return None
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{shown}:{parts.port}"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
