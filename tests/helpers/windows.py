"""Records of windows, made up."""

from __future__ import annotations

from genre_edge.records import WindowRecord

GENRES = ["jazz", "jazz", "rock", "rock", "jazz"]
"""Labels of five windows, with three changes."""


def window(number: int, genre: str = "jazz", file: str = "a.mp3") -> WindowRecord:
    """The window of a file that starts at 3 s times `number`."""
    return WindowRecord(file, 3.0 * number, 3.0 * number + 3, genre, 0.8, {genre: 0.8})
