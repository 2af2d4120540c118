"""The places that records go to besides the screen, as the settings ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import UsageError
from ..health import Health, SinkHealth
from ..model.bundle import BundleInfo
from ..records import Record
from ..settings.load import Settings, default_folder
from ..settings.tables import HistoryConfig, ProgramConfig
from ..sinks import Sink
from ..sinks.mqtt_settings import MqttConfig, mqtt_config
from ..sinks.webhook_settings import WebhookConfig, content_of

_FILE_PATIENCE, _LIVE_PATIENCE, _RELOAD_PATIENCE = 120.0, 10.0, 3.0
"""Seconds that a sink gets to finish: when a file or the listening ends, and when it is
replaced while audio comes."""

Report = Callable[[str], None]


class Closing(Sink, Protocol):
    """A sink whose `close` takes no longer than it is allowed to."""

    close_seconds: float


@dataclass(frozen=True)
class _Wanted:
    """One sink that the settings ask for."""

    name: str
    """For health."""
    config: Any
    """What it is made from; two that are equal are the same sink."""


@dataclass
class _Running:
    """A sink that is there."""

    wanted: _Wanted
    entry: SinkHealth
    sink: Closing


class Outputs:
    """A sink that hands each record to all that the settings ask for, each behind a
    queue and a thread.

    Live audio waits for nobody; files do (`live` false), so that nothing is lost.
    `info` is the model's; `report` gets a line when a sink begins to fail and when it
    works again. UsageError if one cannot be made.
    """

    def __init__(
        self, settings: Settings, health: Health, info: BundleInfo, live: bool, report: Report
    ) -> None:
        self._health, self._info, self._live, self._report = health, info, live, report
        self._running: list[_Running] = []
        self.replace(settings)

    def write(self, record: Record) -> None:
        """Hand it to each, in order."""
        for running in self._running:
            running.sink.write(record)

    def close(self) -> None:
        """Close each, the last first."""
        for running in reversed(self._running):
            running.sink.close()

    def replace(self, settings: Settings) -> None:
        """Do what the settings say from now on; sinks that they leave unchanged go on
        undisturbed."""
        wanted = list(_wanted(settings))
        kept = [running for running in self._running if running.wanted in wanted]
        for running in self._running:
            if running not in kept:
                running.sink.close_seconds = (
                    _RELOAD_PATIENCE  # the microphone's queue holds what comes meanwhile
                )
                running.sink.close()
                self._health.sinks.remove(running.entry)
        self._running = kept
        for one in wanted:
            if one not in [running.wanted for running in kept]:
                entry = SinkHealth(one.name)
                self._running.append(_Running(one, entry, self._made(one, entry)))
                self._health.sinks.append(entry)

    def _made(self, wanted: _Wanted, entry: SinkHealth) -> Closing:
        patience = _LIVE_PATIENCE if self._live else _FILE_PATIENCE
        if isinstance(wanted.config, MqttConfig):
            from ..sinks.mqtt import MqttSink

            labels, name = self._info.labels, self._info.name
            return MqttSink(
                wanted.config,
                labels,
                name,
                self._health,
                entry,
                self._report,
                not self._live,
                close_seconds=patience,
            )
        from ..sinks.background import BackgroundSink

        inner = _inner(wanted.config, entry)
        return BackgroundSink(
            inner, entry, self._report, wait=not self._live, close_seconds=patience
        )


def _wanted(settings: Settings) -> list[_Wanted]:
    """In the order in which they get records. UsageError."""
    found = []
    if settings.history.enabled:
        found.append(_Wanted("history", settings.history))
    for hook in settings.webhook:
        secrets = (content_of(hook.secret_file), content_of(hook.token_file))
        found.append(_Wanted(f"webhook {hook.host}", (hook, secrets)))
    if settings.on_change.command:
        found.append(_Wanted("on-change", settings.on_change))
    if settings.mqtt.url:
        found.append(_Wanted("mqtt", mqtt_config(settings.mqtt, default_folder())))
    return found


def _inner(config: Any, entry: SinkHealth) -> Sink:
    if isinstance(config, HistoryConfig):
        try:
            config.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"history {config.path}: {error.strerror}") from None
        from ..sinks.history import HistorySink

        return HistorySink(config, entry)
    if isinstance(config, ProgramConfig):
        from ..sinks.on_change import ProgramSink

        return ProgramSink(config)
    hook, _ = config
    assert isinstance(hook, WebhookConfig)
    from ..sinks.webhook import WebhookSink

    return WebhookSink(hook)
