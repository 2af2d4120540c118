"""Keeping C libraries quiet must not swallow what other threads have to say."""

from __future__ import annotations

import os
import threading
import time

from genre_edge.console import complain
from genre_edge.quiet import quiet_stderr


def test_native_chatter_is_swallowed_and_what_follows_is_not(capfd) -> None:
    with quiet_stderr():
        os.write(2, b"ALSA lib confmisc.c: no such thing\n")
    complain("heard")
    assert capfd.readouterr().err == "genre-edge: heard\n"


def test_a_line_from_another_thread_waits_for_the_quiet_to_end(capfd) -> None:
    inside = threading.Event()

    def native() -> None:
        with quiet_stderr():
            inside.set()
            time.sleep(0.3)

    thread = threading.Thread(target=native)
    thread.start()
    inside.wait()
    complain("the broker is away")
    thread.join()
    assert capfd.readouterr().err == "genre-edge: the broker is away\n"


def test_two_threads_may_be_quiet_at_once(capfd) -> None:
    def native() -> None:
        for _ in range(200):
            with quiet_stderr():
                os.write(2, b"chatter\n")

    threads = [threading.Thread(target=native) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    complain("still here")
    assert capfd.readouterr().err == "genre-edge: still here\n"
