"""Who may read and write which topics, as Mosquitto's file of access rights (ACL).

Each device writes its own topics alone. Programs that serve the whole fleet have users
of their own. The file may hold lines of other people: those between two marks are
written here.

Source: mosquitto.conf(5), acl_file
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..fleet.subscribing import Subscribing
from ..settings.source_table import topic_of
from ..sinks.mqtt.entities import UPDATE
from ..sinks.mqtt.home_assistant import BIRTH_TOPIC, ROOT, discovery_filters, nodes_of
from ..sinks.mqtt.remote_switch import LISTENING
from ..sinks.mqtt.settings import MqttConfig
from ..update.topics import root_of

COLLECTOR, ALERTS, PUBLISHER = "collector", "alerts", "publisher"
"""Users for genre-edge collect, genre-edge alerts and genre-edge publish."""
HOME_ASSISTANT = "homeassistant"
SERVICES = (COLLECTOR, ALERTS, PUBLISHER, HOME_ASSISTANT)
"""Users that are no devices."""
FLEET = "fleet"
"""Where alerts are, among the topics of devices: no device's name."""
_BEGIN = "# --- genre-edge provision: written anew each time; put lines of your own elsewhere"
_END = "# --- end of genre-edge provision"


@dataclass(frozen=True)
class Rights:
    """What one user may do."""

    read: tuple[str, ...] = ()
    """Filters of topics that it may read."""
    write: tuple[str, ...] = ()
    """Filters of topics that it may write."""
    both: tuple[str, ...] = ()
    """Filters of topics that it may read and write."""

    def lines(self, user: str) -> list[str]:
        """These rights in Mosquitto's words."""
        kinds = (("read", self.read), ("write", self.write), ("readwrite", self.both))
        topics = [f"topic {kind} {one}" for kind, found in kinds for one in found]
        return [f"user {user}", *topics, ""]


def device_rights(config: MqttConfig, sources: Sequence[str]) -> Rights:
    """What a device needs.

    Parameters
    ----------
    config
        The device's name and topics.
    sources
        Names of its sources, with those that it once had: it takes back what it
        announced of them.
    """
    nodes = [topic_of(config.base), *nodes_of(config, sources)]
    return Rights(
        read=(BIRTH_TOPIC, f"{root_of(config.prefix)}/#"),
        both=(f"{config.base}/#", *discovery_filters(nodes)),
    )


def service_rights(prefixes: Sequence[str]) -> dict[str, Rights]:
    """What each of SERVICES needs, and no more.

    Parameters
    ----------
    prefixes
        What the topics of devices begin with.
    """
    collected = [Subscribing(windows=True).filters(prefix)[0] for prefix in prefixes]
    alerts = [f"{prefix}/{FLEET}/{ALERTS}" for prefix in prefixes]
    announced = discovery_filters([topic_of(one) for one in alerts])
    return {
        COLLECTOR: Rights(read=tuple(one for filters in collected for one in filters)),
        ALERTS: Rights(read=(BIRTH_TOPIC,), both=(*(f"{one}/#" for one in alerts), *announced)),
        PUBLISHER: Rights(both=tuple(f"{root_of(prefix)}/#" for prefix in prefixes)),
        HOME_ASSISTANT: Rights(
            read=tuple(f"{prefix}/#" for prefix in prefixes),
            write=tuple(
                f"{prefix}/+/{what}/set" for prefix in prefixes for what in (LISTENING, UPDATE)
            ),
            both=(f"{ROOT}/#",),
        ),
    }


def sources_before(text: str, user: str, config: MqttConfig) -> list[str]:
    """The sources that a device has in a file of rights, by their topics."""
    begin, end = f"topic readwrite {ROOT}/device/{topic_of(config.base)}_", "/config"
    found, whose = [], ""
    for line in _within(text):
        if line.startswith("user "):
            whose = line.removeprefix("user ")
        elif whose == user and line.startswith(begin) and line.endswith(end):
            found.append(line[len(begin) : -len(end)])
    return found


def with_rights(text: str, rights: Mapping[str, Rights], name: object) -> str:
    """A file of rights with those of the fleet.

    Parameters
    ----------
    text
        What it holds; lines of other people stay.
    rights
        {user: rights}.
    name
        What the user calls the file.

    Raises
    ------
    UsageError
        If the marks in it are not as they were.
    """
    lines = text.splitlines()
    marks = (lines.count(_BEGIN), lines.count(_END))
    if marks not in ((0, 0), (1, 1)) or (marks[0] and lines.index(_END) < lines.index(_BEGIN)):
        raise UsageError(f'{name}: must have the line "{_BEGIN}" once, and after it "{_END}"')
    before, after = lines, list[str]()
    if marks[0]:
        before, after = lines[: lines.index(_BEGIN)], lines[lines.index(_END) + 1 :]
    made = [line for user, found in rights.items() for line in found.lines(user)]
    return "".join(f"{line}\n" for line in [*before, _BEGIN, *made, _END, *after])


def _within(text: str) -> Iterable[str]:
    """The lines between the marks."""
    _, _, rest = text.partition(f"{_BEGIN}\n")
    return rest.partition(f"{_END}\n")[0].splitlines()
