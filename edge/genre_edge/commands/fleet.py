"""genre-edge fleet: the devices in a database, and what they heard."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import complain, harmless
from ..errors import UsageError
from ..records import iso8601, json_text
from ..settings.options import add_flags, given
from ..settings.tables import WebConfig
from ..sinks.history_report import hours_text, parse_age

if TYPE_CHECKING:
    from ..fleet.device_rows import DeviceRow
    from ..fleet.store import Store

_EPILOG = """\
examples:
  genre-edge fleet sqlite:///fleet.db
  genre-edge fleet postgresql://genre_edge_viewer@db/fleet --format json
  genre-edge fleet sqlite:///fleet.db kitchen --since 24h
  genre-edge fleet sqlite:///fleet.db --serve      then open http://127.0.0.1:8080
  genre-edge fleet sqlite:///fleet.db --serve --host 0.0.0.0 --token-file ~/.config/genre-edge/token

The database's password is in --database-password-file, GENRE_EDGE_DATABASE_PASSWORD or ~/.pgpass.
"""
_MOST_ROWS = 100_000
"""Stretches and changes of one device that are shown, the latest."""
_TIMES = ("first_seen", "last_seen", "heard_until", "started", "ended", "noticed")
_COLUMNS = ("DEVICE", "IS", "SEEN", "HEARS", "VERSION", "MODEL", "STATE", "TROUBLE")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Show the devices whose messages genre-edge collect has put into a database: who is there, "
        "last seen, version, model, microphone, trouble; or what one of them heard."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "database", metavar="DATABASE", help="postgresql://USER@HOST/NAME or sqlite:///FILE"
    )
    parser.add_argument("device", nargs="?", metavar="DEVICE", help="one device's history")
    parser.add_argument(
        "--database-password-file", type=Path, metavar="FILE", help="file with its password"
    )
    parser.add_argument(
        "--since",
        default="7d",
        metavar="AGE",
        help="of a device's history: 30m, 12h, 7d, 4w (default: %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    page = parser.add_argument_group("page")
    page.add_argument(
        "--serve", action="store_true", help="serve all of this as a page, and as an HTTP API"
    )
    add_flags(page, "web", WebConfig)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print or serve; returns the exit status."""
    if args.serve:
        return _serve(args)
    if any(given(args, "web")):
        raise UsageError("the options of the page need --serve")
    from ..fleet.address import parse_address
    from ..fleet.open_store import check_version, store_at

    age = parse_age(args.since)
    store = store_at(parse_address(args.database, args.database_password_file), must_exist=True)
    store.open()
    try:
        check_version(store)
        if args.device is None:
            _show_all(store, args.format)
        else:
            _show_one(store, args.device, time.time() - age, args.format)
    finally:
        store.close()
    return 0


def _serve(args: argparse.Namespace) -> int:
    """Serve the page until a signal comes."""
    import threading

    from ..fleet.address import parse_address
    from ..fleet_page.page import FleetPage
    from ..service.signals import ends, signals_call
    from ..service.systemd_notify import Notifier

    if args.device is not None:
        raise UsageError("--serve shows all devices: leave DEVICE out")
    address = parse_address(args.database, args.database_password_file)
    stop, notifier = threading.Event(), Notifier()
    with signals_call(dict.fromkeys(ends(), stop.set)):
        page = FleetPage(WebConfig(**given(args, "web")), address, complain)
        complain(f"serving {page.url}")
        notifier.ready(f"serving {page.url}")
        stop.wait()
        notifier.stopping()
        page.close()
    return 0


def _json(values: dict[str, Any]) -> str:
    """A line of JSON, with times as ISO 8601."""
    timed = {
        key: iso8601(value) if key in _TIMES and value is not None else value
        for key, value in values.items()
    }
    return json_text(timed)


def _show_all(store: Store, form: str) -> None:
    from ..fleet.reading import all_devices, presence, trouble_of

    now, rows = time.time(), all_devices(store)
    if form == "json":
        for row in rows:
            more = {"presence": presence(row, now), "trouble": trouble_of(row)}
            print(_json(asdict(row) | more))
        return
    if not rows:
        print("no device was heard of yet")
        return
    table = [_COLUMNS, *(_cells(row, now) for row in rows)]
    widths = [max(len(line[k]) for line in table) for k in range(len(_COLUMNS))]
    for line in table:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
    states = [presence(row, now) for row in rows]
    counts = ", ".join(f"{states.count(one)} {one}" for one in ("online", "silent", "offline"))
    troubled = sum(1 for row in rows if trouble_of(row))
    devices = "1 device" if len(rows) == 1 else f"{len(rows)} devices"
    print(f"{devices}: {counts}; {troubled} with trouble")


def _cells(row: DeviceRow, now: float) -> tuple[str, ...]:
    from ..fleet.reading import age_text, presence, trouble_of

    seen = "" if row.last_seen is None else f"{age_text(now - row.last_seen)} ago"
    found = (row.label, row.version, row.model, row.state, trouble_of(row))
    return tuple(map(harmless, (row.device, presence(row, now), seen, *(t or "-" for t in found))))


def _show_one(store: Store, device: str, since: float, form: str) -> None:
    from ..fleet.device_rows import read_devices
    from ..fleet.reading import changes_of, label_seconds, stretches_of

    found = read_devices(store, [device])
    if device not in found:
        raise UsageError(f"{device}: no such device; 'genre-edge fleet DATABASE' lists them")
    stretches = stretches_of(store, device, since, _MOST_ROWS)
    changes = changes_of(store, device, since, _MOST_ROWS)
    if form == "json":
        print(_json({"type": "device"} | asdict(found[device])))
        for change in changes:
            print(_json({"type": "change"} | asdict(change)))
        for stretch in stretches:
            print(_json({"type": "stretch"} | asdict(stretch)))
        return
    for label, value in zip(_COLUMNS, _cells(found[device], time.time()), strict=True):
        print(f"{label.lower():<8} {value}")
    print("\nheard")
    for name, seconds in label_seconds(store, device, since).items():
        print(f"  {harmless(name):<12} {hours_text(seconds):>9}")
    print("\nchanges")
    for change in changes[-20:]:
        print(f"  {_local(change.noticed)}  {change.what}: {harmless(change.value) or 'none'}")
    print("\nlatest")
    for stretch in stretches[-20:]:
        sure = "" if stretch.confidence is None else f"{stretch.confidence:4.0%}"
        length = f"{stretch.ended - stretch.started:.0f} s"
        print(f"  {_local(stretch.started)}  {harmless(stretch.label):<12} {length:>6} {sure}")


def _local(when: float) -> str:
    return f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M:%S}"
