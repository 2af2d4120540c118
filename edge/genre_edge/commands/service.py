"""genre-edge service: run at boot under systemd, with the journal as the log."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..console import complain
from ..errors import UsageError
from ..service.systemd_notify import heartbeat_file
from ..service.systemd_unit import NAME, WATCHDOG_SECONDS, Unit, unit_text
from ..settings.places import SYSTEM_FILE, config_home, user_file
from ..settings.text import commented
from ..sinks import kinds
from .config import write_new
from .listen import add_listening_options, loader, run_until_stopped

_EPILOG = """\
examples:
  sudo genre-edge service install          run at boot; configuration: /etc/genre-edge.toml
  genre-edge service install --user        run when this user logs in
  sudo genre-edge service install --config kitchen.toml --replace
                                           run with this configuration; once more: no change
  genre-edge service status                whether it runs, and the end of its log
  sudo genre-edge service uninstall        remove it; configuration and history stay
  journalctl -u genre-edge -o json         the log, with fields GENRE_EDGE_...

exit status: 0 done, 1 systemctl failed, 2 wrong usage or a faulty configuration
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = "Install, inspect or remove the systemd service that listens from boot on."
    parser.epilog = _EPILOG
    what = parser.add_subparsers(
        title="what to do", metavar="install|status|uninstall|alive|run", required=True
    )
    for name, run, text in (
        (
            "install",
            _install,
            "write the unit and a commented configuration file, and start the service",
        ),
        ("status", _status, "show the status that systemd reports"),
        ("uninstall", _uninstall, "stop the service and remove the unit"),
    ):
        sub = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.add_argument("--user", action="store_true", help="use the user's own service manager")
        sub.add_argument(
            "--root",
            type=Path,
            default=Path("/"),
            metavar="DIR",
            help="work in the system image DIR (default: /)",
        )
        sub.set_defaults(run=run)
        if run is _install:
            _add_install_options(sub)
    alive = what.add_parser(
        "alive",
        help="exit with status 0 if the service is alive",
        description="Exit with status 0 if the last heartbeat is recent and every part works, "
        "else 1 (a health check).",
    )
    alive.set_defaults(run=_alive)
    running = what.add_parser(
        "run",
        help="listen, as the unit starts it",
        description="Listen as a service: print a log instead of windows.",
    )
    add_listening_options(running)
    running.set_defaults(run=_run)


def _add_install_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="make FILE, once it is checked, the service's configuration; what is as it should be "
        "is left alone",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="with --config: also where there is another configuration, which is kept beside it",
    )
    parser.add_argument(
        "--no-start",
        action="store_true",
        help="do not start the service now; files with secrets may then come later",
    )


def _run(args: argparse.Namespace) -> int:
    from ..service.signals import signals_call

    reload = threading.Event()
    # SIGHUP would end a program that still loads its model.
    with signals_call({signal.SIGHUP: reload.set}):
        return _listen(args, reload)


def _listen(args: argparse.Namespace, reload: threading.Event) -> int:
    from ..log import NOTICE, Log
    from ..service.program import ListeningProgram
    from ..service.systemd_notify import Notifier
    from ..sinks.journal import LogSink

    log, notifier = Log(), Notifier()
    reader = loader(args, {"history": {"enabled": True}}, log.say)
    while True:
        program = ListeningProgram(
            reader,
            lambda health: LogSink(log, health),
            log.say,
            notifier,
            args.verbose,
            reload=reload,
            answer=partial(log.say, always=True),
            reader=reader,
        )
        run_until_stopped(program, reloads=True)
        if not program.starts_again:
            break
        log.say("starts again", NOTICE)
    log.say("stopped", NOTICE)
    return 1 if program.health.stopped else 0


def _install(args: argparse.Namespace) -> int:
    unit, config = _paths(args)
    real_config = args.root / config.relative_to("/") if not args.user else config
    text = unit_text(Unit(_program(), config, _account(), args.user))
    changed = _install_config(args, real_config)
    if args.config is None or not unit.exists() or unit.read_text(encoding="utf-8") != text:
        write_new(unit, text, True)
        print(f"wrote {unit}")
        changed = True
    if not changed:
        print("nothing has changed")
    start = "restart" if changed else "start"
    steps = [["daemon-reload"], ["enable", NAME], [start, "--no-block", NAME]]
    if args.no_start:
        del steps[-1]
    if not _systemd_runs(args):
        shown = " && ".join(" ".join(_command(args, step)) for step in steps)
        print(f"systemd does not run here; on the device: {shown}")
        return 0
    for step in steps:
        if _systemctl(args, step):
            complain(f"{' '.join(_command(args, step))}: failed")
            return 1
    if not args.no_start:
        print("started; 'genre-edge service status' shows its log")
    if args.user:
        print("to run it while nobody is logged in: loginctl enable-linger")
    return 0


