"""Features of whole tracks, kept on disk.

A cache file is named by a hash of the front-end and of the audio file's bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import AudioError
from genre_edge.files import atomic_file
from genre_edge.judge.tracks import Track
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.windows import file_windows
from tqdm import tqdm

from .pcm_cache import content_hash


@dataclass(frozen=True)
class TrackFeatures:
    """One track's windows, on disk."""

    track: Track
    file: Path
    """.npy with normalised log-mels, float32 [windows, frames, mels]."""
    shape: tuple[int, int, int]
    """(windows, frames, mels)."""

    @property
    def windows(self) -> Float32:
        """The file mapped into memory. The mapping is not kept, because a process may
        have only so many of them."""
        windows: Float32 = np.load(self.file, mmap_mode="r")
        return windows


def extract(track: Track, spec: FrontendSpec, cache: Path) -> Path:
    """The cache file with a track's windows; it is made if missing.

    The windows are those of `genre-edge classify`: without overlap, and a track shorter
    than one window is repeated to fill it.

    Parameters
    ----------
    track
        The track.
    spec
        The front-end.
    cache
        The folder of the cache files.

    Raises
    ------
    AudioError
        The track is too short or cannot be read.
    """
    key = hashlib.sha256(
        (json.dumps(spec.to_dict(), sort_keys=True) + content_hash(track.path)).encode()
    ).hexdigest()
    path = cache / f"{key[:32]}.npy"
    if path.exists():
        return path
    features = np.stack([window.features for window in file_windows(track.path, LogMel(spec))])
    with atomic_file(path) as file:
        np.save(file, features)
    return path


def _try_extract(task: tuple[Track, FrontendSpec, Path]) -> Path | str:
    try:
        return extract(*task)
    except AudioError as error:
        return str(error)
    except OSError as error:
        return f"{task[0].path}: {error.strerror}"


def extract_all(
    tracks: Sequence[Track], spec: FrontendSpec, cache: Path, jobs: int
) -> tuple[list[TrackFeatures], list[str]]:
    """Features of every track that can be read.

    Parameters
    ----------
    tracks
        The tracks.
    spec
        The front-end.
    cache
        The folder below which the features are kept.
    jobs
        Number of processes.

    Returns
    -------
    tuple
        The features, and one line for each track that cannot be read.
    """
    cache = cache / "features"
    cache.mkdir(parents=True, exist_ok=True)
    good: list[TrackFeatures] = []
    bad: list[str] = []
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        results = pool.map(_try_extract, [(track, spec, cache) for track in tracks], chunksize=4)
        bar = tqdm(results, total=len(tracks), desc="features", unit="track", disable=None)
        for track, result in zip(tracks, bar, strict=True):
            if isinstance(result, str):
                bad.append(result)
            else:
                good.append(TrackFeatures(track, result, np.load(result, mmap_mode="r").shape))
    return good, bad
