"""What the beginning and the end of a stream prove: whether it is whole."""

from __future__ import annotations

import io
from collections import deque

from . import chunks, flac, mpeg, ogg
from .contents import Contents
from .id3 import id3_size

_HEAD_BYTES = 1 << 20
"""How much of the beginning is kept: headers may follow a tag with a picture."""
_TAIL_BYTES = 1 << 17
"""How much of the end is kept at least; a page of Ogg has under 64 KiB."""


class StreamEnds:
    """Sees a stream pass, and keeps its beginning and its end."""

    def __init__(self) -> None:
        self._head = bytearray()  # it may grow by one byte at a time
        self._last: deque[bytes] = deque()
        self._held = 0
        self._size = 0
        self.is_whole_seen = False
        """Set it when the stream has ended."""

    def pass_by(self, data: bytes) -> None:
        """The next bytes of the stream."""
        if len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        self._size += len(data)
        self._last.append(data)
        self._held += len(data)
        while self._held - len(self._last[0]) >= _TAIL_BYTES:
            self._held -= len(self._last.popleft())

    def contents(self, frames: int) -> Contents:
        """Judge a stream of which `frames` sample frames were heard.

        Parameters
        ----------
        frames
            Sample frames that its decoder gave.

        Returns
        -------
        Contents
            Without parts of their own. Nothing is said of a stream whose end was not
            seen, nor of one whose format tells its length neither at its beginning nor
            at its end.
        """
        if not self.is_whole_seen:
            return Contents()
        beginning = bytes(self._head)
        head = io.BytesIO(beginning)
        data = chunks.sample_data(head)
        if data is not None:
            found = chunks.judged(data, self._size - data.start)
            return Contents(cut=found.cut, warning=found.warning)
        if id3_size(beginning[:10]) > self._size:
            return Contents(cut=True)  # ffmpeg takes what is in the tag for audio
        if beginning.startswith(b"OggS"):
            return Contents(cut=ogg.is_cut(io.BytesIO(b"".join(self._last))))
        least = flac.stated_frames(beginning) or mpeg.stated_frames(head)
        return Contents(cut=frames < least)
