"""genre-edge teach: labels of your own from a few examples, learnt on the device."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ..console import complain
from ..errors import GenreEdgeError, UsageError
from ..records import json_text
from ..settings.options import add_flags
from ..settings.tables import DEFAULT_MODEL, RUNTIMES, CaptureConfig
from .common import add_config_option, add_verbose_option
from .listen import add_source_option

if TYPE_CHECKING:
    from pathlib import Path

    from ..teach.store import Song
    from ..teach.teacher import Teacher

_EPILOG = """\
examples:
  genre-edge teach add choir ~/choir/*.mp3     five songs are a good beginning
  genre-edge teach add band ~/band             every audio file in a folder
  genre-edge teach add band --listen 60        a minute of what the microphone hears
  genre-edge teach add --not choir song.mp3    "this was wrong": it is not the choir
  genre-edge teach list                        what was taught
  genre-edge teach fit                         learn, and say how often it is right
  genre-edge listen --model mine               use it
  genre-edge teach remove 7                    forget one example
  genre-edge teach forget band                 forget a label

What is kept are numbers that the network makes of each window, and how loud it was, never audio.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Teach labels of your own from a few examples of each, on this device and in seconds."
    )
    parser.epilog = _EPILOG
    what = parser.add_subparsers(
        title="what to do", metavar="add|list|remove|forget|fit", required=True
    )
    _configure_add(_sub(what, "add", _add, "learn that files, or what is heard, have a label"))
    listing = _sub(what, "list", _list, "show what was taught")
    listing.add_argument("--json", action="store_true", help="print one JSON object an example")
    remove = _sub(what, "remove", _remove, "forget single examples")
    remove.add_argument(
        "examples", nargs="+", metavar="EXAMPLE", help="a number from the list, or a file"
    )
    forget = _sub(what, "forget", _forget, "forget a label with all its examples, or everything")
    forget.add_argument("label", nargs="?", metavar="LABEL", help="the label")
    forget.add_argument("--all", action="store_true", help="forget every label")
    _configure_fit(_sub(what, "fit", _fit, "learn from everything that was taught"))


def _sub(what: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = what.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    sub.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="M",
        help="the model that is taught (default: %(default)s)",
    )
    sub.set_defaults(run=run)
    return sub


def _configure_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", metavar="LABEL", help="the label")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="audio files and folders; each file is one song"
    )
    parser.add_argument("--not", dest="is_wrong", action="store_true", help="they are *not* LABEL")
    parser.add_argument(
        "--listen",
        type=float,
        metavar="S",
        help="learn from the next S seconds that are heard, instead of files",
    )
    parser.add_argument("--runtime", choices=RUNTIMES, help="interpreter of the model")
    add_flags(parser.add_argument_group("microphone"), "microphone", CaptureConfig)
    add_source_option(parser)
    add_config_option(parser)
    add_verbose_option(parser)


def _configure_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name",
        default="mine",
        help="what the taught model goes by: --model NAME (default: %(default)s)",
    )
    parser.add_argument(
        "--beside",
        action="store_true",
        help="keep the model's own labels: yours are said when sure, else one of them",
    )
    parser.add_argument(
        "--calibrate-only",
        action="store_true",
        help="learn no new labels: fit how sure the model's own labels are to the examples of them "
        "(10 or more, heard in your room)",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="replace the old fit though the new one is worse"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def _add(args: argparse.Namespace) -> int:
    from ..teach.store import Store, default_store
    from ..teach.teacher import Teacher, check_label

    label = check_label(args.label)
    if (args.listen is None) == (not args.paths):
        raise UsageError("teach add: give audio files or folders, or --listen SECONDS")
    with Store(default_store()) as store:
        teacher = Teacher(args.model, store, args.runtime)
        add = _add_files if args.listen is None else _listen
        failed = add(args, teacher, label)
        _say_what_there_is(teacher, label)
    return failed


def _add_files(args: argparse.Namespace, teacher: Teacher, label: str) -> int:
    """Learn from files; returns the exit status."""
    from ..audio.folders import SkippedFiles, find_audio

    failed, added = False, 0
    for item in find_audio(args.paths):
        if isinstance(item, SkippedFiles):
            complain(item)
            continue
        try:
            if isinstance(item, GenreEdgeError):
                raise item
            heard = teacher.add_file(label, item, args.is_wrong)
        except GenreEdgeError as error:
            complain(error)
            failed = True
            continue
        added += 1
        for warning in heard.warnings:
            complain(f"{item}: warning: {warning}")
    word = f"not {label}" if args.is_wrong else label
    print(f"{word}: {added} {'file' if added == 1 else 'files'} learnt")
    return 1 if failed else 0


def _listen(args: argparse.Namespace, teacher: Teacher, label: str) -> int:
    """Learn from what is heard; returns the exit status."""
    import time

    from .teach_listen import hear

    heard = hear(args, teacher.base)
    count = len(heard.embeddings)
    name = f"heard {time.strftime('%Y-%m-%d %H:%M:%S')}"
    teacher.add_heard(label, name, heard.embeddings, heard.curve, args.is_wrong)
    word = f"not {label}" if args.is_wrong else label
    print(f"{word}: {count} {'window' if count == 1 else 'windows'} learnt")
    return 0


def _say_what_there_is(teacher: Teacher, label: str) -> None:
    """A line about twins, and one about what to do next."""
    from ..teach.report import same_recording
    from ..teach.twins import in_two_labels

    songs = teacher.songs
    if not songs:
        return
    centre = teacher.centre(songs)
    for pair in in_two_labels(songs, centre):
        complain(f"warning: {same_recording(pair)}")
    counts = {
        one: sum(song.label == one and not song.is_wrong for song in songs)
        for one in dict.fromkeys(song.label for song in songs)
    }
    print(f"taught so far: {', '.join(f'{one} ({n})' for one, n in counts.items())}")


def _list(args: argparse.Namespace) -> int:
    from ..teach.report import listing
    from ..teach.store import Store, default_store
    from ..teach.teacher import Teacher

    with Store(default_store()) as store:
        teacher = Teacher(args.model, store)
        songs, others = teacher.songs, store.others(teacher.trunk)
    if args.json:
        for song in songs:
            print(json_text(_described(song)))
        return 0
    for line in listing(songs):
        print(line)
    if not songs:
        print("nothing has been taught yet: genre-edge teach add LABEL FILE...")
    for name, count in others.items():
        print(f"{count} examples were heard by {name}: --model {name} lists them")
    return 0


def _described(song: Song) -> dict[str, Any]:
    return {
        "number": song.number,
        "label": song.label,
        "not": song.is_wrong,
        "origin": song.origin,
        "name": song.name,
        "windows": song.windows,
        "added": round(song.added, 3),
    }


def _remove(args: argparse.Namespace) -> int:
    from ..teach.report import shown
    from ..teach.store import Store, default_store
    from ..teach.teacher import Teacher, matching

    with Store(default_store()) as store:
        songs = Teacher(args.model, store).songs
        found = []
        for what in args.examples:
            matched = matching(songs, what)
            if not matched:
                raise UsageError(f"{what}: no such example; genre-edge teach list shows them")
            found += matched
        store.remove([song.number for song in found])
    for song in found:
        print(f"{song.label}: forgot {shown(song)}")
    return 0


def _forget(args: argparse.Namespace) -> int:
    from ..teach.store import Store, default_store

    if (args.label is None) == (not args.all):
        raise UsageError("teach forget: give a label, or --all")
    with Store(default_store()) as store:
        count = store.forget(args.label)
    if not count and args.label is not None:
        raise UsageError(f"{args.label}: no such label; genre-edge teach list shows them")
    print(f"forgot {count} {'example' if count == 1 else 'examples'}")
    return 0


def _calibrate(args: argparse.Namespace, path: Path, teacher: Teacher) -> int:
    """Fit temperature and biases of the model's own labels; returns the exit status."""
    from ..model.bundle import find_model, read_bundle
    from ..teach.calibrate import calibrate, write_calibrated

    bundle = read_bundle(find_model(args.model))
    found = calibrate(bundle, teacher.songs)
    print(f"examples of its labels               {found.corrections}")
    print(f"named right as it is                 {found.right_before}")
    print(f"named right when fitted to the rest  {found.right_after}")
    if found.right_after < found.right_before and not args.anyway:
        raise UsageError("the fit would be worse; nothing was written (--anyway writes it)")
    made = write_calibrated(path, bundle, found)
    print(f"\nwrote {made.path}: use it with --model {args.name}")
    return 0


def _fit(args: argparse.Namespace) -> int:
    from ..teach.advice import outlook
    from ..teach.report import fit_report
    from ..teach.store import Store, default_store
    from ..teach.taught import path_of, write_taught
    from ..teach.teacher import Teacher

    with Store(default_store()) as store:
        teacher = Teacher(args.model, store)
        path = path_of(args.name, teacher.base)
        if args.calibrate_only:
            return _calibrate(args, path, teacher)
        fit, held = teacher.fit(args.beside)
    ahead = outlook(fit.lesson, held, fit.decision)
    if args.json:
        print(json_text(fit.figures.to_dict()))
    else:
        for line in fit_report(fit, ahead):
            print(line)
    bundle = write_taught(path, teacher.base, fit, args.anyway)
    out = sys.stderr if args.json else sys.stdout
    print(f"\nwrote {bundle.path}: use it with --model {args.name}", file=out)
    return 0
