"""genre-edge serve: a web page and an HTTP API."""

from __future__ import annotations

import argparse
import threading
from dataclasses import replace
from typing import Any

from ..console import complain
from ..settings.options import add_flags
from ..settings.settings import Settings
from ..settings.tables import WEB, WebConfig
from .listen import StateSink, add_listening_options, loader, report_losses, run_until_stopped

_EPILOG = """\
examples:
  genre-edge serve                     then open http://127.0.0.1:8080 and drop a file on the page
  genre-edge serve --live              also show what the microphone hears
  genre-edge serve --live --history    also show what it heard today
  genre-edge serve --host 0.0.0.0 --token-file ~/.config/genre-edge/token
  curl -F file=@song.mp3 http://127.0.0.1:8080/api/classify

/api/openapi.json describes the API. From other machines it needs an access token (header
"Authorization: Bearer TOKEN"; the page asks for it).
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Serve a web page and an HTTP API. They classify uploaded files, the browser's microphone\n"
        "and, with --live, the microphone of this machine."
    )
    parser.epilog = _EPILOG
    group = parser.add_argument_group("web")
    group.add_argument(
        "--live",
        action="store_true",
        help="also listen to the microphone of this machine, or to the sources",
    )
    add_flags(group, "web", WebConfig)
    add_listening_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until it is stopped; returns the exit status."""
    load = loader(args)
    if args.live:
        return _listen_and_serve(args, lambda: _enabled(load()))
    settings = _enabled(load())
    from ..service.signals import ends, signals_call
    from ..web.prediction_service import PredictionService

    stop = threading.Event()
    with signals_call(dict.fromkeys(ends(), stop.set)):
        web = PredictionService(settings, None, complain)
        complain(f"serving {web.url}")
        stop.wait()
        web.close()
    return 0


def _listen_and_serve(args: argparse.Namespace, load: Any) -> int:
    from ..service.program import ListeningProgram
    from ..service.systemd_notify import Notifier

    program = ListeningProgram(load, lambda _: StateSink(), complain, Notifier(), args.verbose)
    run_until_stopped(program)
    return report_losses(program.health)


def _enabled(settings: Settings) -> Settings:
    """The settings with the page switched on, whatever the file says. UsageError if it
    may not be served."""
    settings.web.token()
    return settings.replaced(WEB, replace(settings.web, enabled=True))