def _account() -> str | None:
    """Who runs the service: the owner of the home that the program is installed in;
    None if it is in no home."""
    from getpass import getuser

    program = Path(_program()[0])
    if not any(program.is_relative_to(home) for home in ("/home", "/root")):
        return None
    return os.environ.get("SUDO_USER") or getuser()


def _install_config(args: argparse.Namespace, target: Path) -> bool:
    """Check the service's configuration and write it; whether it is another now. A
    service that cannot start is not installed."""
    from ..service.install_config import check_config, put_config

    sections = kinds.sections()
    if args.config is None and args.replace:
        raise UsageError("--replace: goes with --config")
    if args.config is None and not target.exists():
        write_new(target, commented(sections, {"history": {"enabled": True}}), False)
        print(f"wrote {target}")
        return True
    later = args.no_start or args.root != Path("/")
    missing = check_config(args.config or target, sections, args.root, args.user, later)
    done = (
        "kept" if args.config is None else put_config(args.config, target, args.replace, args.user)
    )
    print(f"{done} {target}")
    for path in missing:
        print(f"{path}: is not there yet, and the service needs it")
    return done != "kept"


def _uninstall(args: argparse.Namespace) -> int:
    unit, config = _paths(args)
    if not unit.exists():
        raise UsageError(f"{unit}: does not exist; nothing to remove")
    if _systemd_runs(args):
        _systemctl(args, ["disable", "--now", NAME])
    try:
        unit.unlink()
    except OSError as error:
        raise UsageError(f"{unit}: {error.strerror}") from None
    if _systemd_runs(args):
        _systemctl(args, ["daemon-reload"])
    print(f"removed {unit}; {config} and the history stay")
    return 0


def _status(args: argparse.Namespace) -> int:
    unit, _ = _paths(args)
    if not unit.exists():
        raise UsageError(f"{unit}: does not exist; 'genre-edge service install' writes it")
    if not _systemd_runs(args):
        print(f"{unit} exists; systemd does not run here")
        return 1
    return _systemctl(args, ["status", "--no-pager", NAME])


def _alive(args: argparse.Namespace) -> int:
    path = heartbeat_file()
    if path is None:
        raise UsageError("RUNTIME_DIRECTORY is not set: the service leaves its heartbeat there")
    try:
        age = time.time() - path.stat().st_mtime
        trouble = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        complain("no heartbeat yet")
        return 1
    print(f"last heartbeat {age:.0f} s ago" + (f"; {trouble}" if trouble else ""))
    return 1 if trouble or age > WATCHDOG_SECONDS else 0


def _paths(args: argparse.Namespace) -> tuple[Path, Path]:
    """The unit file, and the configuration file as the service sees it. UsageError
    without the right to write there."""
    if args.user:
        if args.root != Path("/"):
            raise UsageError("--root: cannot be combined with --user")
        return config_home() / "systemd/user" / NAME, user_file()
    if os.geteuid() != 0 and args.root == Path("/") and args.run is not _status:
        raise UsageError(
            "only root may do this: sudo genre-edge service ..., or --user for this user alone"
        )
    return args.root / "etc/systemd/system" / NAME, SYSTEM_FILE


def _program() -> tuple[str, ...]:
    """How to start this program from anywhere: its script, else this Python with its
    module."""
    import shutil

    script = shutil.which(sys.argv[0]) or ""
    if Path(script).name == "genre-edge":
        return (str(Path(script).absolute()), "service", "run")
    return (sys.executable, "-m", "genre_edge", "service", "run")


def _systemd_runs(args: argparse.Namespace) -> bool:
    return args.root == Path("/") and Path("/run/systemd/system").is_dir()


def _systemctl(args: argparse.Namespace, words: Sequence[str]) -> int:
    """Run systemctl; returns its exit status."""
    import subprocess

    return subprocess.run(_command(args, words), check=False).returncode


def _command(args: argparse.Namespace, words: Sequence[str]) -> list[str]:
    return ["systemctl", *(["--user"] if args.user else []), *words]
