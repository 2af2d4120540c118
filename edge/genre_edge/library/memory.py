"""How the C library gives memory to a worker."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)."""
_MMAP_BYTES = 32 << 20
"""The most that glibc itself goes up to, where nobody has set a limit."""


def keep_memory() -> None:
    """Have glibc keep the memory of arrays that are let go, for the next ones.

    Dask starts its workers with a low MALLOC_TRIM_THRESHOLD_. This also ends the
    adjustment of the limit from which arrays get pages of their own. Then nearly every
    array of the front-end is new pages, which the kernel clears: a third of a worker's
    time. Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * _MMAP_BYTES)
