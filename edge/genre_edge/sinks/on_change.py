"""A command that is run when the label changes."""

from __future__ import annotations

import json
import subprocess

from ..errors import GenreEdgeError
from ..records import Record
from ..settings.tables import ProgramConfig
from .changes import ChangeFilter


class ProgramSink:
    """Runs a command with the record's JSON on its standard input; run it behind a
    BackgroundSink."""

    def __init__(self, config: ProgramConfig) -> None:
        """UsageError if there is no such program. The command is split as a shell
        would, but no shell runs it."""
        self._command = config.words()
        self._timeout = config.timeout_seconds
        self._news = ChangeFilter()

    def write(self, record: Record) -> None:
        """Run it if the record is a change. GenreEdgeError if it fails or takes too
        long."""
        if not self._news.is_change(record):
            return
        text = json.dumps(record.to_json(), ensure_ascii=False) + "\n"
        try:
            done = subprocess.run(
                self._command,
                input=text,
                text=True,
                timeout=self._timeout,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except subprocess.TimeoutExpired:
            raise GenreEdgeError(f"{self._command[0]}: killed after {self._timeout:g} s") from None
        except OSError as error:
            raise GenreEdgeError(f"{self._command[0]}: {error.strerror}") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise GenreEdgeError(
                f"{self._command[0]}: left with status {done.returncode}"
                + (f" ({said[-1]})" if said else "")
            )

    def close(self) -> None:
        """Nothing is held back."""
