"""MQTT brokers: which there are in the network, and whether one can be used."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from ..errors import GenreEdgeError
from ..settings.places import default_folder
from ..settings.reader import SettingsReader
from ..sinks.mqtt.settings import SECTION, MqttOptions, mqtt_config
from ..sinks.mqtt.trial import try_broker
from .asking import ask_child
from .problems import Problem
from .turns import Turns

_LOOK_SECONDS = 30.0
"""Longest look for brokers, s."""


class Brokers:
    """Finds and tries brokers. Any thread may ask."""

    def __init__(self) -> None:
        self._turns = Turns("a broker is being looked for or tried", 1, 2)

    def found(self) -> dict[str, Any]:
        """The brokers that announce themselves, and why none could be looked for."""
        with self._turns:
            done = ask_child("brokers", _LOOK_SECONDS, "genre_edge.sinks.mqtt.discovery")
        said = done.stderr.strip().splitlines()
        trouble = said[-1] if said and done.returncode else ""
        lines = [] if trouble else done.stdout.splitlines()
        return {"brokers": [json.loads(line) for line in lines], "trouble": trouble}

    def tried(self, reader: SettingsReader, url: str, password: str | None) -> dict[str, str]:
        """Connect to a broker and leave again.

        Parameters
        ----------
        reader
            How the program reads its settings.
        url
            Its address.
        password
            Its password; None: that of the configuration, for the broker that is named
            there and for no other.

        Raises
        ------
        Problem
            422 if the address is none, or paho-mqtt is not installed.
        """
        with self._turns:
            try:
                config = mqtt_config(MqttOptions(url=url), default_folder())
                if password is None:
                    password = _known_password(reader, url)
                return asdict(try_broker(replace(config, password=password or None)))
            except GenreEdgeError as error:
                raise Problem(422, str(error)) from None


def _known_password(reader: SettingsReader, url: str) -> str | None:
    options = reader().of(SECTION)
    return mqtt_config(options, default_folder()).password if options.url == url else None
