"""The packets of one connection to an MQTT broker, on one thread: connecting, and what
goes to and fro until it breaks. It is not used again after that."""

from __future__ import annotations

import select
import ssl
import time
from contextlib import suppress
from typing import Any

from ...errors import UsageError
from ...extras import install_line
from .settings import MqttConfig

CONNECT_SECONDS = 8.0
"""Time for a broker to answer."""
TICK_SECONDS = 0.1
"""Longest single wait for the network while connecting or leaving."""


def paho_client(needed_by: str, extra: str) -> Any:
    """The module paho.mqtt.client.

    Parameters
    ----------
    needed_by : str
        What cannot do without it.
    extra : str
        The extra that it is installed with.

    Raises
    ------
    UsageError
        If paho-mqtt is not installed.
    """
    try:
        import paho.mqtt.client
    except ImportError:
        raise UsageError(f"{needed_by} needs paho-mqtt: {install_line(extra)}") from None
    return paho.mqtt.client


class Wire:
    """A client of paho, driven by hand."""

    def __init__(self, paho: Any, config: MqttConfig, client_id: str, **how: Any) -> None:
        """Prepare to connect.

        Parameters
        ----------
        paho : module
            paho.mqtt.client.
        config : MqttConfig
            The broker and how to reach it.
        client_id : str
            What the broker knows this client by.
        **how
            What else paho's client is made with.
        """
        self._config, self._paho = config, paho
        self.refused: str | None = None
        """Why the broker refused the connection, in its words."""
        self.is_connected = False
        """Whether the broker has taken the connection."""
        self.has_session = False
        """Whether the broker has gone on with an earlier session."""
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=client_id,
            reconnect_on_failure=False,
            **how,
        )
        self.client.connect_timeout = CONNECT_SECONDS
        if config.user is not None:
            self.client.username_pw_set(config.user, config.password)
        self.client.on_connect = self._on_connect

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            self.is_connected, self.has_session = True, bool(flags.session_present)

    def connect(self, **how: Any) -> str:
        """Connect and wait for the broker's answer; returns what is wrong, or "".

        Parameters
        ----------
        **how
            What else paho's `connect` is given.
        """
        config = self._config
        try:
            if config.tls:
                self.client.tls_set(config.ca, config.cert, config.key)
            self.client.connect(config.host, config.port, keepalive=30, **how)
            deadline = time.monotonic() + CONNECT_SECONDS
            while not self.is_connected and not self.refused and time.monotonic() < deadline:
                if self.process(TICK_SECONDS) and not self.refused:
                    return "closed the connection"
        except ssl.SSLError as error:
            return f"TLS failed ({error.reason or error})"
        except (OSError, ValueError) as error:
            return str(getattr(error, "strerror", None) or error)
        except Exception as error:  # whatever the broker's bytes lead the library to
            return f"cannot be understood ({type(error).__name__}: {error})"
        if self.refused:
            lacks = "user" if config.user is None else "password" if not config.password else ""
            return f"refused ({self.refused}{f'; no {lacks} was given' if lacks else ''})"
        return "" if self.is_connected else f"no answer within {CONNECT_SECONDS:g} s"

    @property
    def own_address(self) -> str:
        """The address that this machine has for the broker; empty if there is none."""
        wire = self.client.socket()
        try:
            return str(wire.getsockname()[0]) if wire is not None else ""
        except OSError:
            return ""

    def process(self, timeout: float, wake: int | None = None) -> str:
        """Read from the network and write to it.

        Parameters
        ----------
        timeout : float
            Longest wait for the network, s.
        wake : int or None
            A file descriptor that ends the wait when it can be read.

        Returns
        -------
        str
            What is wrong with the connection; "" if nothing is.
        """
        client, fine = self.client, self._paho.MQTT_ERR_SUCCESS
        wire = client.socket()
        if wire is None:
            return "the connection is lost"
        if getattr(wire, "pending", lambda: 0)():  # TLS may have decrypted more than was asked for
            timeout = 0.0
        readers = [wire] if wake is None else [wire, wake]
        writers = [wire] if client.want_write() else []
        try:
            readable, writable, _ = select.select(readers, writers, [], timeout)
            results = [client.loop_read()] if wire in readable or timeout == 0.0 else []
            if writable and client.socket() is not None:
                results.append(client.loop_write())
            results.append(client.loop_misc())
        except Exception as error:  # whatever the broker's bytes lead the library to
            return f"cannot be understood ({type(error).__name__}: {error})"
        return "" if all(result == fine for result in results) else "the connection is lost"

    def drop(self) -> None:
        """Close the socket at once."""
        with suppress(Exception):
            self.client.disconnect()
        self.process(0.0)


def properties_of(packet: str) -> Any:
    """Properties of a kind of packet of MQTT 5, "CONNECT" say; none is set."""
    from paho.mqtt import packettypes, properties

    made: Any = properties.Properties
    return made(getattr(packettypes.PacketTypes, packet))
