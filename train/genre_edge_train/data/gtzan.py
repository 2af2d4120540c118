"""What is known of the data set GTZAN."""

from __future__ import annotations

REPEATS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "hiphop.00076 hiphop.00078",
        "metal.00034 metal.00094",
        "metal.00041 metal.00062",
        "metal.00042 metal.00063",
        "metal.00043 metal.00064",
        "metal.00044 metal.00065",
        "metal.00045 metal.00066",
        "pop.00054 pop.00060",
        "pop.00067 pop.00071",
        "metal.00058 rock.00016",
    )
)
"""Recordings that GTZAN holds twice (B. L. Sturm, arXiv:1306.1461); they stay on one
side of a split."""
