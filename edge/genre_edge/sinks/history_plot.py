"""A picture of a history: how long each label was heard, in all or over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..colours import colour_of, ink_on
from ..pictures import Style, drawing, save
from .history_report import LabelTime

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_TICKS = 12
"""Times that the axis names."""
_NO_GENRE = ("uncertain", "silence")
"""What comes after the genres, in this order."""
_MOST_SILENCE = 1.5
"""Where silence is longer than so many times the first genre, its bar is cut."""
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


def plot_history(
    rows: Sequence[LabelTime], path: Path, by: str, since: float, style: Style
) -> None:
    """Draw how long labels were heard.

    Parameters
    ----------
    rows
        A report that is not empty.
    path
        The picture: .png, .svg or .pdf.
    by
        What the report has a row for: "genre", "hour" or "day".
    since
        What was heard before is left out, UTC, s since 1970.
    style
        Its colours.

    Raises
    ------
    OSError
        If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    unit, seconds = _unit(rows)
    with drawing(style):
        if by == "genre":
            labels = _labels(rows)
            figure = Figure(figsize=(8, 1.6 + 0.42 * len(labels)), layout="constrained")
            begin = datetime.fromtimestamp(since).astimezone()
            _draw_sums(figure.subplots(), rows, unit, seconds, style)
            title = f"What was heard since {_date(begin)}, {begin:%H:%M %Z}"
        else:
            times = _times(rows, _STEPS[by])
            width = max(8.0, min(16.0, 3.0 + 0.4 * len(times)))
            figure = Figure(figsize=(width, 5), layout="constrained")
            _draw_over_time(figure, rows, times, by, (unit, seconds), style)
            title = f"What was heard, {_span(times[0], times[-1])}"
        figure.axes[0].set_title(title)
        save(figure, path)


def _unit(rows: Sequence[LabelTime]) -> tuple[str, float]:
    """The unit that suits the longest time, and its seconds."""
    sums: dict[str, float] = {}
    for row in rows:
        sums[row.when] = sums.get(row.when, 0.0) + row.seconds
    longest = max(sums.values())
    if longest > 2 * 3600:
        return "hours", 3600.0
    return ("minutes", 60.0) if longest > 2 * 60 else ("seconds", 1.0)


def _labels(rows: Sequence[LabelTime]) -> list[str]:
    """The labels, the one that was heard longest first; what is no genre last."""
    sums: dict[str, float] = {}
    for row in rows:
        sums[row.label] = sums.get(row.label, 0.0) + row.seconds
    genres = sorted((one for one in sums if one not in _NO_GENRE), key=lambda one: -sums[one])
    return genres + [one for one in _NO_GENRE if one in sums]


def _draw_sums(
    axis: Axes, rows: Sequence[LabelTime], unit: str, seconds: float, style: Style
) -> None:
    found = {row.label: row.seconds / seconds for row in rows}
    labels = _labels(rows)[::-1]  # the first is at the top
    colours = [colour_of(label, style.is_dark) for label in labels]
    values = [found[label] for label in labels]
    bars = axis.barh(labels, values, color=colours, edgecolor=style.line, linewidth=0.8)
    longest = max((found[label] for label in labels if label != "silence"), default=0.0)
    says = [f"{value:.1f}" for value in values]
    if longest and values[0] > _MOST_SILENCE * longest:  # it would leave no room for the genres
        axis.set_xlim(0, _MOST_SILENCE * longest)
        ink = ink_on(colours[0])
        axis.text(0, 0, f"  {says[0]}: longer than this axis", va="center", color=ink)
        says[0] = ""
    else:
        axis.margins(x=0.1)
    axis.bar_label(bars, says, padding=4)
    axis.set(xlabel=unit)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x")


def _draw_over_time(
    figure: Figure,
    rows: Sequence[LabelTime],
    times: Sequence[datetime],
    by: str,
    scale: tuple[str, float],
    style: Style,
) -> None:
    """Bars of all labels on top of each other, one for each hour or day."""
    axis = figure.subplots()
    found = {(row.when, row.label): row.seconds / scale[1] for row in rows}
    names = [_name(when, by) for when in times]
    below = [0.0] * len(times)
    for label in _labels(rows):
        values = [found.get((name, label), 0.0) for name in names]
        axis.bar(
            range(len(times)),
            values,
            bottom=below,
            width=0.86,
            color=colour_of(label, style.is_dark),
            edgecolor=style.ground,
            linewidth=0.3,
            label=label,
        )
        below = [a + b for a, b in zip(below, values, strict=True)]
    step = -(-len(times) // _MOST_TICKS)
    named = range(0, len(times), step)
    axis.set_xticks(named, [_tick(times, at, by) for at in named])
    axis.set(ylabel=scale[0], xlabel=f"local time ({datetime.now().astimezone():%Z})")
    axis.margins(x=0.01)
    axis.tick_params(axis="x", length=0)
    axis.grid(axis="y")
    handles, labels = axis.get_legend_handles_labels()
    keyword: dict[str, Any] = {"loc": "outside right upper", "handlelength": 1.0}
    figure.legend(handles[::-1], labels[::-1], **keyword)  # as they lie on each other


def _times(rows: Sequence[LabelTime], step: timedelta) -> list[datetime]:
    """All hours or days from the first to the last, also those without sound."""
    time, last = (datetime.fromisoformat(when) for when in (rows[0].when, rows[-1].when))
    found = []
    while time <= last:
        found.append(time)
        time += step
    return found


def _name(time: datetime, by: str) -> str:
    """As the report calls an hour or a day."""
    return f"{time:%Y-%m-%dT%H:%M}" if by == "hour" else f"{time:%Y-%m-%d}"


def _tick(times: Sequence[datetime], at: int, by: str) -> str:
    """What the axis says: a day, or an hour and its day where that is another."""
    day = f"{times[at]:%a} {times[at].day}"
    if by == "day":
        return day
    is_new = at == 0 or all(one.date() != times[at].date() for one in times[max(0, at - 1) : at])
    return f"{times[at]:%H:%M}\n{day}" if is_new or at % 24 < 2 else f"{times[at]:%H:%M}"


def _span(first: datetime, last: datetime) -> str:
    """From one day to another, nothing said twice."""
    if first.date() == last.date():
        return _date(last)
    begin = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else None
    if begin is None:
        begin = f"{first.day} {first:%B}" if first.year == last.year else _date(first)
    return f"{begin} to {_date(last)}"


def _date(when: datetime) -> str:
    return f"{when.day} {when:%B %Y}"
