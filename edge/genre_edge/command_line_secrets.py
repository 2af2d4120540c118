"""Secrets of this process's command line, which every user of the machine can read.

Linux shows a process's arguments in /proc from where they lie in its memory. They are
overwritten there; the program has read them by then. Between the start of the process
and this call they can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_STAR = b"*"
_START, _END = 48, 49
"""The fields of /proc/self/stat with the place of the arguments' first byte and of the
one after the last (proc(5): arg_start, arg_end)."""


def _stars(found: re.Match[bytes]) -> bytes:
    return _STAR * len(found[0])


_SECRETS = (
    re.compile(rb"(?<=://)[^/?#\s@]*(?=@)"),  # user and password
    re.compile(rb"(?<=\?)[^,]+"),  # a query
    re.compile(rb"(?<=header=)[^,]+"),
)
_WEBHOOK = re.compile(rb"(?<=://)([^/,]+/)([^,]+)")
_OF_WEBHOOKS = b"--webhook"
_LEAST = len(b"--w")
"""Letters of a flag that argparse may take for it."""


def without_secrets(arguments: list[bytes]) -> list[bytes]:
    """Arguments with stars for passwords, queries and headers, and for the paths of
    webhooks, which are often secret. Their lengths stay.

    Examples
    --------
    >>> without_secrets([b"--source", b"rtsp://me:pass@camera/live"])
    [b'--source', b'rtsp://*******@camera/live']
    """
    shown, before = list[bytes](), b""
    for word in arguments:
        hidden = word
        for secret in _SECRETS:
            hidden = secret.sub(_stars, hidden)
        if _is_of_webhooks(before) or _is_of_webhooks(word.partition(b"=")[0]):
            hidden = _WEBHOOK.sub(lambda found: found[1] + _STAR * len(found[2]), hidden)
        shown.append(hidden)
        before = word
    return shown


def _is_of_webhooks(flag: bytes) -> bool:
    """Whether a word is the flag, or the beginning of it: argparse takes that too."""
    return len(flag) >= _LEAST and _OF_WEBHOOKS.startswith(flag)


def hide_secrets(read: Callable[[], bytes] = Path("/proc/self/cmdline").read_bytes) -> None:
    """Overwrite the secrets in this process's arguments; elsewhere than on Linux
    nothing happens."""
    try:
        arguments = read()
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        # What follows the name in parentheses begins with field 3.
        start, end = (int(fields[number - 3]) for number in (_START, _END))
    except (OSError, ValueError, IndexError):
        return
    hidden = b"\0".join(without_secrets(arguments.split(b"\0")))
    if hidden == arguments or len(arguments) != end - start:
        return
    import ctypes

    if ctypes.string_at(start, len(arguments)) == arguments:
        ctypes.memmove(start, hidden, len(hidden))
