"""Telling Home Assistant of the device, on one connection: first what is announced in
another form, or of sources that are no more, is taken back, then the device is
described."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Set
from urllib.parse import urlsplit

from ...records import compact_json
from ...settings.source_table import topic_of
from ..kind import SinkContext
from .connection import Connection
from .home_assistant import (
    OFF,
    ON_THEIR_OWN,
    ON_WISH,
    Described,
    discovery,
    discovery_filters,
    is_of_device,
    node_of,
    nodes_of,
)
from .leftovers import Leftovers
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
            context.sensors,
            None if context.switch is None else config.switch,
            _updates(context),
        )
        # A program that hears files ends soon. One that listens may have its name.
        self._leftovers = None if context.wait else Leftovers(config.base, sources, connection)
        self._to_clear: Leftovers | None = None
        """Emptied once Home Assistant reads it no more: it would complain."""
        self._gone: set[str] = set()
        """Ids of the devices that sources were which are no more."""
        if config.discovery:
            connection.subscribe_to_home_assistant()
            nodes = [topic_of(config.base), *nodes_of(config, sources)]
            connection.subscribe_to_announced(discovery_filters(nodes))
        self._due: float | None = time.monotonic() + _SETTLE_SECONDS

    @property
    def wait_seconds(self) -> float:
        """How long there is nothing to do, s."""
        return float("inf") if self._due is None else max(0.0, self._due - time.monotonic())

    def go_on(self) -> None:
        """Do what is due: take back what is announced in another form, or what is no
        more; a while later, announce. Home Assistant is told again after its start."""
        if self._due is None and self._connection.home_assistant_started():
            self._due = time.monotonic()
        if self.wait_seconds > 0:
            return
        if self._to_clear is not None:
            self._to_clear.clear()
            self._due = self._to_clear = None
            return
        if self._leftovers is not None and self._look_for(self._leftovers):
            self._due = time.monotonic() + _SETTLE_SECONDS
            return
        wanted = discovery(self._config, self._told) if self._config.discovery else {}
        if self._take_back(self._connection.announced - wanted.keys()):
            self._due = time.monotonic() + _SETTLE_SECONDS
            return
        self._due = None
        for topic, description in wanted.items():
            self._connection.publish(topic, compact_json(description).encode())
        if self._leftovers is not None:
            self._to_clear, self._leftovers = self._leftovers, None
            self._due = time.monotonic() + _SETTLE_SECONDS

    def _look_for(self, leftovers: Leftovers) -> bool:
        """Ask for more of what is left of sources; whether there was more to ask."""
        if leftovers.look():
            return True
        gone = leftovers.gone()
        if gone and self._config.discovery:
            nodes = nodes_of(self._config, gone)
            self._connection.subscribe_to_announced(discovery_filters(nodes))
            self._gone.update(nodes)
        return bool(gone)

    def _take_back(self, topics: Set[str]) -> bool:
        """Empty topics of discovery; whether there were any."""
        for topic in sorted(topics):
            comes_again = node_of(topic) not in self._gone
            if comes_again and is_of_device(topic) != self._config.one_message:
                self._connection.publish(topic, _MIGRATE)
            self._connection.publish(topic, b"")
            self._connection.announced.discard(topic)
        return bool(topics)


def _updates(context: SinkContext) -> str | None:
    """How models come over the network; None for a program that does not listen."""
    if context.updates is not None:
        return ON_WISH if context.updates.asks else ON_THEIR_OWN
    return None if context.switch is None else OFF


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
