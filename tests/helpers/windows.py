"""Records of windows, made up."""

from __future__ import annotations

from genre_edge.records import LiveRecord, WindowRecord

GENRES = ["jazz", "jazz", "rock", "rock", "jazz"]
"""Labels of five windows, with three changes."""


def window(number: int, genre: str = "jazz", file: str = "a.mp3") -> WindowRecord:
    """The window of a file that starts at 3 s times `number`."""
    return WindowRecord(file, 3.0 * number, 3.0 * number + 3, genre, 0.8, {genre: 0.8})


def live(number: int, label: str = "jazz", source: str = "") -> LiveRecord:
    """The window heard live 3 s times `number` after noon; of a source with a name, or
    of a microphone without."""
    silent = label == "silence"
    return LiveRecord(
        start=3.0 * number,
        end=3.0 * number + 3,
        genre=None if silent else label,
        confidence=None if silent else 0.75,
        scores={} if silent else {"jazz": 0.75, "rock": 0.25},
        time=f"2026-03-01T12:{number // 20 % 60:02d}:{3 * (number % 20):02d}.000Z",
        source=source or "usb:1",
        level_dbfs=-20.5,
        state="listening",
        latency_ms=4.2,
        label=label,
        smoothed_genre=None if silent else label,
        smoothed_confidence=None if silent else 0.8,
        is_named=bool(source),
        smoothed_scores={} if silent else {"jazz": 0.8, "rock": 0.2},
    )
