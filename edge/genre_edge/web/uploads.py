"""Classifying an upload in a process of its own, which may crash, hang or eat memory
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

_MOST_MEMORY = 2 * 1024**3
"""Address space of the process, bytes: a 32-bit system has little more."""
_NICE = 10
"""The microphone goes first."""
_CHUNK = 1 << 16


class Uploads:
    """Works on a few uploads at once and refuses more."""

    def __init__(self, config: WebConfig, model: EngineConfig) -> None:
        self._config, self._model = config, model
        self._places = threading.Semaphore(config.uploads)
        self.done, self.refused = 0, 0
        """Uploads answered, and turned away."""

    def classify(self, body: IO[bytes], name: str) -> Iterator[dict[str, Any]]:
        """The records of `genre-edge classify` as they come. Problem before the first
        if there can be none.

        `name` is what the client calls the file; it stands in the records and goes
        nowhere else.
        """
        if not self._places.acquire(blocking=False):
            self.refused += 1
            raise Problem(429, f"{self._config.uploads} uploads are being worked on already", 5)
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
                self._judge(process, path, name, limit)
            finally:
                limit.cancel()
                process.kill()
                process.wait()
                for pipe in (process.stdout, process.stderr):
                    if pipe is not None:
                        pipe.close()

    def _save(self, body: IO[bytes], path: Path) -> None:
        most, size = round(self._config.upload_mb * 1e6), 0
        with path.open("wb") as out:
            while chunk := body.read(_CHUNK):
                size += len(chunk)
                if size > most:
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
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        return process

    def _read(self, process: subprocess.Popen[bytes], name: str) -> Iterator[dict[str, Any]]:
        assert process.stdout is not None
        most = self._config.upload_minutes * 60
        for line in process.stdout:
            record: dict[str, Any] = json.loads(line)
            if record.get("end", record.get("seconds", 0.0)) > most:
                raise Problem(413, f"longer than {self._config.upload_minutes:g} minutes")
            yield {**record, "file": name}

    def _judge(
        self, process: subprocess.Popen[bytes], path: Path, name: str, limit: threading.Timer
    ) -> None:
        """Problem if the process ended without a verdict."""
        assert process.stderr is not None
        said = process.stderr.read().decode(errors="replace").strip().splitlines()
        status = process.wait()
        if status == 0:
            return
        if not limit.is_alive():
            raise Problem(408, f"took longer than {self._config.upload_seconds:g} s")
        if status == 1 and said:
            raise Problem(422, said[-1].removeprefix("genre-edge: ").replace(str(path), name))
        raise Problem(422, f"{name}: the decoder failed on it")


def shown_name(name: str | None) -> str:
    """What a client calls its file, fit for a record: the last part of a path,
    printable, not long."""
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(c for c in last if c.isprintable())[:200] or "upload"
