"""Updates of a program that listens: how they come, as its settings say, and which
model it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..errors import GenreEdgeError, ModelError, UsageError
from ..settings.places import default_folder
from ..settings.settings import Settings
from ..settings.tables import EngineConfig
from ..settings.update_table import MQTT
from ..sinks.mqtt.settings import SECTION as MQTT_SECTION
from ..sinks.mqtt.settings import mqtt_config
from ..update_board import UpdateBoard

if TYPE_CHECKING:
    from ..settings.reader import SettingsReader
    from ..update.inbox import Received
    from ..update.transport import Transport
    from ..update.updater import Listening, Updater

Begun = TypeVar("Begun")
Report = Callable[[str], None]


def check_updates(settings: Settings) -> None:
    """UsageError if updates are to come from a broker, and none is named."""
    if settings.update.url == MQTT and not settings.of(MQTT_SECTION).url:
        raise UsageError(f'update.url {MQTT}: needs the broker that "url" in [mqtt] names')


class Program(Protocol):
    """The program that listens."""

    @property
    def model(self) -> str:
        """What the model in use was loaded from."""

    def try_model(self, model: str) -> object:
        """Hear with another model, and have its first windows judged."""

    def switch_model(self, model: str) -> object:
        """Hear with another model."""

    def read_again(self) -> str:
        """Have the settings read again; returns why all is as it was, or ""."""


@dataclass(frozen=True)
class _Listening:
    """The program, as updates see it: `Listening`."""

    program: Program
    reader: SettingsReader | None

    @property
    def model(self) -> str:
        return self.program.model

    def try_model(self, model: str) -> object:
        return self.program.try_model(model)

    def switch_model(self, model: str) -> object:
        return self.program.switch_model(model)

    def use_settings(self, received: Received) -> None:
        from ..settings.signed_change import change_signed

        if self.reader is None:
            raise UsageError("this program cannot read its settings again")
        change_signed(self.reader, received.data, self.program.read_again)


class Updates:
    """Of one program; nothing is done while the settings have them off."""

    def __init__(
        self,
        settings: Settings,
        program: Program,
        report: Report,
        reader: SettingsReader | None,
    ) -> None:
        """Prepare.

        Parameters
        ----------
        settings : Settings
            Those in force.
        program : Program
            What is updated.
        report : callable
            Takes lines that a person should see.
        reader : SettingsReader or None
            How the program reads its settings; None: it takes no signed ones.

        Raises
        ------
        UsageError
            If the settings name no place that updates come from.
        """
        self._updater: Updater | None = None
        self.board: UpdateBoard | None = None
        """Shows what is known of them; None while they are off."""
        if settings.update.is_on:
            self.board = UpdateBoard(settings.update.install == "ask")
            self._updater = _updater(settings, _Listening(program, reader), self.board, report)

    def start(self) -> None:
        """Start to look for updates."""
        if self._updater is not None:
            self._updater.start()

    def close(self) -> None:
        """End; what is being tried is left."""
        if self._updater is not None:
            self._updater.close()


def _updater(
    settings: Settings, listening: Listening, board: UpdateBoard, report: Report
) -> Updater:
    import socket

    from ..update.bundle_store import updates_folder
    from ..update.updater import Place, Updater

    name = settings.of(MQTT_SECTION).name or socket.gethostname()
    place = Place(updates_folder(), name, settings.model)
    return Updater(settings.update, place, _transport(settings), listening, board, report)


def _transport(settings: Settings) -> Transport:
    config = settings.update
    if config.url != MQTT:
        from ..update.web_transport import WebTransport

        return WebTransport(config.url, 60.0 * config.every_minutes)
    from ..update.broker_transport import BrokerTransport

    check_updates(settings)
    return BrokerTransport(mqtt_config(settings.of(MQTT_SECTION), default_folder()))


def begun_with_update(
    settings: Settings, begin: Callable[[EngineConfig], Begun], report: Report
) -> Begun:
    """Begin with the model that came as an update, if there is one; with the configured
    one, if that cannot be used.

    Parameters
    ----------
    settings : Settings
        Those in force.
    begin : callable
        Loads a model. ModelError.
    report : callable
        Takes the reason why the update is not used.

    Raises
    ------
    ModelError
        If the configured model cannot be used either.
    """
    config = settings.model
    updated = _updated(settings)
    if updated is not None:
        try:
            return begin(updated)
        except ModelError as error:
            report(f"{error}; {config.model} is used instead")
    return begin(config)


def _updated(settings: Settings) -> EngineConfig | None:
    """The configured model with the file of an update in its place."""
    if not settings.update.is_on:
        return None
    from ..update.bundle_store import BundleStore, updates_folder
    from ..update.state import STATE, read_state

    folder = updates_folder()
    try:
        used = read_state(folder / STATE).used(settings.model.model)
    except GenreEdgeError:  # the updater will say so
        return None
    if used is None:
        return None
    path = BundleStore(folder).path(used.sha256)
    return replace(settings.model, model=str(path)) if path.is_file() else None
