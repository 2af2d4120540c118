"""Ctrl-C at any moment: status 130, and no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from genre_edge.console import INTERRUPTED, run_command
from genre_edge.interrupt import end_if_interrupted, interrupts_later

from tests.conftest import noise


def interrupted(run: Callable[[], object]) -> int:
    """The status of a command in which Ctrl-C is pressed and `run` takes it."""

    def command(_: object) -> int:
        run()
        return 0

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run_command("genre-edge", command, None)
    finally:
        signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def swallow() -> None:
    try:
        press()
    except KeyboardInterrupt:
        return


def make_another_error() -> None:
    try:
        press()
    except KeyboardInterrupt:
        raise ImportError("numpy is broken") from None


@pytest.mark.parametrize("run", [press, swallow, make_another_error])
def test_the_status_is_130_whatever_a_library_makes_of_it(run, capfd) -> None:
    assert interrupted(run) == INTERRUPTED
    assert capfd.readouterr().err == ""


def test_work_does_not_go_on_after_an_exception_that_was_swallowed() -> None:
    went_on = []

    def run() -> None:
        swallow()
        end_if_interrupted()
        went_on.append(1)

    assert interrupted(run) == INTERRUPTED
    assert went_on == []


def test_it_waits_while_a_process_is_started_which_never_sees_it() -> None:
    steps = []
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"

    def run() -> None:
        with interrupts_later():
            press()
            steps.append(subprocess.run([sys.executable, "-c", code], check=False).returncode)
        steps.append("not reached")

    assert interrupted(run) == INTERRUPTED
    assert steps == [0]


def test_a_worker_ignores_it_from_its_first_instruction_on() -> None:
    code = (
        "from genre_edge.model.workers import Workers\n"
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "from operator import neg\n"
        "workers = Workers(neg, lambda item, how: how, 2)\n"
        "for worker in workers._workers: os.kill(worker._process.pid, signal.SIGINT)\n"
        "print(list(workers.results([1, 2])))\n"
        "workers.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("[-1, -2]\n", "")


def test_what_a_place_of_records_holds_back_is_kept(cli, write_audio, tmp_path) -> None:
    history = tmp_path / "history.sqlite"
    command = [sys.executable, "-m", "genre_edge", "classify", "-", "--history", str(history)]
    sound = write_audio("a.wav", noise(60.0)).read_bytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(sound[: len(sound) // 2])
        program.stdin.flush()
        for _ in range(3):  # the file's name, and windows
            program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == INTERRUPTED
    heard = json.loads(cli("history", history, "--format", "json").stdout.splitlines()[0])
    assert heard["seconds"] >= 3
