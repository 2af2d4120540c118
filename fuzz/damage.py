"""Damaged inputs: the same number always gives the same one."""

from __future__ import annotations

import random
from collections.abc import Sequence

_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80")
_TEXTS = (
    b"\x1b[2J",
    b"\0",
    b"\r\n",
    b"\xed\xa0\x80",
    b"{",
    b"[" * 200,
    b"9" * 400,
    b"-1",
    b"1e999",
)


def damaged(chance: random.Random, whole: Sequence[bytes]) -> bytes:
    """One of some inputs, with some of it changed, lost, repeated or exchanged.

    Parameters
    ----------
    chance
        Decides what is done.
    whole
        Inputs that are right, or that were known to do harm.
    """
    content = bytearray(chance.choice(whole))
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        # Half of the damage is done to the first bytes, where the structure is.
        at = chance.randrange(min(len(content), chance.choice((64, 512, 1 << 30))) or 1)
        if chance.random() < 0.2:  # some structures are at the end
            at = len(content) - 1 - at
        at = max(0, at)
        kind = chance.randrange(8)
        if kind == 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            content[at : at + 4] = chance.choice(_NUMBERS)
        elif kind == 2:
            content[at : at + chance.randrange(1, 500)] = b""
        elif kind == 3:
            content[at:at] = chance.randbytes(chance.randrange(1, 500))
        elif kind == 4:
            content[at:at] = content[at : at + chance.randrange(1, 5000)]
        elif kind == 5:
            del content[max(1, at) :]
        elif kind == 6:
            content[at:at] = chance.choice(_TEXTS)
        else:
            other = chance.choice(whole)
            content[at:] = other[chance.randrange(len(other) or 1) :]
        if not content:
            break
    return bytes(content)


def damaged_text(chance: random.Random, whole: Sequence[str]) -> str:
    """The same for text; what is no UTF-8 any more becomes lone surrogates."""
    content = damaged(chance, [text.encode("utf-8", "surrogatepass") for text in whole])
    return content.decode("utf-8", "surrogateescape")
