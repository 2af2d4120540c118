"""genre-edge listen: the genre of what a microphone or other sources hear."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..console import complain, standard_output
from ..errors import UsageError
from ..settings.credentials import has_credentials
from ..settings.options import add_flags, given, option_fields
from ..settings.reader import SettingsReader
from ..settings.settings import Settings, Table, Tables
from ..settings.signed import SignedSettings, signed_file
from ..settings.source_table import SourceConfig, parse_source
from ..settings.tables import CaptureConfig, ListenConfig
from ..sinks import kinds
from .common import add_config_option, add_engine_options, add_verbose_option, shown_labels
from .sink_options import add_output_options, check_output_flags, output_flags, report_sinks

if TYPE_CHECKING:
    from ..health import Health
    from ..records import Record
    from ..service.program import ListeningProgram
    from ..sinks.live_lines import LiveTextSink
    from ..sinks.sink import Sink

_EPILOG = """\
examples:
  genre-edge                                  listen to the default microphone
  genre-edge --device usb:0d8c:013c           listen to this one, whatever its index is today
  genre-edge --format json | jq -r .label     labels for a script
  genre-edge --hop 1 --duration 60            a window each second, for a minute
  genre-edge --history                        keep what was heard (genre-edge history shows it)
  genre-edge --webhook https://example.org/now-playing,token-file=token.txt
  genre-edge devices                          list the microphones
  genre-edge listen --source https://example.org/radio.mp3
  genre-edge listen --source fifo:/tmp/snapfifo,rate=48000,name=kitchen
  genre-edge listen --source microphone,name=hall --source http://h:8000/a.mp3,name=radio

If the device is missing or lost, the program waits for it. Settings without a flag come from the
environment and the configuration file (genre-edge config).

exit status: 0 after Ctrl-C, SIGTERM, --duration or --windows, 1 when listening is impossible or
a place that records go to lost some or had stopped to work, 2 wrong usage
"""

_SHORTEST_HOP, _LONGEST_HOP = 0.25, 3.0
"""Limits of --hop for listening, s: the processor must keep up, and windows must leave
out no audio."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = "Print the genre of each 3-second window that a microphone hears."
    parser.epilog = _EPILOG
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    add_listening_options(parser)
    parser.set_defaults(run=run)


