"""genre-train evaluate: a finished bundle under fixed conditions."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file, write_atomically
from genre_edge.judge.tracks import load_tracks
from genre_edge.model.bundle import find_model

from .options import fold

_DESCRIPTION = """\
Judge a bundle on the valid tracks: as recorded, and through rooms made by the image method, a
small loudspeaker, a cheap microphone, noise and low level. The conditions are fixed and training
uses none of them.
"""

_EPILOG = """\
examples:
  genre-train evaluate models/gtzan-edge.int8.tflite --data ~/gtzan --conditions
  genre-train evaluate mine.int8.tflite --data ~/my-music --conditions --card mine.md \\
      --json conditions.json
  genre-train evaluate mine.int8.tflite --data ~/gtzan ~/outside/outside.csv
  genre-train evaluate mine.int8.tflite --data ~/outside/outside.csv --few-shot
"""

_TITLE = "## In a room"
_DATA_SETS = "## On several data sets"
_FEW_SHOT = "## Labels of your own"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train evaluate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("model", metavar="MODEL", help="a bundle, or the name of a shipped one")
    top.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="DATA",
        help="labelled recordings; of several data sets, or of a CSV with sources, a table with "
        "one row for each, as recorded and in a room, whose tracks each count once",
    )
    top.add_argument(
        "--conditions", action="store_true", help="all conditions, not only as recorded"
    )
    top.add_argument(
        "--few-shot",
        action="store_true",
        help="teach labels that the model never had (artists of the data, or its folders) from 1, "
        "2 and 5 songs each, as genre-edge teach does, and ask about other songs",
    )
    top.add_argument(
        "--fold",
        type=fold,
        metavar="K/N",
        help="with --few-shot: only the part that fit --fold K/N kept apart, of which the network "
        "has met nothing",
    )
    top.add_argument("--card", type=Path, metavar="FILE", help="put the table on this model card")
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    return top


def run(args: argparse.Namespace) -> int:
    """Evaluate; returns the exit status."""
    from ..data.recordings import has_sources
    from ..results.conditions import CONDITIONS, evaluate_conditions, table

    if args.fold is not None and not args.few_shot:
        raise UsageError("--fold needs --few-shot")
    if args.card is not None and not args.card.is_file():
        raise UsageError(Fault("card", args.card, "no such file"))
    for parameter in ("card", "json"):
        if getattr(args, parameter) is not None:
            ready_file(getattr(args, parameter), parameter)
    if args.few_shot:
        return _few_shot(args)
    if len(args.data) > 1 or has_sources(args.data[0]):
        return _data_sets(args)
    valid = [track for track in load_tracks(args.data[0]) if track.split == "valid"]
    names = list(CONDITIONS) if args.conditions else list(CONDITIONS)[:1]
    found = evaluate_conditions(find_model(args.model), valid, names)
    print(table(found))
    if args.json is not None:
        figures = {name: one.to_dict() for name, one in found.items()}
        write_atomically(args.json, json.dumps(figures, indent=1) + "\n")
    if args.card is not None:
        text = (
            f"The valid tracks heard by {Path(args.model).name} under fixed conditions that "
            f"training does not use:\n\n{table(found)}"
        )
        write_atomically(args.card, with_section(args.card.read_text(), _TITLE, text))
    return 0


def _few_shot(args: argparse.Namespace) -> int:
    """The table of labels that are taught."""
    from ..data.recordings import in_folds, load_recordings
    from ..results.conditions import CONDITIONS
    from ..results.data_sets import IN_A_ROOM
    from ..results.few_shot import evaluate_few_shot, few_shot_table

    recordings = [one for data in args.data for one in load_recordings(data)]
    if args.fold is not None:
        number, count = args.fold
        parts = in_folds(recordings, count, number - 1)
        recordings = [one for one in parts if one.side == "valid"]
    names = [next(iter(CONDITIONS)), IN_A_ROOM]
    found = evaluate_few_shot(find_model(args.model), recordings, names)
    print(few_shot_table(found))
    if args.json is not None:
        write_atomically(args.json, json.dumps([one.to_dict() for one in found], indent=1) + "\n")
    if args.card is not None:
        text = (
            f"Five labels that {Path(args.model).name} never had, taught from a few songs of each "
            "(genre-edge teach); mean and standard deviation over 20 lessons:\n\n"
            + few_shot_table(found)
        )
        write_atomically(args.card, with_section(args.card.read_text(), _FEW_SHOT, text))
    return 0


def _data_sets(args: argparse.Namespace) -> int:
    """The table of several data sets."""
    from ..data.recordings import load_recordings
    from ..results.conditions import CONDITIONS
    from ..results.data_sets import IN_A_ROOM, data_sets_table, evaluate_data_sets

    recordings = [one for data in args.data for one in load_recordings(data)]
    names = list(CONDITIONS) if args.conditions else [next(iter(CONDITIONS)), IN_A_ROOM]
    found = evaluate_data_sets(find_model(args.model), recordings, names)
    # A data set is called after its file or folder.
    table = data_sets_table(found, {str(data): data.stem for data in args.data})
    print(table)
    if args.json is not None:
        write_atomically(args.json, json.dumps([one.to_dict() for one in found], indent=1) + "\n")
    if args.card is not None:
        text = (
            f"The valid tracks of several data sets, heard by {Path(args.model).name}. In brackets "
            "Wilson's 95 % interval, each track counting as one case.\n\n" + table
        )
        write_atomically(args.card, with_section(args.card.read_text(), _DATA_SETS, text))
    return 0


def with_section(card: str, title: str, text: str) -> str:
    """A model card with one section replaced, or added before "## Made from".

    Parameters
    ----------
    card
        The card, Markdown.
    title
        The section's heading, with its marks.
    text
        What the section says now.
    """
    section = f"{title}\n\n{text}\n\n"
    pattern = re.compile(rf"^{re.escape(title)}\n.*?(?=^## |\Z)", re.M | re.S)
    if pattern.search(card):
        return pattern.sub(lambda _: section, card)
    head, mark, tail = card.partition("## Made from")
    return head + section + mark + tail
