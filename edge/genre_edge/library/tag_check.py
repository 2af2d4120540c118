"""Genres in the tags of files, beside what the model hears."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import AudioError
from .sources import is_url
from .tags import GENRE, TaggedFile

SURE = 0.8
"""Confidence from which a tag may be called likely wrong ..."""
UNLIKELY = 0.05
"""... where the tag's own label has at most this probability."""


@dataclass
class Tags:
    """What the tags of a library say."""

    named: list[tuple[str, str] | None] = field(default_factory=list)
    """Of each file: the tag, and the label that it means; None if it has no tag, or its
    tag means none of the labels."""
    unread: int = 0
    """Files without a tag that could be read."""
    others: Counter[str] = field(default_factory=Counter)
    """Tags that mean none of the labels, and how many files have them."""


def label_of_tag(tag: str, labels: Sequence[str]) -> str | None:
    """The label that a genre in a tag means, or None.

    A tag means a label if it is the label, whatever its case, hyphens and spaces, or
    ends with it as a word: "Hard Rock" is rock, "Vocal Jazz" jazz. "Rap" is hiphop.

    Examples
    --------
    >>> label_of_tag("Hip-Hop", ["hiphop", "rock"])
    'hiphop'
    >>> label_of_tag("Baroque", ["classical"]) is None
    True
    """
    words = re.findall(r"[a-z0-9]+", tag.lower())
    known = {re.sub(r"[^a-z0-9]", "", label.lower()): label for label in labels}
    endings = ["".join(words[-count:]) for count in (2, 1) if count <= len(words)]
    endings += ["hiphop"] if endings and words[-1] == "rap" else []
    return next((known[one] for one in ["".join(words), *endings] if one in known), None)


def read_tags(
    rows: Sequence[Mapping[str, Any]], labels: Sequence[str], seen: Callable[[], object]
) -> Tags:
    """The genres in the tags of files on this machine.

    Parameters
    ----------
    rows
        Rows of a library.
    labels
        The model's labels.
    seen
        Called after each file.
    """
    tags = Tags()
    for row in rows:
        found = _genre(row["path"])
        label = label_of_tag(found, labels) if found else None
        tags.named.append((found, label) if found and label else None)
        tags.unread += not found
        if found and label is None:
            tags.others[found] += 1
        seen()
    return tags


def _genre(path: str) -> str:
    """The first genre in a file's tags; empty if there is none."""
    if is_url(path):
        return ""
    try:
        return next((one for one in TaggedFile(path).get(GENRE) if one.strip()), "")
    except AudioError:
        return ""


def likely_wrong(rows: Sequence[Mapping[str, Any]], tags: Tags) -> list[int]:
    """Indices of the files whose tag the model contradicts, the surest first."""
    found = [
        at
        for at, (row, named) in enumerate(zip(rows, tags.named, strict=True))
        if named is not None
        and row["confidence"] >= SURE
        and (row["scores"].get(named[1]) or 0.0) <= UNLIKELY
    ]
    return sorted(found, key=lambda at: (-rows[at]["confidence"], rows[at]["path"]))
