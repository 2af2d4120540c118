"""ffmpeg as a subprocess that decodes one input, held to limits.

It has a limit on its memory, and no standard input unless it gets one. It is
killed when it makes no progress, when the reader closes it, and when this program dies.
"""

from __future__ import annotations

import os
import re
import resource
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..errors import AudioError

INSTALL = "install ffmpeg (sudo apt install ffmpeg)"
"""What to tell a user whose file needs it."""

STALL_SECONDS = 30.0
"""Time without a single sample after which an input is given up, s."""

PIPE_BYTES = 1 << 18
"""How much of its output is read at a time, bytes."""

ONE_THREAD = ("-threads", "1")
"""Stands before each input and each output: a process may use one core."""

_MOST_MEMORY = 1 << 30
"""Address space of the process, bytes; decoding AAC needs under 0.5 GB of it."""
_MOST_WORDS = 1 << 14
"""How much of what ffmpeg prints is kept, bytes."""
_CLOSE_SECONDS = 5.0
"""Time that it gets to end after its last byte, s."""
_CUT_WORDS = (b"partial file", b"File ended prematurely")
"""What it prints of an MP4 and a WebM that are cut."""


def find_ffmpeg() -> str | None:
    """Path of the program, or None if it is not installed."""
    return shutil.which("ffmpeg")


class FfmpegOutput:
    """One run of ffmpeg, and what it writes.

    The thread that makes it must live as long as it is used: Linux kills the process
    when that thread ends.

    Parameters
    ----------
    name
        What the user calls the input, for messages.
    input_arguments
        ffmpeg's options for the input and the input itself, such as
        `["-protocol_whitelist", "file", "-i", "file:song.m4a"]`.
    output_arguments
        ffmpeg's options for the output, which goes to its standard output.
    stall_seconds
        Time without a single byte after which it is given up, s.
    standard_input
        A file descriptor that the process reads as its standard input.
    waits
        Says whether the input itself has nothing yet. As long as it says so, the
        process is not given up.

    Raises
    ------
    AudioError
        If ffmpeg is not installed or cannot be started.
    """

    def __init__(
        self,
        name: str,
        input_arguments: Sequence[str],
        output_arguments: Sequence[str],
        stall_seconds: float = STALL_SECONDS,
        standard_input: int = subprocess.DEVNULL,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.complaint = ""
        """After the end: what ffmpeg said of damage that it decoded past, or empty."""
        self.says_cut = False
        """After the end: whether ffmpeg said that the input ends too early."""
        self._stall, self._waits = stall_seconds, waits
        self._words = b""
        options = ["-nostdin", "-hide_banner", "-loglevel", "error", "-filter_complex_threads", "1"]
        arguments = [*ONE_THREAD, *input_arguments, *ONE_THREAD, *output_arguments]
        command = [*_program(name), *options, *arguments, "pipe:1"]
        self._process = start(name, command, standard_input)
        self._pipes = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._pipes.register(pipe, selectors.EVENT_READ)

    def forget_complaints(self) -> None:
        """Leave out of the final judgement what was decoded past so far."""
        self._words = b""

    @property
    def pid(self) -> int | None:
        """Its process id while it runs, else None."""
        return self._process.pid if self._process.poll() is None else None

    def close(self) -> None:
        """Kill the process, if it still runs. May be called again."""
        self._process.kill()
        self._process.wait()
        self._pipes.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def chunk(self) -> bytes:
        """The next bytes of the output, as soon as there are some; empty at its end.

        Raises
        ------
        AudioError
            If the input cannot be decoded, or nothing came for `stall_seconds`.
        """
        data = self._next()
        if not data:
            self._end()
        return data

    def _next(self) -> bytes:
        deadline = time.monotonic() + self._stall
        while True:
            ready = self._pipes.select(max(0.0, deadline - time.monotonic()))
            for key, _ in sorted(ready, key=lambda one: one[0].fileobj is self._process.stdout):
                data = os.read(key.fd, PIPE_BYTES)
                if key.fileobj is self._process.stdout:
                    return data
                self._take_words(key.fileobj, data)
            if self._waits():
                deadline = time.monotonic() + self._stall
            if time.monotonic() >= deadline:
                self.close()
                raise AudioError(
                    self.name, f"nothing could be decoded for {self._stall:g} s: given up"
                )

    def _take_words(self, pipe: Any, data: bytes) -> None:
        """Keep what ffmpeg printed; empty at the end of its standard error."""
        self._words = (self._words + data)[:_MOST_WORDS]
        if not data:
            self._pipes.unregister(pipe)

    def _end(self) -> None:
        """Judge how the process ended. AudioError if it failed."""
        assert self._process.stdout is not None and self._process.stderr is not None
        try:
            status = self._process.wait(min(self._stall, _CLOSE_SECONDS))
        except subprocess.TimeoutExpired:
            status = 0  # all samples have come: it only does not end
        while len(self._words) < _MOST_WORDS and self._pipes.select(0):
            data = os.read(self._process.stderr.fileno(), PIPE_BYTES)
            if not data:
                break
            self._words += data
        said = reason_of(self._words)
        if status:
            raise AudioError(self.name, f"cannot be decoded ({said or f'ffmpeg: exit {status}'})")
        self.complaint = said
        self.says_cut = any(word in self._words for word in _CUT_WORDS)


def file_input(name: str) -> list[str]:
    """ffmpeg's arguments for a local file: whatever it is called, and only files."""
    return ["-protocol_whitelist", "file", "-i", f"file:{name}"]


def start(
    name: str, command: Sequence[str], standard_input: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start one of ffmpeg's programs within limits; AudioError if it cannot be."""
    environment = {**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"}
    try:
        process = subprocess.Popen(
            command,
            stdin=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise AudioError(name, f"ffmpeg cannot be started: {error.strerror}") from None
    with suppress(OSError, ValueError):  # a stricter limit is in force, or it has ended
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    return process


def dies_with_parent() -> list[str]:
    """The command that makes Linux kill what follows it when this program dies."""
    setpriv = shutil.which("setpriv")  # of util-linux, which every Debian has
    if setpriv is None:
        return []
    # If this program died before setpriv asked for the signal, there is another parent.
    still_here = 'test "$PPID" = "$0" && exec "$@"'
    return [setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", still_here, str(os.getpid())]


def _program(name: str) -> list[str]:
    found = find_ffmpeg()
    if found is None:
        raise AudioError(name, f"needs ffmpeg to be decoded: {INSTALL}")
    return [*dies_with_parent(), found]


def reason_of(words: bytes) -> str:
    """The first thing that ffmpeg complained of, without its addresses; "ffmpeg: ..."
    or empty.

    Examples
    --------
    >>> reason_of(b"[mov,mp4 @ 0x55d5] moov atom not found\\nx.m4a: Invalid data\\n")
    'ffmpeg: moov atom not found'
    """
    for line in words.decode("utf-8", "backslashreplace").splitlines():
        said = re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\]\s*", "", line).strip()
        if said and not said.startswith("Impossible to open"):  # the next line says why
            named = said.startswith(("file:", "pipe:"))
            return f"ffmpeg: {said.rpartition(': ')[2] if named else said}"
    return ""
