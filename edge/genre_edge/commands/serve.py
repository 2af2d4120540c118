"""genre-edge serve: the prediction service and its page."""

from __future__ import annotations

import argparse
import signal
import threading
from dataclasses import replace
from typing import Any

from ..errors import UsageError
from ..settings.load import Settings
from ..settings.options import add_flags
from ..settings.tables import WebConfig
from .common import complain
from .listen import Said, add_listening_options, loader, report_losses, run_until_stopped

_EPILOG = """\
examples:
  genre-edge serve                     open http://127.0.0.1:8080 and drop a file on the page
  genre-edge serve --live              and what the microphone hears now
  genre-edge serve --live --history    and what it heard today
  genre-edge serve --host 0.0.0.0 --token-file ~/.config/genre-edge/token
  curl -F file=@song.mp3 http://127.0.0.1:8080/api/classify

The API is described at /api/openapi.json. Beyond this machine it wants a token (Authorization:
Bearer TOKEN; the page asks for it).
"""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="the prediction service and its page",
        description="Serve a page and an HTTP API that classify files, microphones of browsers "
        "and this one's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_argument_group("web")
    group.add_argument("--live", action="store_true", help="also listen to the microphone")
    add_flags(group, "web", WebConfig)
    add_listening_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until it is stopped; returns the exit status."""
    load = loader(args)
    if args.live:
        return _listen_and_serve(args, lambda: _enabled(load()))
    settings = load()
    from ..web.prediction_service import PredictionService

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    web = PredictionService(settings, None, complain)
    complain(f"serving {web.url}")
    stop.wait()
    web.close()
    return 0


def _listen_and_serve(args: argparse.Namespace, load: Any) -> int:
    from ..service.program import Listening
    from ..service.systemd_notify import Notifier

    listening = Listening(load, lambda _: Said(), complain, Notifier(), args.verbose)
    run_until_stopped(listening)
    report_losses(listening.health)
    return 0


def _enabled(settings: Settings) -> Settings:
    """With the web on, whatever the file says; UsageError if it may not be."""
    try:
        settings.web.token()
    except UsageError as error:
        raise UsageError(f"--host: {error}") from None
    return replace(settings, web=replace(settings.web, enabled=True))
