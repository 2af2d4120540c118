"""genre-edge collect: what many devices publish, in one database."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import complain
from ..errors import UsageError

if TYPE_CHECKING:
    from ..fleet.collector import Collector
    from ..fleet.store import Store
    from ..fleet.subscribing import Subscribing
    from ..service.systemd_notify import Notifier

_EPILOG = """\
examples:
  genre-edge collect mqtt://broker sqlite:///fleet.db
  genre-edge collect mqtt://collector@broker,password-file=mqtt.password postgresql://me@db/fleet
  genre-edge collect mqtt://broker postgresql://me@db/fleet --part 1/2      one of two collectors
  genre-edge collect --migrate-only postgresql://owner@db/fleet
  genre-edge collect --roles | sudo -u postgres psql -1 -d fleet

The broker's password is in password-file= or GENRE_EDGE_MQTT_PASSWORD, the database's in
--database-password-file, GENRE_EDGE_DATABASE_PASSWORD or ~/.pgpass.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Collect the stretches of genre, the health and the status that devices publish over MQTT "
        "in a database, each row once."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "addresses",
        nargs="*",
        metavar="BROKER DATABASE",
        help="mqtt[s]://[USER@]HOST[:PORT][/PREFIX][,KEY=VALUE] (keys: name=, password-file=, ca=, "
        "cert=, key=), and postgresql://USER@HOST/NAME or sqlite:///FILE",
    )
    parser.add_argument(
        "--database-password-file", type=Path, metavar="FILE", help="file with its password"
    )
    parser.add_argument("--windows", action="store_true", help="collect every window too")
    parser.add_argument(
        "--keep-months", type=int, metavar="N", help="delete what is older than N months"
    )
    share = parser.add_mutually_exclusive_group()
    share.add_argument(
        "--part",
        default="1/1",
        metavar="I/N",
        help="collect part I of the devices; N collectors, one for each part, share the load",
    )
    share.add_argument(
        "--shared",
        action="store_true",
        help="have the broker share messages out ($share); for brokers that remember shared "
        "subscriptions when they restart, which Mosquitto 2.0 does not",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--once", action="store_true", help="end when nothing waits any more")
    what.add_argument(
        "--forget",
        action="store_true",
        help="likewise, and have the broker forget this collector: it will not come back",
    )
    what.add_argument("--migrate-only", action="store_true", help="make or update the tables alone")
    what.add_argument(
        "--check", action="store_true", help="check that the tables are those of this version"
    )
    what.add_argument(
        "--roles", action="store_true", help="print SQL for roles with least rights (PostgreSQL)"
    )
    parser.add_argument(
        "--status-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="time between two status lines (default: %(default)g)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Collect; returns the exit status."""
    if args.roles:
        from ..fleet.roles import SQL

        print(SQL, end="")
        return 0
    needed = 1 if args.migrate_only or args.check else 2
    if len(args.addresses) != needed:
        raise UsageError(
            "give the DATABASE alone" if needed == 1 else "give the BROKER and the DATABASE"
        )
    _check(args)
    from ..fleet.address import parse_address
    from ..fleet.open_store import check_version, store_at

    address = parse_address(args.addresses[-1], args.database_password_file)
    if address.path is not None and not address.path.parent.is_dir():
        raise UsageError(f"{address.shown}: there is no folder {address.path.parent}")
    store = store_at(address, must_exist=args.check)
    if needed == 2:
        return _collect(args, store)
    store.open()
    try:
        if args.check:
            check_version(store)
            print(f"{store.shown}: its tables are those of this version")
        else:
            names = store.migrate()
            told = [f"new tables: {name}" for name in names] or ["nothing to do"]
            print("\n".join(f"{store.shown}: {line}" for line in told))
    finally:
        store.close()
    return 0


def _check(args: argparse.Namespace) -> None:
    from ..fleet.months import MOST_MONTHS

    if args.keep_months is not None and not 1 <= args.keep_months <= MOST_MONTHS:
        raise UsageError(f"--keep-months {args.keep_months}: must be between 1 and {MOST_MONTHS}")
    if not 0.1 <= args.status_seconds <= 86_400:
        raise UsageError(f"--status-seconds {args.status_seconds:g}: must be between 0.1 and 86400")


def _collect(args: argparse.Namespace, store: Store) -> int:
    import threading

    from ..fleet.broker_address import CollectorKeys, parse_broker
    from ..fleet.collector import Collector
    from ..fleet.months import Believed
    from ..fleet.receiver import Receiver
    from ..service.signals import ends, signals_call
    from ..service.systemd_notify import Notifier

    config, subscribing = parse_broker(args.addresses[0], CollectorKeys), _subscribing(args)
    stop, notifier = threading.Event(), Notifier()
    once = args.once or args.forget
    with signals_call(dict.fromkeys(ends(), stop.set)):
        if not _ready(store, stop, once):
            return 0
        receiver = Receiver(config, subscribing, complain)
        believed = Believed(args.keep_months)
        collector = Collector(receiver, store, config.prefix, believed, complain)
        receiver.start()
        notifier.ready("collecting")
        try:
            collector.run(stop, once, _Beat(notifier, args.status_seconds))
        finally:
            notifier.stopping()
            receiver.close(args.forget)
            store.close()
        print(collector.tally.line(collector.waiting), flush=True)
    return 0


def _ready(store: Store, stop: object, once: bool) -> bool:
    """Open the database and make its tables, as soon as it is there; False if it is
    told to stop before."""
    import threading

    from ..fleet.store import Away

    assert isinstance(stop, threading.Event)
    told = ""
    while not stop.is_set():
        try:
            store.open()
            names = store.migrate()
        except Away as error:
            if once:
                raise
            if str(error) != told:
                complain(f"{error}; trying again")
            told = str(error)
            stop.wait(5.0)
            continue
        for name in names:
            complain(f"{store.shown}: new tables: {name}")
        return True
    return False


class _Beat:
    """Tells how it goes: systemd always, people now and then."""

    def __init__(self, notifier: Notifier, seconds: float) -> None:
        self._notifier, self._seconds = notifier, seconds
        self._next = time.monotonic() + seconds

    def __call__(self, collector: Collector) -> None:
        self._notifier.heartbeat(collector.trouble)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._seconds
        line = collector.tally.line(collector.waiting)
        print(line, flush=True)
        self._notifier.status(line)


def _subscribing(args: argparse.Namespace) -> Subscribing:
    from ..fleet.subscribing import Subscribing

    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", args.part)
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--part {args.part}: must be 1/2, 2/2, 3/5, ...: part I of N")
    return Subscribing(args.windows, part, parts, args.shared)
