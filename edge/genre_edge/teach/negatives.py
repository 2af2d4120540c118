"""Sounds that are none of a user's labels: embeddings that a bundle carries."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from ..errors import BundleError
from ..model.bundle import Bundle
from ..model.bundle_checks import shown
from ..model.bundle_members import parsed
from .trunk import Trunk

NONE = "none of these"
"""The label of everything that the user has not taught."""
MUSIC, SPEECH, NOISE = "music", "speech", "noise"
"""The kinds of sounds."""
_LEVELS = 64
"""Values that a number of an embedding can have in a bundle."""


@dataclass(frozen=True, eq=False)
class Negatives:
    """Embeddings of single windows, each of another recording."""

    embeddings: Float32
    """float32 [n, size]."""
    kinds: tuple[str, ...]
    """MUSIC, SPEECH or NOISE, for each of them."""


def packed(negatives: Negatives) -> bytes:
    """The member of a bundle that holds the negatives.

    Each number becomes one of _LEVELS; no fit notices that. Equal numbers of the
    embeddings lie side by side. Both make the member a fraction of the size.
    """
    values = negatives.embeddings
    low = float(values.min())
    step = max(float(values.max()) - low, 1e-9) / (_LEVELS - 1)
    levels = np.rint((values - low) / step).astype(np.uint8)
    header = {"kinds": negatives.kinds, "size": values.shape[1], "low": low, "step": step}
    return b"\n".join((json.dumps(header).encode(), levels.T.tobytes()))


def negatives_of(bundle: Bundle, trunk: Trunk) -> Negatives:
    """The negatives that a bundle carries; none if it carries none.

    Raises
    ------
    BundleError
        If they are damaged, or are not of this network.
    """
    if not bundle.negatives:
        return Negatives(np.zeros((0, trunk.size), np.float32), ())
    header, _, levels = bundle.negatives.partition(b"\n")
    try:
        described = parsed(header)
        kinds = tuple(str(kind) for kind in described["kinds"])
        low, step = float(described["low"]), float(described["step"])
        if len(levels) != len(kinds) * trunk.size:
            raise ValueError(f"{len(levels)} numbers for {len(kinds)} times {trunk.size}")
    except (ValueError, KeyError, TypeError) as error:
        reason = shown(error)
        raise BundleError(f"{bundle.path}: its negatives are damaged ({reason})") from None
    found = np.frombuffer(levels, np.uint8).reshape(trunk.size, len(kinds)).T
    return Negatives((low + step * found.astype(np.float32)).astype(np.float32), kinds)
