"""Signals as calls on a thread of their own."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


def ends() -> list[signal.Signals]:
    """The signals that ask a program to finish: Ctrl-C, `kill`, and a terminal that is
    closed, unless nohup has that ignored."""
    asked = [signal.SIGINT, signal.SIGTERM]
    return asked if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [*asked, signal.SIGHUP]


@contextmanager
def signals_call(calls: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """While the block runs, a signal calls a function instead of what it does else.

    The functions run on one thread, and may take locks. A handler of Python runs in the
    middle of whatever the main thread does: if that holds the lock of an Event, a
    handler that sets the Event waits for ever. Signals that come faster than they are
    taken become one.

    Parameters
    ----------
    calls : mapping
        What to call for each number of a signal. From the main thread only.
    """
    inbox, outbox = socket.socketpair()
    outbox.setblocking(False)
    previous = {number: signal.signal(number, _nothing) for number in calls}
    wakeup = signal.set_wakeup_fd(outbox.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_call, args=(inbox, calls), name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        outbox.close()
        thread.join()
        inbox.close()


def _nothing(number: int, frame: object) -> None:
    """The number has gone to the thread already."""


def _call(inbox: socket.socket, calls: Mapping[signal.Signals, Callable[[], object]]) -> None:
    while numbers := inbox.recv(4096):
        for number, call in calls.items():
            if number in numbers:
                call()
