"""Tags (ID3v2) that stand before the audio of MP3 and other files (id3.org, 2.4.0)."""

from __future__ import annotations


def id3_size(head: bytes) -> int:
    """Size of the ID3v2 tag that begins with these 10 bytes; 0 if none does."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
