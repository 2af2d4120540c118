"""One page about a library: shares, a map, and what is worth a second listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..arrays import Float32
from ..colours import colour_of
from ..version import __version__
from .alike import groups_alike
from .sources import is_url
from .tag_check import SURE, UNLIKELY, Tags, likely_wrong
from .whole import Whole

MOST_POINTS = 4000
"""Files on the map; of more, some are drawn by lot."""
MOST_ROWS = 50
"""Files in each list."""
FINE_HOURS = 10
"""Below so many hours in all, hundredths of an hour are shown."""
MAP_SIZE = (900, 560)
"""Width and height of the map, units of its SVG."""


@dataclass(frozen=True)
class Share:
    """What there is of one genre."""

    label: str
    files: int
    hours: float
    share: float
    """Of all files that have a genre."""
    colour: str


@dataclass(frozen=True)
class Point:
    """A file on the map."""

    x: float
    y: float
    colour: str
    title: str


def report(whole: Whole, tags: Tags | None, positions: Float32 | None, way: str) -> str:
    """The page, as HTML that needs nothing else.

    Parameters
    ----------
    whole
        The library.
    tags
        What the files' tags say; None if they were not read.
    positions
        Where each file is on the map, float32 [n, 2]; None if there is no map.
    way
        How the positions were found, for people.
    """
    from jinja2 import Environment

    rows = whole.heard
    groups = _alike(whole)
    wrong = [] if tags is None else likely_wrong(rows, tags)
    shown = [{"row": rows[at], "tag": tags.named[at]} for at in wrong[:MOST_ROWS] if tags]
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    hours = sum(row["seconds"] for row in rows) / 3600
    places = 1 if hours >= FINE_HOURS else 2
    page.filters |= {"link": _link, "percent": _percent, "clock": _clock, "colour": colour_of}
    page.filters["hours"] = lambda value: f"{value:,.{places}f}"
    text = files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    return page.from_string(text).render(
        whole=whole,
        version=__version__,
        hours=hours,
        shares=_shares(rows),
        points=None if positions is None else _points(rows, positions),
        way=way,
        size=MAP_SIZE,
        unsure=sorted(rows, key=lambda row: (row["confidence"], row["path"]))[:MOST_ROWS],
        tags=tags,
        wrong=shown,
        wrong_count=len(wrong),
        table=None if tags is None else _table(rows, tags),
        groups=groups and [[rows[at] for at in group] for group in groups[:MOST_ROWS]],
        group_count=len(groups or ()),
        sure=SURE,
        unlikely=UNLIKELY,
    )


def _shares(rows: Sequence[Mapping[str, Any]]) -> list[Share]:
    """The genres, the most frequent first."""
    counts = Counter(row["genre"] for row in rows)
    seconds: Counter[str] = Counter()
    for row in rows:
        seconds[row["genre"]] += row["seconds"]
    return [
        Share(label, count, seconds[label] / 3600, count / len(rows), colour_of(label))
        for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _points(rows: Sequence[Mapping[str, Any]], positions: Float32) -> list[Point]:
    """The map. Outliers are drawn at its edge, so that they do not shrink the rest."""
    drawn = np.random.default_rng(0).permutation(len(rows))[:MOST_POINTS]
    low, high = np.quantile(positions, (0.005, 0.995), axis=0)
    place = np.clip((positions - low) / np.maximum(high - low, 1e-9), 0, 1)
    width, height = MAP_SIZE
    return [
        Point(
            round(8 + float(place[at, 0]) * (width - 16), 1),
            round(8 + float(place[at, 1]) * (height - 16), 1),
            colour_of(rows[at]["genre"]),
            f"{rows[at]['path']}: {rows[at]['genre']} {_percent(rows[at]['confidence'])}",
        )
        for at in drawn
    ]


def _table(rows: Sequence[Mapping[str, Any]], tags: Tags) -> dict[str, Counter[str]]:
    """How many files of each label by their tags have which genre."""
    table: dict[str, Counter[str]] = {}
    for row, named in zip(rows, tags.named, strict=True):
        if named is not None:
            table.setdefault(named[1], Counter())[row["genre"]] += 1
    return dict(sorted(table.items()))


def _alike(whole: Whole) -> list[list[int]] | None:
    if whole.vectors is None:
        return None
    return groups_alike(whole.vectors, [row["seconds"] for row in whole.heard])


def _link(path: str) -> str | None:
    """What a browser opens; None for what it does not."""
    if path.startswith(("http://", "https://")):
        return path
    return None if is_url(path) else "file://" + quote(str(Path(path)))


def _percent(share: float) -> str:
    """Whole percents, as the page and the lists have them."""
    return f"{share * 100:.0f} %"


def _clock(seconds: float) -> str:
    """m:ss."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