def add_listening_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that the configuration file can set too."""
    add_flags(parser.add_argument_group("microphone"), "microphone", CaptureConfig)
    add_source_option(parser)
    add_flags(parser.add_argument_group("label"), "listen", ListenConfig)
    add_output_options(parser)
    add_engine_options(parser)
    add_config_option(parser)
    add_verbose_option(parser)


def add_source_option(parser: argparse.ArgumentParser) -> None:
    """--source, for commands that can hear a stream."""
    parser.add_argument_group("sources instead of the microphone").add_argument(
        "--source",
        action="append",
        default=[],
        metavar="URL[,KEY=VALUE]",
        help="a stream, through ffmpeg: http(s):// (radio, Icecast), rtsp(s):// (camera), "
        "fifo:PATH, file:PATH (in a loop), alsa:NAME or pulse:NAME; or microphone. May be "
        "repeated; then each needs name=. Other keys: gain-db=, "
        "channel=, stall-seconds=, exit-on-loss=true; fifo: rate=, channels= (raw 16-bit "
        "samples); rtsp: rtsp-transport=, audio-only=false. Put a URL with a password into the "
        "configuration file",
    )


def source_flags(args: argparse.Namespace) -> Tables:
    """What --source sets. UsageError if there are flags of a microphone that is no
    source."""
    if not args.source:
        return {}
    sources = [parse_source(text) for text in args.source]
    if not any(SourceConfig(**source).is_microphone for source in sources):
        for one in option_fields(CaptureConfig):
            if one.name in given(args, "microphone"):
                raise UsageError(f"{one.option.flag} is for the microphone, not for --source")
    if any(has_credentials(source["url"]) for source in sources):
        complain(
            "--source: other users see the password in the list of processes; write the URL into "
            "the configuration file instead"
        )
    return {"source": sources}


def loader(
    args: argparse.Namespace,
    base: Mapping[str, Table] | None = None,
    report: Callable[[str], None] = complain,
) -> SettingsReader:
    """Make what reads the settings of a listening command.

    Parameters
    ----------
    args : argparse.Namespace
        The command line; its flags override all else.
    base : mapping or None
        Defaults of this command, below the configuration file.
    report : callable
        Takes a line when signed settings cannot be used.

    Returns
    -------
    SettingsReader
        Reads file and environment anew at each call. Its UsageError names every fault.
    """
    flags = {
        **{name: given(args, name) for name in ("microphone", "listen", "model", "web")},
        **output_flags(args),
        **source_flags(args),
    }

    def check(settings: Settings, origins: Mapping[str, str]) -> None:
        from ..service.updates import check_updates

        check_updates(settings)
        hop = settings.model.hop_seconds
        if hop is not None and not _SHORTEST_HOP <= hop <= _LONGEST_HOP:
            place = origins["model.hop_seconds"]
            raise UsageError(f"{place}: must be between {_SHORTEST_HOP:g} and {_LONGEST_HOP:g} s")
        check_output_flags(args, settings)

    signed = SignedSettings(signed_file(), report)
    return SettingsReader(kinds.sections(), args.config, flags, base, check, signed)


def run(args: argparse.Namespace) -> int:
    """Listen; returns the exit status."""
    from ..service.program import ListeningProgram
    from ..service.systemd_notify import Notifier

    read = loader(args)
    screen = _Screen(args.format, shown_labels(read().model))
    program = ListeningProgram(
        read, lambda _: screen, screen.report, Notifier(), args.verbose, levels=screen.levels
    )
    run_until_stopped(program)
    return report_losses(program.health)


def run_until_stopped(program: ListeningProgram, reloads: bool = False) -> None:
    """Run until the end, SIGINT or SIGTERM. With `reloads`, SIGHUP has the settings
    read again; else it ends the program, as a terminal that is closed should."""
    from ..service.signals import ends, signals_call

    reload = {signal.SIGHUP: program.reload.set} if reloads else {}
    with signals_call(dict.fromkeys(ends(), program.stop.set) | reload):
        program.run()


def report_losses(health: Health) -> int:
    """Print a line about audio that was dropped, and one for each sink that failed.
    Returns the exit status: 1 if a sink lost records or had stopped to work."""
    if health.dropped_seconds or health.overflows:
        complain(
            f"{health.dropped_seconds:.1f} s of audio dropped, {health.overflows} overflows of "
            "the driver"
        )
    report_sinks(health)
    return 1 if health.stopped or any(entry.dropped for entry in health.sinks) else 0


class StateSink:
    """Changes of state on standard error, and nothing else."""

    def write(self, record: Record) -> None:
        """Take one record."""
        from ..records import StateRecord

        if isinstance(record, StateRecord):
            complain(record.described)

    def close(self) -> None:
        """Nothing is held back."""


class _Screen(StateSink):
    """Changes of state on standard error, windows on standard output."""

    def __init__(self, name: str, top: int) -> None:
        self._sink: Sink
        self._lines: LiveTextSink | None = None
        self.levels: Callable[[Sequence[tuple[str, float]]], None] | None = None
        """Shows the level of each source; None where nobody would see it."""
        if name == "json":
            from ..sinks.json_lines import JsonlSink

            self._sink = JsonlSink(standard_output())
        else:
            from ..sinks.live_lines import LiveTextSink

            self._sink = self._lines = LiveTextSink(standard_output(), top)
            if self._lines.shows_levels:
                self.levels = self._lines.levels

    def report(self, message: str) -> None:
        """Print a line on standard error, not into the one that shows the level."""
        with nullcontext() if self._lines is None else self._lines.aside():
            complain(message)

    def write(self, record: Record) -> None:
        with nullcontext() if self._lines is None else self._lines.aside():
            super().write(record)
        self._sink.write(record)

    def close(self) -> None:
        self._sink.close()
