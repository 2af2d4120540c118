"""The processes of a program under test."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def workers(parent: int) -> list[int]:
    """The processes that multiprocessing has started for a program."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_child = int(_stat(folder)[1]) == parent
            command = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if is_child and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def gone(process: int) -> bool:
    """Whether a process has ended."""
    try:
        return _stat(Path(f"/proc/{process}"))[0] == "Z"
    except OSError:
        return True


def processor_seconds(processes: Sequence[int]) -> float:
    """What processes have used of the processors so far, s (proc_pid_stat(5))."""
    stats = [_stat(Path(f"/proc/{process}")) for process in processes]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _stat(folder: Path) -> list[str]:
    return (folder / "stat").read_text().rpartition(")")[2].split()


@contextmanager
def deadly(path: Path) -> Iterator[list[int]]:
    """While it lasts, every process that opens a file is killed; yields those that
    were. It takes some milliseconds, so the file must take longer to be read."""
    killed: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in _readers(path):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _readers(path: Path) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"spawn_main" not in (folder / "cmdline").read_bytes():
                continue
            opened = [os.readlink(one) for one in (folder / "fd").iterdir()]
        except OSError:
            continue
        if str(path) in opened:
            yield int(folder.name)
