"""Classifying an upload in a process of its own, which may crash, hang or use up memory
without harm to the service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from ..python_child import python_child
from ..settings.tables import EngineConfig, WebConfig
from .problems import Problem
from .upload_file import FormPart, UploadedFile
from .upload_worker import NOT_LIMITED

_OLD_FOLDERS = "genre-edge-*"
"""Where earlier versions kept uploads; a version that was killed left them there."""
_OLD_SECONDS = 3600.0
"""The longest that an upload may take, s."""


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
        _sweep(Path(tempfile.gettempdir()))
        self.done = 0
        """Uploads classified."""
        self.refused = 0
        """Uploads refused because there were too many."""

    def use_model(self, model: EngineConfig) -> None:
        """Classify the next uploads with another model."""
        self._model = model

    def classify(self, body: IO[bytes] | FormPart, name: str) -> Iterator[dict[str, Any]]:
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

    def _records(self, body: IO[bytes] | FormPart, name: str) -> Iterator[dict[str, Any]]:
        try:
            upload = UploadedFile(body, round(self._config.upload_mb * 1e6))
        except OSError as error:
            raise Problem(503, f"cannot keep the upload: {error.strerror}") from None
        with closing(upload):
            process = self._start(upload.path)
            limit = threading.Timer(self._config.upload_seconds, process.kill)
            limit.start()
            try:
                yield from self._read(process, name)
                self._check_exit(process, upload.path, name, limit)
            finally:
                limit.cancel()
                process.kill()
                process.wait()
                for pipe in (process.stdout, process.stderr):
                    if pipe is not None:
                        pipe.close()

    def _start(self, path: str) -> subprocess.Popen[bytes]:
        words = ["classify", path, "--format", "json"]
        model = self._model
        words += ["--model", model.model, "--threads", str(model.threads)]
        words += ["--runtime", model.runtime] if model.runtime else []
        keys = ",".join(model.trusted_keys)
        words += ["--trusted-keys", keys] if keys else []
        command = python_child("genre_edge.web.upload_worker", *words)
        try:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise Problem(503, f"cannot start the work: {error.strerror}", 5) from None

    def _read(self, process: subprocess.Popen[bytes], name: str) -> Iterator[dict[str, Any]]:
        assert process.stdout is not None
        max_seconds = self._config.upload_minutes * 60
        for line in process.stdout:
            record: dict[str, Any] = json.loads(line)
            if record.get("end", record.get("seconds", 0.0)) > max_seconds:
                raise Problem(413, f"longer than {self._config.upload_minutes:g} minutes")
            yield {**record, "file": name}

    def _check_exit(
        self, process: subprocess.Popen[bytes], path: str, name: str, limit: threading.Timer
    ) -> None:
        """Raise a Problem if the process ended without a verdict."""
        assert process.stderr is not None
        errors = process.stderr.read().decode(errors="replace").strip().splitlines()
        status = process.wait()
        if status == 0:
            return
        if not limit.is_alive():
            raise Problem(408, f"took longer than {self._config.upload_seconds:g} s")
        if status == NOT_LIMITED and errors:
            raise Problem(
                503, f"uploads are refused: their work cannot be limited here ({errors[-1]})"
            )
        if status == 1 and errors:
            raise Problem(422, errors[-1].removeprefix("genre-edge: ").replace(path, name))
        raise Problem(422, f"{name}: the decoder crashed on this file")


def _sweep(folder: Path) -> None:
    """Remove uploads that an earlier version left behind when it was killed."""
    for old in folder.glob(_OLD_FOLDERS):
        try:
            found = old.lstat()
            is_left = time.time() - found.st_mtime > _OLD_SECONDS
            names = os.listdir(old) if found.st_uid == os.geteuid() and is_left else None
        except OSError:
            continue
        if names in ([], ["upload"]) and old.is_dir() and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)


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
