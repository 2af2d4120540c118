"""Classifying an upload in a process of its own, which may crash, hang or use up memory
without harm to the service."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..settings.tables import EngineConfig, WebConfig
from .problems import Problem

_MAX_MEMORY = 2 * 1024**3
"""Address space of the process, bytes; a 32-bit system has little more."""
_NICE = 10
"""Niceness of the process: the microphone goes first."""
_CHUNK_BYTES = 1 << 16


class Uploads:
    """Classifies a few uploads at once, and refuses more.

    Parameters
    ----------
    config
        Limits: number, size, length and time.
    model
        What uploads are classified with.
    """

    def __init__(self, config: WebConfig, model: EngineConfig) -> None:
        self._config, self._model = config, model
        self._places = threading.Semaphore(config.uploads)
        self.done = 0
        """Uploads classified."""
        self.refused = 0
        """Uploads refused because there were too many."""

    def classify(self, body: IO[bytes], name: str) -> Iterator[dict[str, Any]]:
        """Classify one upload.

        Parameters
        ----------
        body
            The audio file.
        name
            What the client calls it. It is copied to the records, and used for nothing
            else.

        Returns
        -------
        iterator of dict
            The records of `genre-edge classify`, as they come. Close it, or read it to
            the end.

        Raises
        ------
        Problem
            Before the first record: too many uploads, or nothing to classify. While
            iterating: an error in the rest of the file.
        """
        if not self._places.acquire(blocking=False):
            self.refused += 1
            text = f"too many uploads at once ({self._config.uploads}); try again later"
            raise Problem(429, text, retry_after=5)
        try:
            records = self._records(body, name)
            first = next(records)
        except BaseException:
            self._places.release()
            raise
        return self._rest(first, records)

    def _rest(
        self, first: dict[str, Any], records: Iterator[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        try:
            yield first
            yield from records
            self.done += 1
        finally:
            records.close()  # type: ignore[attr-defined]
            self._places.release()

    def _records(self, body: IO[bytes], name: str) -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="genre-edge-") as folder:
            path = Path(folder) / "upload"  # nothing of the request is in the path
            self._save(body, path)
            process = self._start(path)
            limit = threading.Timer(self._config.upload_seconds, process.kill)
            limit.start()
            try:
                yield from self._read(process, name)
                self._check_exit(process, path, name, limit)
            finally:
                limit.cancel()
                process.kill()
                process.wait()
                for pipe in (process.stdout, process.stderr):
                    if pipe is not None:
                        pipe.close()

    def _save(self, body: IO[bytes], path: Path) -> None:
        max_bytes, size = round(self._config.upload_mb * 1e6), 0
        with path.open("wb") as out:
            while chunk := body.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > max_bytes:
                    raise Problem(413, f"more than {self._config.upload_mb:g} MB")
                out.write(chunk)
        if size == 0:
            raise Problem(422, "the upload is empty")

    def _start(self, path: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "genre_edge", "classify", str(path), "--format", "json"]
        command += ["--model", self._model.model, "--threads", str(self._model.threads)]
        command += ["--runtime", self._model.runtime] if self._model.runtime else []
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
        return process

    def _read(self, process: subprocess.Popen[bytes], name: str) -> Iterator[dict[str, Any]]:
        assert process.stdout is not None
        max_seconds = self._config.upload_minutes * 60
        for line in process.stdout:
            record: dict[str, Any] = json.loads(line)
            if record.get("end", record.get("seconds", 0.0)) > max_seconds:
                raise Problem(413, f"longer than {self._config.upload_minutes:g} minutes")
            yield {**record, "file": name}

    def _check_exit(
        self, process: subprocess.Popen[bytes], path: Path, name: str, limit: threading.Timer
    ) -> None:
        """Raise a Problem if the process ended without a verdict."""
        assert process.stderr is not None
        errors = process.stderr.read().decode(errors="replace").strip().splitlines()
        status = process.wait()
        if status == 0:
            return
        if not limit.is_alive():
            raise Problem(408, f"took longer than {self._config.upload_seconds:g} s")
        if status == 1 and errors:
            raise Problem(422, errors[-1].removeprefix("genre-edge: ").replace(str(path), name))
        raise Problem(422, f"{name}: the decoder crashed on this file")


def display_name(name: str | None) -> str:
    """Make a client's file name fit for a record.

    Parameters
    ----------
    name
        As the client sent it.

    Returns
    -------
    str
        The last part of the path: printable characters, at most 200 of them.

    Examples
    --------
    >>> display_name("../../my song.mp3")
    'my song.mp3'
    """
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(c for c in last if c.isprintable())[:200] or "upload"
