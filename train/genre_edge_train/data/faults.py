"""What is wrong with a data set: unreadable files, repeats, clipping, silence."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from genre_edge.audio.file_source import FileSource
from genre_edge.audio.pcm import to_int16
from genre_edge.errors import AudioError
from genre_edge.judge.tracks import Track
from tqdm import tqdm

CLIPPED = 0.999
"""A sample of this magnitude or more counts as full scale."""
CLIPPED_SHARE = 0.001
"""A track with this share of samples at full scale, or more, is called clipped."""
SILENT_DBFS = -60.0
"""50 ms below this level are silence."""
SILENT_SHARE = 0.2
"""A track with this share of silence, or more, is called partly silent."""
SHORT_SECONDS = 3.0
"""Tracks shorter than a window are repeated to fill one."""
UNUSUAL_LENGTH = 0.1
"""A length that differs from the median by more than this share is worth a line."""
FEW_TRACKS = 10
"""With fewer tracks of a label, neither training nor its figures mean much."""


@dataclass(frozen=True)
class FileFacts:
    """What is measured of one file."""

    seconds: float
    """Its length, s."""
    digest: str
    """SHA-256 of the samples as 16-bit mono; equal for the same recording in two
    lossless formats."""
    clipped: float
    """Share of samples at full scale."""
    silent: float
    """Share of 50 ms blocks below SILENT_DBFS."""


@dataclass(frozen=True)
class Fault:
    """One thing worth looking at."""

    kind: str
    """unreadable, repeat, clipping, silence, length or label."""
    name: str
    """The track or label."""
    text: str
    """What is wrong."""


def examine(path: Path) -> FileFacts:
    """Decode a file block by block; AudioError if that is impossible."""
    digest, frames, clipped, blocks, silent = hashlib.sha256(), 0, 0, 0, 0
    source = FileSource(path)
    try:
        length = max(1, source.sample_rate // 20)
        for block in source.blocks():
            mono = block.samples.mean(axis=1)
            digest.update(to_int16(mono).tobytes())
            frames += len(mono)
            clipped += int((np.abs(block.samples) >= CLIPPED).any(axis=1).sum())
            whole = mono[: len(mono) // length * length].reshape(-1, length)
            level = 10 * np.log10((whole**2).mean(axis=1) + 1e-20)
            blocks += len(level)
            silent += int((level < SILENT_DBFS).sum())
        seconds = frames / source.sample_rate
    finally:
        source.close()
    if not frames:
        raise AudioError(str(path), "has no samples")
    return FileFacts(seconds, digest.hexdigest(), clipped / frames, silent / max(1, blocks))


def _try_examine(path: Path) -> FileFacts | str:
    try:
        return examine(path)
    except AudioError as error:
        return error.reason
    except (OSError, soundfile.SoundFileError) as error:
        return getattr(error, "strerror", None) or str(error)


def find_faults(tracks: Sequence[Track], jobs: int) -> list[Fault]:
    """Every fault of a data set, sorted by kind.

    Parameters
    ----------
    tracks
        The data set.
    jobs
        Number of processes.
    """
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        found = pool.map(_try_examine, [track.path for track in tracks], chunksize=4)
        results = list(tqdm(found, total=len(tracks), unit="track", disable=None))
    faults = [
        Fault("unreadable", track.name, f"{track.path}: {result}")
        for track, result in zip(tracks, results, strict=True)
        if isinstance(result, str)
    ]
    measured = [(t, h) for t, h in zip(tracks, results, strict=True) if isinstance(h, FileFacts)]
    return [
        *faults,
        *_repeats(measured),
        *_levels(measured),
        *_lengths(measured),
        *_labels([t for t, _ in measured]),
    ]


def _repeats(measured: Sequence[tuple[Track, FileFacts]]) -> list[Fault]:
    groups = defaultdict(list)
    for track, found in measured:
        groups[found.digest].append(track)
    return [
        Fault(
            "repeat",
            group[0].name,
            "is also "
            + ", ".join(t.name for t in group[1:])
            + (" (on both sides of the split)" if len({t.split for t in group}) > 1 else "")
            + (" (under two labels)" if len({t.genre for t in group}) > 1 else ""),
        )
        for group in groups.values()
        if len(group) > 1
    ]


def _levels(measured: Sequence[tuple[Track, FileFacts]]) -> list[Fault]:
    faults = [
        Fault("clipping", track.name, f"{found.clipped:.2%} of samples at full scale")
        for track, found in measured
        if found.clipped >= CLIPPED_SHARE
    ]
    return faults + [
        Fault("silence", track.name, f"{found.silent:.0%} of it is below {SILENT_DBFS:g} dBFS")
        for track, found in measured
        if found.silent >= SILENT_SHARE
    ]


def _lengths(measured: Sequence[tuple[Track, FileFacts]]) -> list[Fault]:
    if not measured:
        return []
    median = float(np.median([found.seconds for _, found in measured]))
    return [
        Fault(
            "length",
            track.name,
            f"{found.seconds:.2f} s, "
            + (
                "shorter than a window"
                if found.seconds < SHORT_SECONDS
                else f"the median is {median:.2f} s"
            ),
        )
        for track, found in measured
        if found.seconds < SHORT_SECONDS or abs(found.seconds - median) > UNUSUAL_LENGTH * median
    ]


def _labels(tracks: Sequence[Track]) -> list[Fault]:
    count = Counter(track.genre for track in tracks)
    most = max(count.values(), default=0)
    return [
        Fault(
            "label",
            genre,
            f"has {n} readable tracks" + (f", another {most}" if n < most / 3 else ""),
        )
        for genre, n in sorted(count.items())
        if n < FEW_TRACKS or n < most / 3
    ]
