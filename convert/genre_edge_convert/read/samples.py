"""The windows that a conversion needs: some to calibrate on, others to verify with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import AudioError, UsageError
from genre_edge.judge.tracks import Track, check_genres, load_tracks
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.windows import file_windows
from tqdm import tqdm

LEAST_CALIBRATION = 20
"""Fewer windows than this are refused."""
FEW_CALIBRATION = 100
"""Fewer windows than this may not show the ranges of the tensors."""
MOST_OF_A_TRACK = 10
"""Windows of one track, at most: they are alike."""
LEAST_RELATED = 0.2
"""Correlation of neighbouring frames below which windows do not come from audio. Music
has about 0.9, noise 0.3 or more."""
MOST_CALIBRATION = 500
"""More windows than this do not change the ranges."""


@dataclass(frozen=True)
class Samples:
    """Windows for one conversion, all from real audio."""

    calibration: Float32
    """Representative windows from training tracks, balanced over genres: float32 [n,
    *FrontendSpec.shape]."""
    held_out: Float32
    """Windows of tracks kept for validation: float32 [m, frames, mels]."""
    label: npt.NDArray[np.int64] | None = None
    """Labels of `held_out`, indices into the model's: [m]; None if they are not
    known."""
    valid: tuple[Track, ...] = ()
    """The tracks of `held_out`, for accuracy; empty if only windows are known."""


def load_samples(
    data: Path,
    frontend: FrontendSpec,
    labels: Sequence[str],
    unlabelled: bool = False,
    mapped: bool = False,
) -> Samples:
    """Windows to calibrate on and to verify with.

    Parameters
    ----------
    data
        Labelled recordings (a folder or tracks.csv), or an .npz file with `calibration`
        and `held_out`, each float32 [n, frames, mels], and perhaps `held_out_label`,
        indices into the labels: [n].
    frontend
        The front-end of the model.
    labels
        Its labels. Recordings none of whose genres is among them count as unlabelled.
    unlabelled
        Whether the genres of recordings are of no use.
    mapped
        Whether the labels are some of many that the network has. Recordings of other
        genres are then no mistake.

    Raises
    ------
    UsageError
        There are too few windows, they do not come from audio, or the model does not
        know a label.
    """
    if data.suffix == ".npz":
        samples = _from_npz(data, labels)
    else:
        tracks = load_tracks(data)
        why_not = _no_labels({track.genre for track in tracks}, labels, unlabelled, mapped)
        if why_not:
            tqdm.write(
                f"genre-convert: the genres of {data} {why_not}: they say nothing of its accuracy",
                file=sys.stderr,
            )
        else:
            check_genres(tracks, labels)
        valid = tuple(track for track in tracks if track.split == "valid")
        train = [track for track in tracks if track.split == "train"]
        held_out, genres, readable = _windows(valid, frontend)
        samples = Samples(_balanced(train, frontend), held_out)
        if not why_not:
            label = np.array([labels.index(genre) for genre in genres], dtype=np.int64)
            samples = replace(samples, label=label, valid=readable)
    for name, windows in (("calibration", samples.calibration), ("held-out", samples.held_out)):
        if windows.shape[1:] != frontend.shape:
            raise UsageError(
                f"{data}: {name} windows are {windows.shape[1:]}, the front-end makes "
                f"{frontend.shape}"
            )
    if not len(samples.held_out):
        raise UsageError(f"{data}: no held-out windows to verify with: add valid tracks")
    if len(samples.calibration) < LEAST_CALIBRATION:
        raise UsageError(
            f"{data}: {len(samples.calibration)} calibration windows, need at least "
            f"{LEAST_CALIBRATION}: add training tracks, or longer ones (a track gives up to "
            f"{MOST_OF_A_TRACK} windows of {frontend.window_seconds:g} s)"
        )
    _check_real(data, "calibration", samples.calibration)
    _check_real(data, "held-out", samples.held_out)
    return samples


def _no_labels(genres: set[str], labels: Sequence[str], unlabelled: bool, mapped: bool) -> str:
    """Why the genres of recordings cannot be compared with a model's labels; "" if they
    can."""
    if not genres & set(labels):
        return "are none of the model's labels"
    if unlabelled:
        return "are one a track, and the model's labels several"
    if mapped and genres - set(labels):
        return "are not all among the labels of --map"
    return ""


def warn_of_few(samples: Samples) -> None:
    """Say on standard error that int8 may suffer from too few calibration windows."""
    if len(samples.calibration) < FEW_CALIBRATION:
        print(
            f"genre-convert: only {len(samples.calibration)} calibration windows: an int8 model "
            f"may be better with {FEW_CALIBRATION}",
            file=sys.stderr,
        )


def _check_real(data: Path, name: str, windows: Float32) -> None:
    """UsageError for windows that no front-end made: a model that is quantised on
    random numbers is wrong about everything."""
    if not np.isfinite(windows).all():
        raise UsageError(f"{data}: {name} windows hold NaN or infinity")
    some = windows[:: max(1, len(windows) // 100)].astype(np.float64)
    each = tuple(range(1, some.ndim))
    some = some - some.mean(axis=each, keepdims=True)
    power = (some**2).mean(axis=each)
    neighbours = (some[:, 1:] * some[:, :-1]).mean(axis=each) / np.maximum(power, 1e-12)
    if float(np.median(neighbours)) < LEAST_RELATED:
        raise UsageError(
            f"{data}: {name} windows are not log-mels of audio (neighbouring frames are "
            "unrelated, as in random numbers): calibrate on recordings"
        )
    if len(np.unique(some.reshape(len(some), -1), axis=0)) < len(some) // 2:
        raise UsageError(
            f"{data}: {name} windows repeat each other: calibrate on different recordings"
        )


def _from_npz(path: Path, labels: Sequence[str]) -> Samples:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            label = arrays.get("held_out_label", None)
            samples = Samples(
                arrays["calibration"].astype(np.float32),
                arrays["held_out"].astype(np.float32),
                None if label is None else np.asarray(label),
            )
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except KeyError as error:
        raise UsageError(f"{path}: lacks the array {str(error.args[0]).split()[0]}") from None
    except (ValueError, TypeError, AttributeError, EOFError, MemoryError, BadZipFile):
        raise UsageError(
            f"{path}: no .npz file of numbers: write it with np.savez(file, calibration=..., "
            "held_out=...)"
        ) from None
    label = samples.label
    if label is not None:
        fits = label.dtype.kind in "iu" and label.shape == (len(samples.held_out),)
        if not fits or (label.size and not 0 <= label.min() <= label.max() < len(labels)):
            raise UsageError(
                f"{path}: held_out_label must hold a number from 0 to {len(labels) - 1} for each "
                f"of the {len(samples.held_out)} held-out windows"
            )
    return samples


def _balanced(tracks: Sequence[Track], frontend: FrontendSpec) -> Float32:
    """Up to MOST_CALIBRATION windows, as many from each genre: some of each track,
    spread evenly over it, or one from its middle where there are tracks enough."""
    by_genre: dict[str, list[Track]] = {}
    for track in tracks:
        by_genre.setdefault(track.genre, []).append(track)
    share = max(1, MOST_CALIBRATION // max(1, len(by_genre)))
    logmel = LogMel(frontend)
    windows: list[Float32] = []
    for group in by_genre.values():
        most = min(MOST_OF_A_TRACK, -(-share // len(group)))
        found: list[Float32] = []
        for track in tqdm(group[:share], group[0].genre, unit="track", leave=False, disable=None):
            with _skipped():
                samples = read_mono(track.path, frontend.sample_rate)
                found += _spread(samples, min(most, share - len(found)), logmel)
            if len(found) == share:
                break
        windows += found
    return np.stack(windows) if windows else np.zeros((0, *frontend.shape), np.float32)


def _spread(samples: Float32, most: int, logmel: LogMel) -> list[Float32]:
    """Features of up to `most` windows of a track that do not overlap."""
    length = logmel.spec.window_samples
    samples = np.resize(samples, max(length, len(samples)))  # a short one is repeated
    count = min(most, len(samples) // length)
    gap = (len(samples) - count * length) / count
    starts = [round(n * (length + gap) + gap / 2) for n in range(count)]
    return [logmel.window(np.ascontiguousarray(samples[at : at + length])) for at in starts]


def _windows(
    tracks: Sequence[Track], frontend: FrontendSpec
) -> tuple[Float32, list[str], tuple[Track, ...]]:
    """All windows of the tracks that can be read, as `genre-edge classify` takes them,
    their genres, and those tracks."""
    windows: list[Float32] = []
    genres: list[str] = []
    readable = []
    logmel = LogMel(frontend)
    for track in tqdm(tracks, desc="held-out", unit="track", leave=False, disable=None):
        with _skipped():
            windows += [window.features for window in file_windows(track.path, logmel)]
            genres += [track.genre] * (len(windows) - len(genres))
            readable.append(track)
    stacked = np.stack(windows) if windows else np.zeros((0, *frontend.shape), np.float32)
    return stacked, genres, tuple(readable)


@contextmanager
def _skipped() -> Iterator[None]:
    """Name a track that cannot be read on standard error, and go on."""
    try:
        yield
    except AudioError as error:
        tqdm.write(f"genre-convert: skipped {error}", file=sys.stderr)
