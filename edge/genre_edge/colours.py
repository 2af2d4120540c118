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
SILENCE_AT_NIGHT = "#2b2b50"
"""Silence on a dark ground, where the other would glare."""
_OTHERS = ("#7a5195", "#00876c", "#bc5090", "#ff7c43", "#3d5a80")


_SAME_CONTRAST = 0.179
"""Luminance on which black and white are read equally well."""


def colour_of(label: str, is_dark: bool = False) -> str:
    """The colour of a label as "#rrggbb", on a light or a dark ground; of one that has
    none, always the same."""
    if is_dark and label == "silence":
        return SILENCE_AT_NIGHT
    return COLOURS.get(label) or _OTHERS[sum(map(ord, label)) % len(_OTHERS)]


def parts_of(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb", 0 to 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def ink_on(colour: str) -> str:
    """Black or white: whichever is easier to read on a colour (WCAG 2.2, luminance)."""
    shares = [part / 255 for part in parts_of(colour)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    is_bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > _SAME_CONTRAST
    return "#000000" if is_bright else "#ffffff"
