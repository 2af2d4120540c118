"""Ctrl-C ends a command with status 130, wherever it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import sys
from genre_edge.console import run_command

def run(_):
    {body}
    return 0

sys.exit(run_command("program", run, None))
"""
PRESSED = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    "body",
    [
        PRESSED,
        f"exec({PRESSED!r})",  # as in an import: CPython remembers it
        f"eval(compile({PRESSED!r}, 'a', 'exec'))",
    ],
)
def test_ctrl_c_ends_a_command_with_130(body: str, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD.format(body=body))
    command = [sys.executable, "-m", "child"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (130, "")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_kill_and_a_closed_terminal_may_do_what_ctrl_c_does(name: str, tmp_path: Path) -> None:
    """For work that keeps what is done by then."""
    body = f"""
    import signal
    from genre_edge.interrupt import ends_as_interrupts
    try:
        with ends_as_interrupts():
            signal.raise_signal(signal.{name})
    finally:
        print("kept", signal.getsignal(signal.{name}).name)
"""
    (tmp_path / "child.py").write_text(CHILD.format(body=body))
    command = [sys.executable, "-m", "child"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (130, "kept SIG_DFL\n", "")
