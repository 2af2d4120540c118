"""What is known of each device: its latest word, and when that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .batch import Batch, Note
from .messages import HealthNote
from .store import Store

TRACKED = ("online", "state", "trouble", "model", "version")
"""What is noted when it changes."""
_TIMES = ("first_seen", "last_seen", "heard_until")


@dataclass
class DeviceRow:
    """The latest of one device. Times are UTC, s since 1970."""

    device: str
    """Its name in the topics."""
    first_seen: float
    """When it was first heard of."""
    last_seen: float | None = None
    """When it was last heard of; None: only what the broker had kept is known."""
    online: bool | None = None
    """Whether it is connected."""
    state: str | None = None
    """Of its microphone or its sources."""
    trouble: str | None = None
    """What does not work; empty if all does."""
    model: str | None = None
    """Name of its model."""
    version: str | None = None
    """Of genre-edge."""
    clock_ahead: float | None = None
    """How far its clock is ahead of the collector's, s; messages that waited make that
    less."""
    windows: int | None = None
    """Heard since it started."""
    dropped_seconds: float | None = None
    """Audio lost since it started, s."""
    waiting: int | None = None
    """Messages that wait on it."""
    label: str | None = None
    """What it heard when it last told."""
    heard_until: float | None = None
    """When that was, by its clock."""


COLUMNS = tuple(DeviceRow.__dataclass_fields__)
Change = tuple[str, float, str, str]
"""Device, when it was noticed (UTC, s since 1970), one of TRACKED, its new value."""


def read_devices(store: Store, devices: Sequence[str] | None = None) -> dict[str, DeviceRow]:
    """What is known of some devices, or of all, by name."""
    where, values = "", list[Any]()
    if devices is not None:
        where, values = f" WHERE device IN ({', '.join('?' * len(devices))})", list(devices)
    found = {}
    for row in store.run(
        f"SELECT {', '.join(COLUMNS)} FROM devices{where} ORDER BY device", values
    ):
        named = dict(zip(COLUMNS, row, strict=True))
        for name in _TIMES:
            named[name] = store.seconds(named[name])
        named["online"] = None if named["online"] is None else bool(named["online"])
        found[named["device"]] = DeviceRow(**named)
    return found


def update_devices(store: Store, batch: Batch) -> None:
    """Write what a batch tells of its devices; inside a transaction."""
    names = {*batch.seen, *(note.said.device for note in batch.notes)}
    names |= {stretch.device for stretch in batch.stretches}  # the broker may have kept it
    if not names:
        return
    rows = read_devices(store, sorted(names))
    changes: list[Change] = []
    for note in batch.notes:
        row = rows.setdefault(note.said.device, DeviceRow(note.said.device, note.received))
        changes += _apply(row, note)
    for device, seen in batch.seen.items():
        row = rows.setdefault(device, DeviceRow(device, seen))
        row.last_seen = max(row.last_seen or 0.0, seen)
    for stretch in batch.stretches:
        row = rows.setdefault(stretch.device, DeviceRow(stretch.device, stretch.ended))
        if row.heard_until is None or stretch.ended >= row.heard_until:
            row.label, row.heard_until = stretch.label, stretch.ended
    # In one order everywhere: two collectors wait for each other, and never both.
    store.run_many(
        f"INSERT INTO devices ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
        "ON CONFLICT (device) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:]),
        [_values(store, rows[name]) for name in sorted(rows)],
    )
    write_changes(store, changes)


def write_changes(store: Store, changes: Iterable[Change]) -> None:
    """Note changes; inside a transaction."""
    store.run_many(
        "INSERT INTO changes (device, noticed, what, value) VALUES (?, ?, ?, ?)",
        [(device, store.moment(when), what, value) for device, when, what, value in changes],
    )


def _values(store: Store, row: DeviceRow) -> list[Any]:
    return [store.moment(value) if name in _TIMES else value for name, value in vars(row).items()]


def _apply(row: DeviceRow, note: Note) -> list[Change]:
    """Take what a device says of itself; returns what has changed."""
    before = {name: getattr(row, name) for name in TRACKED}
    said = note.said
    if isinstance(said, HealthNote):
        row.state, row.trouble, row.model = said.state, said.trouble, said.model
        row.version = said.version
        row.windows, row.dropped_seconds = said.windows, said.dropped_seconds
        row.waiting = said.waiting
        if said.time is not None and note.retained:
            row.last_seen = max(row.last_seen or 0.0, min(said.time, note.received))
        elif said.time is not None:
            row.clock_ahead = round(said.time - note.received, 3)
            if said.label is not None:  # whatever a wrong clock has said before
                row.label, row.heard_until = said.label, said.time
    else:
        row.online = said.online
    return [
        (row.device, note.received, name, _told(getattr(row, name)))
        for name in TRACKED
        if getattr(row, name) != before[name]
    ]


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
