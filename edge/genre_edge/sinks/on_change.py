"""A command that is run when the label changes."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import GenreEdgeError, UsageError
from ..settings.options import add_flags, check, given, option
from ..settings.section import Section
from .changes import ChangeFilter
from .kind import PlannedSink, SinkKind

if TYPE_CHECKING:
    from ..records import Record

_MOST_SAID = 2000
"""Bytes at the end of what a command wrote about errors that are looked at."""


@dataclass(frozen=True)
class CommandConfig:
    """The command and how long it may run."""

    command: str = option(
        "",
        "run this when the label changes, the record as JSON on its standard input",
        "--on-change",
        "CMD",
        by_hand=True,
    )
    timeout_seconds: float = option(
        30.0, "longest run of the command, s; then it is killed", low=0.1, high=86_400
    )

    def __post_init__(self) -> None:
        check(self)

    def words(self) -> list[str]:
        """The command split as a shell would; no shell runs it. UsageError if there is
        no such program."""
        import shlex
        import shutil

        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise UsageError(f"{self.command}: {error}") from None
        if words and shutil.which(words[0]) is None:
            raise UsageError(f"{self.command}: no such program")
        return words


class CommandSink:
    """Runs a command with the record's JSON on its standard input; run it behind a
    BackgroundSink."""

    def __init__(self, config: CommandConfig) -> None:
        """UsageError if there is no such program."""
        self._command = config.words()
        self._timeout = config.timeout_seconds
        self._changes = ChangeFilter()

    def write(self, record: Record) -> int:
        """Run the command if the record is a change. GenreEdgeError if it fails or
        takes too long."""
        from ..records import valid_utf8

        if not self._changes.is_change(record):
            return 0
        text = valid_utf8(json.dumps(record.to_json(), ensure_ascii=False)) + "\n"
        try:
            status, said = self._run(text.encode())
        except OSError as error:
            raise GenreEdgeError(f"{self._command[0]}: {error.strerror}") from None
        if status:
            raise GenreEdgeError(
                f"{self._command[0]}: exit status {status}" + (f" ({said})" if said else "")
            )
        return 1

    def _run(self, text: bytes) -> tuple[int, str]:
        """Run the command to its end; returns its exit status and the last line that it
        wrote about errors. Whatever it leaves in the background goes on."""
        import os
        import signal
        import subprocess
        import tempfile

        # Not a pipe: what goes on in the background would hold it open.
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            try:
                process.communicate(text, self._timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # what it has started too
                process.communicate()
                told = f"{self._command[0]}: killed after {self._timeout:g} s"
                raise GenreEdgeError(told) from None
            size = os.fstat(errors.fileno()).st_size
            end = os.pread(errors.fileno(), _MOST_SAID, max(0, size - _MOST_SAID))
        lines = end.decode(errors="replace").strip().splitlines()
        return process.returncode, lines[-1] if lines else ""

    def close(self) -> None:
        """Nothing is held back."""


SECTION = Section(
    "on_change",
    CommandConfig,
    "A command that runs when the label changes",
    examples={"command": "mpc volume 40"},
    check=CommandConfig.words,
    check_key="command",
)


def _add_flags(group: Any) -> None:
    add_flags(group, SECTION.name, CommandConfig)


def _read_flags(args: argparse.Namespace) -> dict[str, Any]:
    return given(args, SECTION.name)


def _plan(config: CommandConfig) -> PlannedSink | None:
    if not config.command:
        return None
    return PlannedSink(
        "on-change", config, lambda context: context.in_background(CommandSink(config))
    )


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan)
