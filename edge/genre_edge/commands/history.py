"""genre-edge history: what was played, and for how long."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..console import harmless, standard_output
from ..errors import GenreEdgeError, os_reason
from ..pictures import DARK, LIGHT, check_picture
from ..records import json_text
from ..sinks.history import default_history
from ..sinks.history_report import BY, LabelTime, hours_text, parse_age, summarise
from ..terminal import Part, Terminal, padded

_EPILOG = """\
examples:
  genre-edge history                              the last 7 days, by genre
  genre-edge history --since 24h --by hour
  genre-edge history --source kitchen
  genre-edge history --by day --format csv > days.csv
  genre-edge history --since 30d --by day --plot month.png
  genre-edge history --plot week.svg --dark

--plot needs matplotlib (the extra "plot").
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Show how long each genre was heard, from what listening with --history has written."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=default_history(),
        metavar="PATH",
        help="the history file (default: %(default)s)",
    )
    parser.add_argument(
        "--since", default="7d", metavar="AGE", help="30m, 12h, 7d, 4w (default: %(default)s)"
    )
    parser.add_argument(
        "--source", metavar="NAME", help="one source, or one file; without it all, added up"
    )
    parser.add_argument("--by", choices=BY, default="genre", help="default: %(default)s")
    parser.add_argument(
        "--format", choices=("text", "json", "csv"), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw a picture (.png, .svg, .pdf)"
    )
    parser.add_argument(
        "--dark", action="store_true", help="the picture of --plot has a dark ground"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    if args.plot is not None:
        check_picture(args.plot, "--plot", "plot")
    since = time.time() - parse_age(args.since)
    rows = summarise(args.path, since, args.by, args.source)
    if args.format == "json":
        for row in rows:
            print(json_text(asdict(row)))
    elif args.format == "csv":
        from ..sinks.csv_table import csv_line

        table: list[list[Any]] = [
            [row.when, row.label, row.seconds, row.confidence] for row in rows
        ]
        for cells in [["when", "label", "seconds", "confidence"], *table]:
            print(csv_line(cells, standard_output()), end="")
    else:
        _print(rows, args.since)
    if args.plot is not None and rows:
        from ..sinks.history_plot import plot_history

        try:
            plot_history(rows, args.plot, args.by, since, DARK if args.dark else LIGHT)
        except OSError as error:
            raise GenreEdgeError(f"--plot {args.plot}: {os_reason(error)}") from None
    return 0


def _print(rows: Sequence[LabelTime], since: str) -> None:
    if not rows:
        print(f"nothing was heard in the last {since}")
        return
    most = max(row.seconds for row in rows)
    screen = Terminal(standard_output())
    when = ""
    for row in rows:
        if row.when != when:
            when = row.when
            print(when.replace("T", " "))
        percent = "" if row.confidence is None else f"{row.confidence:4.0%}"
        label = harmless(row.label)
        parts = [
            Part(" "),
            Part(f" {padded(label, 12)}", label=label),
            Part(f" {hours_text(row.seconds):>9}"),
            Part(f"  {percent:>4}", 1),
            Part(f"  {screen.bar(row.seconds / most, 20)}", 2),
        ]
        print(screen.line(parts))
