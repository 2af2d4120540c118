"""Ctrl-C: it ends the program, even where a library swallows the exception."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupt:
    """A handler of SIGINT that remembers that it came."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note it, and raise KeyboardInterrupt as Python does."""
        self.came = True
        raise KeyboardInterrupt


@contextmanager
def interrupts_noted() -> Iterator[Interrupt]:
    """While the block runs, Ctrl-C raises KeyboardInterrupt and is noted. Where SIGINT
    is ignored or handled already, and on other threads than the first, that stays."""
    interrupt = Interrupt()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interrupt
        return
    report = sys.unraisablehook

    def hook(what: Any) -> None:
        """Of an exception that cannot go on, "Exception ignored" is printed."""
        if what.exc_type is not KeyboardInterrupt:
            report(what)

    sys.unraisablehook = hook
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = report


def end_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C came and a library swallowed the exception."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, Interrupt) and handler.came:
        raise KeyboardInterrupt


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Let a SIGINT wait until the block ends. Processes that are started in it have the
    signal blocked from their first instruction on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if threading.current_thread() is not threading.main_thread():
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    came: list[int] = []  # another thread, which does not block it, may take it
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def ends_as_interrupts() -> Iterator[None]:
    """While the block runs, `kill` and a terminal that is closed do what Ctrl-C does.
    Where that signal or Ctrl-C is ignored already, that stays. On the first thread
    only."""
    asked = [signal.SIGTERM, signal.SIGHUP]
    before = {one: signal.getsignal(one) for one in asked}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        for one in asked:
            if before[one] is signal.SIG_DFL:
                signal.signal(one, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for one in asked:
            signal.signal(one, before[one])
