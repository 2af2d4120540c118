"""Which tracks are kept apart: the protocols, and folds for cross-validation.

A protocol puts each track on a side. "train" is learnt from. "valid" decides when to
stop and which temperature to use. "test" gives the figures; without test tracks the
valid ones do. GTZAN's known repeats stay on one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from genre_edge.errors import Fault, UsageError
from genre_edge.judge.tracks import Track, labels_of

from .gtzan import REPEATS

PROTOCOLS = {
    "csv": "the sides that the data's own table, or a hash of the file names, gives",
    "tracks": "tracks drawn at random, 80/10/10",
    "segments": "3-second windows drawn at random from all tracks, 80/10/10; the same song is "
    "then on several sides, which makes the figures too good",
    "filtered": "the table's column filtered: no faulty tracks, no artist on two sides",
}
"""How tracks are divided, by name."""
SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
"""Sides of the protocols that draw at random."""


def by_protocol(tracks: Sequence[Track], protocol: str, seed: int) -> list[Track]:
    """Put tracks on their sides.

    Parameters
    ----------
    tracks
        All tracks.
    protocol
        A name in PROTOCOLS. "segments" leaves the tracks as they are, because it draws
        windows (see `window_sides`).
    seed
        Seed of protocols that draw at random.

    Returns
    -------
    list
        The tracks with `split` set, without those that the protocol leaves out.

    Raises
    ------
    UsageError
        No tracks are left to train or to validate on.
    """
    if protocol in ("csv", "segments"):
        return list(tracks)
    if protocol == "filtered":
        divided = [replace(track, split=track.filtered) for track in tracks if track.filtered]
    else:
        divided = _at_random(tracks, seed)
    missing = {"train", "valid"} - {track.split for track in divided}
    if missing:
        reason = f"leaves no tracks on these sides: {', '.join(sorted(missing))}"
        raise UsageError(Fault("protocol", protocol, reason))
    return divided


def _at_random(tracks: Sequence[Track], seed: int) -> list[Track]:
    """80/10/10 within each genre; at least one valid and one test track of each."""
    rng = np.random.default_rng(seed)
    side = ["train"] * len(tracks)
    for genre in labels_of(tracks):
        members = rng.permutation([i for i, track in enumerate(tracks) if track.genre == genre])
        held = max(1, round(len(members) * SHARES["valid"]))
        for name, chosen in (("valid", members[:held]), ("test", members[held : 2 * held])):
            for i in chosen:
                side[i] = name
    return _repeats_together([replace(t, split=s) for t, s in zip(tracks, side, strict=True)])


def _repeats_together(tracks: Sequence[Track]) -> list[Track]:
    """Puts every repeat on the side of the recording that it repeats."""
    side = {track.name: track.split for track in tracks}
    for group in REPEATS:
        present = sorted(name for name in group if name in side)
        side |= dict.fromkeys(present[1:], side[present[0]])
    return [replace(track, split=side[track.name]) for track in tracks]


def by_fold(tracks: Sequence[Track], folds: int, number: int) -> list[Track]:
    """Sides for one run of a cross-validation.

    Parameters
    ----------
    tracks
        All tracks.
    folds
        Number of folds.
    number
        The fold to test on, from 0. The next one is for validation, the others are to
        train on.
    """
    fold = folds_of(tracks, folds)
    name = {number: "test", (number + 1) % folds: "valid"}
    return [replace(t, split=name.get(int(f), "train")) for t, f in zip(tracks, fold, strict=True)]


def window_sides(count: int, seed: int) -> npt.NDArray[np.str_]:
    """The side of each of `count` windows, for a protocol that draws windows and not
    tracks: str [count]."""
    edges = np.cumsum(list(SHARES.values()))[:-1] * count
    place = np.random.default_rng(seed).permutation(count)
    return np.array(list(SHARES))[np.searchsorted(edges, place, side="right")]


def folds_of(tracks: Sequence[Track], count: int) -> npt.NDArray[np.int64]:
    """The fold of each track, 0 to count - 1: int64 [n].

    Each genre's tracks, in the order of their names, are cut into `count` stretches of
    equal length. Neighbours so stay together: in GTZAN, as in most collections, they
    are often by one artist. A repeat moves to the fold of the recording that it
    repeats.

    Raises
    ------
    UsageError
        A genre has fewer tracks than folds.
    """
    fold = np.zeros(len(tracks), dtype=np.int64)
    for genre in labels_of(tracks):
        members = sorted(
            (i for i, t in enumerate(tracks) if t.genre == genre), key=lambda i: tracks[i].name
        )
        if len(members) < count:
            raise UsageError(f"{genre} has {len(members)} tracks, fewer than {count} folds")
        fold[members] = np.arange(len(members)) * count // len(members)
    at = {track.name: i for i, track in enumerate(tracks)}
    for group in REPEATS:
        present = sorted(name for name in group if name in at)
        for name in present[1:]:
            fold[at[name]] = fold[at[present[0]]]
    return fold
