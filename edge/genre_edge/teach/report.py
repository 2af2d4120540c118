"""What teaching says to people: what was taught, what a fit is worth, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..console import harmless
from .advice import Outlook, doubted, not_apart, same_recordings
from .negatives import NONE
from .store import HEARD, Song
from .taught import Fit


def shown(song: Song) -> str:
    """An example's short name, which cannot control a terminal."""
    return harmless(song.name if song.origin == HEARD else Path(song.name).name)


def same_recording(pair: tuple[Song, Song]) -> str:
    """A line about one recording that was taught as two labels."""
    first, second = pair
    return (
        f"{shown(first)} ({first.label}) and {shown(second)} ({second.label}) are the same "
        f"recording under two labels: genre-edge teach remove {first.number}, or {second.number}"
    )


def listing(songs: Sequence[Song]) -> Iterator[str]:
    """Lines: a line for each label, and one for each of its examples."""
    for label in dict.fromkeys(song.label for song in songs):
        own = [song for song in songs if song.label == label]
        right = [song for song in own if not song.is_wrong]
        windows = sum(song.windows for song in right)
        yield f"{label}: {_count(len(right), 'song')}, {_count(windows, 'window')}"
        for song in own:
            note = "  (not this label)" if song.is_wrong else ""
            yield f"  {song.number:>4}  {shown(song)}, {_count(song.windows, 'window')}{note}"


def fit_report(fit: Fit, outlook: Outlook | None) -> Iterator[str]:
    """Lines: figures with their intervals, the confusion table, advice."""
    figures = fit.figures
    yield from _figures(fit)
    if figures.evaluation is not None:
        yield ""
        yield from confusion_table(figures.labels, figures.evaluation.tracks.confusion)
    yield from ("", *advice) if (advice := [*_advice(fit, outlook)]) else ()


def _figures(fit: Fit) -> Iterator[str]:
    figures, lesson = fit.figures, fit.lesson
    alone = [
        label
        for label in lesson.labels
        if sum(song.label == label and not song.is_wrong for song in lesson.songs) == 1
    ]
    if figures.evaluation is not None:
        yield "Each song judged by what the others taught (95 % intervals):"
        yield f"  songs right                           {figures.songs}"
        yield f"  windows right                         {figures.windows}"
        if len(lesson.labels) > 1:
            yield f'  songs right, "{NONE}" aside    {figures.among}'
    if alone:
        yield f"One song only, so nobody can say how right it is: {', '.join(alone)}."
    if figures.negatives.count or figures.strangers.count:
        yield "Music that is none of your labels, but gets one of them:"
        if figures.negatives.count:
            yield f"  windows of music, speech and noise    {figures.negatives}"
        if figures.strangers.count:
            yield f"  songs whose label was left out        {figures.strangers}"


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Iterator[str]:
    """Lines of a table: a row for each true label, a column for each that was named."""
    width = max(len(label) for label in labels) + 2
    yield "song of \\ called".ljust(width + 4) + "".join(label.rjust(width) for label in labels)
    for label, row in zip(labels, confusion, strict=True):
        if any(row):
            yield label.ljust(width + 4) + "".join(str(n or ".").rjust(width) for n in row)


def _advice(fit: Fit, outlook: Outlook | None) -> Iterator[str]:
    yield from map(same_recording, same_recordings(fit.lesson))
    for doubt in doubted(fit.figures):
        yield (
            f"{shown(doubt.song)} sounds like {doubt.sounds_like}, and was taught as "
            f"{doubt.song.label}: mislabelled? (genre-edge teach remove {doubt.song.number})"
        )
    for one, other in not_apart(fit.figures):
        yield f"{one} and {other} are not heard apart: a third of their songs are swapped"
    if outlook is None:
        fewest = min(
            sum(song.label == label and not song.is_wrong for song in fit.lesson.songs)
            for label in fit.lesson.labels
        )
        yield (
            f"The label with the fewest songs has {fewest}; from 4 on it can be said what more "
            "songs would be worth."
        )
    else:
        yield (
            f"With half of these songs {outlook.half:.0%} are right, with all {outlook.now:.0%}; "
            f'with twice as many it may be {outlook.double:.0%} ("{NONE}" aside).'
        )


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
