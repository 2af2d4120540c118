"""A command that serves, in a process of its own, and what answers have in common."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.helpers.waiting import BACKSTOP_SECONDS


class WebServer:
    """Runs until `stop`; `url` is where it serves, `said` the lines that it wrote."""

    def __init__(
        self,
        folder: Path,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        serve: tuple[str, ...] = ("serve",),
    ) -> None:
        program = [sys.executable, "-m", "genre_edge", *serve]
        command = [*program, "--port", "0", *map(str, arguments)]
        home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {}), **home},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._has_ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.said.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def _wait_for_url(self) -> str:
        def found() -> re.Match[str] | None:
            matches = (re.search(r"serving (http://\S+)", line) for line in self.said)
            return next((match for match in matches if match), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._has_ended, BACKSTOP_SECONDS)
            match = found()
        assert match, self.said
        return match[1]

    def workers(self) -> list[int]:
        """Process ids of the uploads that are being classified."""
        return children_of(self.process.pid)

    def stop(self) -> int:
        """Stop it as systemd would; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(BACKSTOP_SECONDS)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status


def children_of(parent: int) -> list[int]:
    """Process ids of the children of a process that have not ended."""
    children = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if int(fields[1]) == parent and fields[0] != "Z":
            children.append(int(process.name))
    return sorted(children)


def problem(answer: requests.Response, status: int) -> str:
    """The detail of an error, which must be problem+json."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    detail: str = body["detail"]
    return detail
