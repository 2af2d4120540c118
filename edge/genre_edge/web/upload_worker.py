"""The process that classifies one upload: it limits itself, makes sure that the limits
are in force, and is genre-edge classify from then on."""

from __future__ import annotations

import os
import resource
import runpy
import sys
from contextlib import suppress
from pathlib import Path

NOT_LIMITED = 71
"""Exit status where a limit could not be set."""
_MAX_MEMORY = 2 * 1024**3
"""Address space of the process, bytes; a 32-bit system has little more."""
_NICE = 10
"""Niceness of the process: the microphone goes first."""
_FIRST_TO_GO = "1000"
"""What the kernel is told for the case that memory runs out: this process first."""


def limit_this_process() -> str:
    """Set the limits; returns what could not be set, empty if all are in force."""
    from ..model.workers import die_with_parent

    die_with_parent()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _MAX_MEMORY if hard == resource.RLIM_INFINITY else min(hard, _MAX_MEMORY)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        nice = max(_NICE, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    except (OSError, ValueError) as error:
        return f"{error}"
    if resource.getrlimit(resource.RLIMIT_AS) != (most, most):
        return "the limit on memory is not in force"
    if os.getpriority(os.PRIO_PROCESS, 0) < _NICE:
        return "the lower priority is not in force"
    return ""


def main() -> int:
    """Limit this process, then classify as the command line says."""
    trouble = limit_this_process()
    if trouble:
        print(trouble, file=sys.stderr)
        return NOT_LIMITED
    runpy.run_module("genre_edge", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
