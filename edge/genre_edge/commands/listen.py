"""genre-edge listen: the genre of what a microphone hears, for as long as it is there."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import Any

from ..config import CaptureConfig, ListenConfig
from ..errors import UsageError
from ..health import Health
from ..records import Record, StateRecord
from ..sinks import Sink
from .common import add_engine_options, add_verbose_option, complain, engine_config
from .outputs import add_output_options, open_outputs, report_sinks

_EPILOG = """\
examples:
  genre-edge                                  listen to the default microphone
  genre-edge --device usb:0d8c:013c           to this one, whatever its number today
  genre-edge --format json | jq -r .label     follow along from a script
  genre-edge --hop 1 --duration 60            a window every second, for a minute
  genre-edge --history                        remember what was heard (genre-edge history)
  genre-edge --webhook https://example.org/now-playing,token-file=token.txt
  genre-edge devices                          which microphones there are

A device that is missing or lost is waited for; the exit status is 0 after Ctrl-C, SIGTERM, --duration or
--windows, 1 when listening is impossible, 2 for wrong usage.
"""

_LONGEST_HOP = 3.0


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "listen",
        help="the genre of what a microphone hears (the default command)",
        description="Print the genre of each 3-second window that a microphone hears.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_capture_options(parser.add_argument_group("microphone"))
    group = parser.add_argument_group("output")
    group.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    group.add_argument(
        "--hop", type=float, metavar="SECONDS", help="distance between windows, 0.25 to 3 s (default: 3)"
    )
    group.add_argument(
        "--smooth",
        type=int,
        default=ListenConfig.smooth,
        metavar="N",
        help="windows averaged for the label (default: %(default)s; 1: none)",
    )
    group.add_argument(
        "--silence",
        type=float,
        default=ListenConfig.silence_dbfs,
        metavar="DBFS",
        help="level below which it is silence (default: %(default)g dBFS)",
    )
    group.add_argument(
        "--uncertain",
        type=float,
        metavar="P",
        help='probability below which the label is "uncertain" (default: what the model\'s card says)',
    )
    group.add_argument("--duration", type=float, metavar="S", help="stop after S seconds")
    group.add_argument("--windows", type=int, metavar="N", help="stop after N windows")
    add_output_options(parser)
    add_engine_options(parser)
    add_verbose_option(parser)
    parser.set_defaults(run=run)


def _add_capture_options(group: Any) -> None:
    group.add_argument(
        "--device", metavar="D", help="a token ('genre-edge devices'), an index, or a part of the name"
    )
    group.add_argument("--gain", type=float, default=0.0, metavar="DB", help="amplify by DB decibels")
    group.add_argument(
        "--channel", type=int, metavar="N", help="hear channel N alone (default: the mean of all)"
    )
    group.add_argument(
        "--exit-on-device-loss",
        action="store_true",
        help="leave with status 1 instead of waiting for the device",
    )


def run(args: argparse.Namespace) -> int:
    """Listen; returns the exit status."""
    capture = CaptureConfig(
        device=args.device,
        gain_db=args.gain,
        channel=args.channel,
        exit_on_device_loss=args.exit_on_device_loss,
    )
    config = ListenConfig(
        smooth=args.smooth,
        silence_dbfs=args.silence,
        uncertain_below=args.uncertain,
        duration=args.duration,
        windows=args.windows,
    )
    if args.hop is not None and not 0.25 <= args.hop <= _LONGEST_HOP:
        raise UsageError(f"--hop {args.hop:g}: must be between 0.25 and {_LONGEST_HOP:g} s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    _listen(args, capture, config, stop)
    return 0


def _listen(
    args: argparse.Namespace, capture: CaptureConfig, config: ListenConfig, stop: threading.Event
) -> None:
    from ..listener import Listener
    from ..live import LiveSource
    from ..pipeline import Engine
    from ..sinks.background import Fanout

    engine = Engine(engine_config(args))
    health = Health()
    sink = Fanout([_sink(args.format), *open_outputs(args, health, engine.bundle.info, live=True)])

    def emit(record: Record) -> None:
        if isinstance(record, StateRecord):
            complain(f"{record.state}: {record.reason}")
        sink.write(record)

    listener = Listener(engine, config, emit, health, capture.gain)
    source = LiveSource(capture, engine.logmel.spec.sample_rate, stop, listener.state, health, args.verbose)
    give_up = _timer(config.duration, stop, health)
    try:
        listener.run(source)
    finally:
        give_up.cancel()
        sink.close()
    if health.dropped_seconds or health.overflows:
        complain(
            f"{health.dropped_seconds:.1f} s of audio dropped, {health.overflows} overflows of the driver"
        )
    report_sinks(health)


def _timer(duration: float | None, stop: threading.Event, health: Health) -> threading.Timer:
    """Ends --duration when no audio comes at all; while it does, the audio's own timeline counts."""

    def expire() -> None:
        if health.state in ("starting", "waiting", "lost"):
            stop.set()

    timer = threading.Timer(duration if duration is not None else threading.TIMEOUT_MAX, expire)
    timer.daemon = True
    if duration is not None:
        timer.start()
    return timer


def _sink(name: str) -> Sink:
    if name == "json":
        from ..sinks.jsonl import JsonlSink

        return JsonlSink(sys.stdout)
    from ..sinks.live import LiveTextSink

    return LiveTextSink(sys.stdout)
