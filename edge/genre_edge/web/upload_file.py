"""The file in an upload: what the server received is used in place, so that an upload
takes its room once."""

from __future__ import annotations

import os
import tempfile
from typing import IO, Any

from flask import Request

from .problems import Problem

_CHUNK_BYTES = 1 << 16


class UploadRequest(Request):
    """A request whose file, sent in a form, is moved to the front of the form's own
    file."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        descriptor = descriptor_of(self.environ["wsgi.input"])
        if descriptor is None:
            return super()._get_file_stream(
                total_content_length, content_type, filename, content_length
            )
        start = getattr(self, "_end_of_parts", None)
        part = FormPart(descriptor, start.end if start is not None else 0)
        self._end_of_parts = part
        return part  # type: ignore[return-value]


class FormPart:
    """One file of a form.

    Its bytes are written back to the file that holds the form. What has been read of a
    form is always longer than what was a file's in it, so nothing is overwritten that
    is still to be read.
    """

    def __init__(self, descriptor: int, start: int) -> None:
        self._descriptor = descriptor
        self.start = self.end = start
        """Where its bytes lie in that file."""

    def write(self, data: bytes) -> int:
        """Append to it."""
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], self.end + written)
        self.end += written
        return written

    def seek(self, position: int) -> None:
        """It is read through its descriptor alone."""

    def close(self) -> None:
        """The server closes the file."""

    def cut_out(self) -> int:
        """Make it the only content of the file; returns the descriptor."""
        size, done = self.end - self.start, 0
        while self.start and done < size:
            chunk = os.pread(self._descriptor, min(_CHUNK_BYTES, size - done), self.start + done)
            done += os.pwrite(self._descriptor, chunk, done)
        os.ftruncate(self._descriptor, size)
        return self._descriptor


def descriptor_of(stream: Any) -> int | None:
    """The descriptor of a stream that is a file; None for one in memory."""
    try:
        return int(stream.fileno())
    except (AttributeError, OSError):
        return None


class UploadedFile:
    """An upload as a file without a name, which is gone with its last descriptor.

    Parameters
    ----------
    body
        The file: a `FormPart`, what the server received, or a stream in memory.
    max_bytes
        The largest that is taken.

    Raises
    ------
    Problem
        If it is empty or too large.
    """

    def __init__(self, body: IO[bytes] | FormPart, max_bytes: int) -> None:
        self._copy: IO[bytes] | None = None
        if isinstance(body, FormPart):
            descriptor: int | None = body.cut_out()
        else:
            descriptor = descriptor_of(body)
            if descriptor is None:
                self._copy = _copied(body, max_bytes)
                descriptor = self._copy.fileno()
            else:
                body.flush()
        self._descriptor = int(descriptor or 0)
        size = os.fstat(self._descriptor).st_size
        if size > max_bytes or size == 0:
            self.close()
        if size > max_bytes:
            raise _too_large(max_bytes)
        if size == 0:
            raise Problem(422, "the upload is empty")

    @property
    def path(self) -> str:
        """A path under which this user's processes can open it while it is open
        here."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def close(self) -> None:
        """Close what was opened here; the server closes what it received."""
        if self._copy is not None:
            self._copy.close()


def _copied(body: IO[bytes], max_bytes: int) -> IO[bytes]:
    """A short upload, which the server has kept in memory, in a file without a name."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 (until the upload is done)
    size = 0
    while chunk := body.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            out.close()
            raise _too_large(max_bytes)
        out.write(chunk)
    out.flush()
    return out


def _too_large(max_bytes: int) -> Problem:
    return Problem(413, f"more than {max_bytes / 1e6:g} MB")
