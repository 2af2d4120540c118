"""The colour of each label, wherever one is shown."""

from __future__ import annotations

COLOURS = {
    "blues": "#6180fe",
    "classical": "#660fb3",
    "country": "#e58212",
    "disco": "#c740c0",
    "hiphop": "#82c38f",
    "jazz": "#bb4717",
    "metal": "#39456e",
    "pop": "#f6c835",
    "reggae": "#34766a",
    "rock": "#7f1f29",
    "silence": "#d0cadf",
    "uncertain": "#a38e9b",
}
"""As the page has them (web/static/colours.js says how they were chosen)."""
_OTHERS = ("#7a5195", "#00876c", "#bc5090", "#ff7c43", "#3d5a80")


def colour_of(label: str) -> str:
    """The colour of a label as "#rrggbb"; of one that has none, always the same."""
    return COLOURS.get(label) or _OTHERS[sum(map(ord, label)) % len(_OTHERS)]
