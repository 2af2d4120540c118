"""Which broker: its address and keys on the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UsageError
from ..settings.options import from_pairs, option
from ..settings.places import default_folder
from ..sinks.mqtt.settings import MqttConfig, MqttOptions, mqtt_config


@dataclass(frozen=True)
class BrokerKeys:
    """The keys of the broker's address."""

    url: str = option("", "mqtt[s]://[USER@]HOST[:PORT][/PREFIX]")
    password_file: Path | None = option(None, "file with the password")
    ca: Path | None = option(None, "CA certificates for mqtts, PEM")
    cert: Path | None = option(None, "client certificate for mqtts, PEM")
    key: Path | None = option(None, "its key, PEM")


@dataclass(frozen=True)
class CollectorKeys(BrokerKeys):
    """Those of a collector."""

    name: str = option("collect", "the name of this collector's session at the broker")


def parse_broker(
    text: str, keys: type[BrokerKeys] = BrokerKeys, called: str = "broker"
) -> MqttConfig:
    """Read "mqtt://user@host:1883/prefix,key=value,...".

    Parameters
    ----------
    text : str
        What the user wrote.
    keys : type
        Which keys there are.
    called : str
        What a message calls it.

    Raises
    ------
    UsageError
        If it is none, or a file that it names cannot be read.
    """
    try:
        given = keys(**from_pairs(keys, "url", text))
        return mqtt_config(MqttOptions(**asdict(given)), default_folder())
    except UsageError as error:
        raise UsageError(f"{called}: {error}") from None
