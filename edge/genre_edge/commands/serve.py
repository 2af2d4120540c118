"""genre-edge serve: a web page and an HTTP API."""

from __future__ import annotations

import argparse
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ..console import complain
from ..settings.options import add_flags
from ..settings.reader import SettingsReader
from ..settings.settings import Settings
from ..settings.tables import WEB, WebConfig
from .listen import StateSink, add_listening_options, loader, report_losses, run_until_stopped

if TYPE_CHECKING:
    from ..service.program import ListeningProgram
    from ..service.systemd_notify import Notifier

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
    reader = loader(args)
    port: int | None = None  # the one that was free, once it is known
    if not args.live:
        port = _serve(reader)
        if port is None:
            return 0
    from ..service.systemd_notify import Notifier

    notifier = Notifier()
    while True:
        program = _listening(args, reader, port, notifier)
        run_until_stopped(program)
        status = report_losses(program.health)
        if not program.starts_again:
            return status
        port = program.port
        complain("starts again")


def _serve(reader: SettingsReader) -> int | None:
    """Serve the page until a signal comes, or until the page has it listen: then
    returns its port, and None otherwise."""
    from ..service.signals import ends, signals_call
    from ..web.control import Control
    from ..web.prediction_service import PredictionService

    stop, listen = threading.Event(), threading.Event()

    def begin() -> None:
        listen.set()
        stop.set()

    with signals_call(dict.fromkeys(ends(), stop.set)):
        web = PredictionService(
            _enabled(reader(), None), None, complain, control=Control(reader, begin)
        )
        complain(f"serving {web.url}")
        stop.wait()
        web.close()
    return web.port if listen.is_set() else None


def _listening(
    args: argparse.Namespace, reader: SettingsReader, port: int | None, notifier: Notifier
) -> ListeningProgram:
    """The program that listens and serves the page, on a port that is known."""
    from ..service.program import ListeningProgram

    return ListeningProgram(
        lambda: _enabled(reader(), port),
        lambda _: StateSink(),
        complain,
        notifier,
        args.verbose,
        reader=reader,
    )


def _enabled(settings: Settings, port: int | None) -> Settings:
    """The settings with the page switched on, whatever the file says, and on a port
    that is known. UsageError if it may not be served."""
    settings.web.token()
    web = replace(settings.web, enabled=True)
    return settings.replaced(WEB, web if port is None else replace(web, port=port))
