"""Decoded tracks on disk, and the hash of a file that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.pcm import to_int16
from genre_edge.errors import GenreEdgeError
from genre_edge.files import atomic_file
from genre_edge.judge.tracks import Track
from tqdm import tqdm


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PcmCache:
    """Decoded tracks as int16 on disk. A file is named by the hash of the audio file.

    Parameters
    ----------
    folder
        Where the files are kept, in a folder for each rate.
    sample_rate
        Rate of the decoded samples, Hz.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self._folder = folder / f"pcm-{sample_rate}"
        self._rate = sample_rate
        self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, track: Track) -> npt.NDArray[np.int16]:
        """The track's samples, int16 [n] mono, mapped into memory. May raise
        AudioError."""
        samples: npt.NDArray[np.int16] = np.load(self.file(track), mmap_mode="r")
        return samples

    def file(self, track: Track) -> Path:
        """The .npy file with the track's samples, made if missing. May raise
        AudioError."""
        cached = self._folder / f"{content_hash(track.path)[:32]}.npy"
        if not cached.exists():
            pcm = to_int16(read_mono(track.path, self._rate))
            with atomic_file(cached) as file:
                np.save(file, pcm)
        return cached


def readable(tracks: Sequence[Track], cache: PcmCache) -> tuple[dict[Track, Path], list[str]]:
    """Decode every track that is not decoded yet.

    Returns
    -------
    tuple
        {track: file with its samples} for those that can be decoded, and one line for
        each that cannot.
    """
    good: dict[Track, Path] = {}
    bad: list[str] = []
    for track in tqdm(tracks, desc="decoding", unit="track", disable=None):
        try:
            if len(cache.get(track)) == 0:
                bad.append(f"{track.path}: has no samples")
                continue
            good[track] = cache.file(track)
        except GenreEdgeError as error:
            bad.append(str(error))
        except OSError as error:
            bad.append(f"{track.path}: {error.strerror}")
    return good, bad
