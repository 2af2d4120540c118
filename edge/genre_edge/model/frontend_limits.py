"""What each number and each choice of a front-end may be, and which bundle schema
brought it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELDS_SINCE: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "frame_length",
            "power",
            "mel_filters",
            "scale",
            "log_factor",
            "log_offset",
            "window_level",
        ),
        2,
    ),
    **dict.fromkeys(
        (
            "kind",
            "taper",
            "taper_place",
            "padding",
            "frame_start",
            "preemphasis",
            "mel_norm",
            "bins",
            "level_of",
            "log_floor",
            "db_reference",
            "n_mfcc",
            "dct_type",
            "dct_norm",
            "lifter",
            "lifter_from",
            "frame_energy",
            "deltas",
            "delta_width",
            "delta_method",
            "delta_axis",
            "fixed_frames",
            "band_mean",
            "band_deviation",
            "minmax_high",
            "flip_bands",
            "channels",
        ),
        3,
    ),
}
"""The bundle schema that brought each field; those not named are in schema 1."""

CHOICES: Mapping[str, Mapping[Any, int]] = {
    "kind": {"mel": 1, "mfcc": 3, "linear": 3, "waveform": 3},
    "taper": {
        "hann": 1,
        "hamming": 3,
        "hann-symmetric": 3,
        "hamming-symmetric": 3,
        "rectangular": 3,
    },
    "taper_place": {"start": 1, "centre": 3},
    "padding": {"none": 1, "zeros": 3, "reflect": 3, "end": 3},
    "frame_start": {"stream": 1, "window": 3},
    "power": {1: 1, 2: 1},
    "mel_filters": {"slaney": 1, "htk": 1, "htk-hz": 3, "htk-bins": 3},
    "mel_norm": {"own": 1, "area": 3, "height": 3},
    "scale": {"db": 1, "ln": 1, "log10": 1, "db-amplitude": 3, "none": 3},
    "level_of": {"rms": 1, "peak": 3},
    "db_reference": {"one": 1, "max": 3},
    "dct_type": {1: 3, 2: 1, 3: 3},
    "dct_norm": {"ortho": 1, "none": 3},
    "lifter_from": {0: 3, 1: 1},
    "delta_method": {"savgol": 1, "regression": 3},
    "delta_axis": {"bands": 1, "channels": 3},
    "normalise": {"window": 1, "none": 1, "window-bands": 3, "stored": 3, "minmax": 3},
    "channels": {1: 1, 3: 3},
}
"""Values of the fields that take one of a few, with the bundle schema that brought
each."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "sample_rate": (1000, 192_000),
    "window_seconds": (0.1, 60.0),
    "n_fft": (16, 32_768),
    "hop_length": (1, 192_000),
    "n_mels": (1, 1024),
    "top_db": (1e-3, 1000.0),
    "log_factor": (1e-12, 1e12),
    "log_offset": (0.0, 1e6),
    "log_floor": (0.0, 1.0),
    "window_level": (0.0, 1.0),
    "preemphasis": (0.0, 1.0),
    "bins": (0, 16_385),
    "n_mfcc": (0, 1024),
    "lifter": (0, 1000),
    "deltas": (0, 2),
    "delta_width": (3, 99),
    "fixed_frames": (0, 8192),
    "minmax_high": (1e-6, 65_535.0),
}
"""Smallest and largest value of each number. A bundle comes from anywhere: nothing in
it may ask for more memory or time than a small machine has."""
MOST_STATISTICS = 1e6
"""Largest stored mean or deviation, and 1 over the smallest deviation."""
MOST_WORK = 1 << 25
"""Most samples that all transforms of a window may take together: a hundred times the
default's."""
MOST_WEIGHTS = 1 << 22
"""Most weights of a filterbank (n_fft times bands)."""
MOST_FEATURES = 1 << 23
"""Most numbers in one window of features."""
MOST_DELTA_FRAMES = 4096
"""Most frames with deltas, which are computed by a matrix of frames times frames."""


def faults_of_values(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with single fields of a front-end, a line each."""
    problems = [
        f"{name} must be from {low:g} to {high:g}, not {values[name]}"
        for name, (low, high) in BOUNDS.items()
        if not low <= values[name] <= high  # NaN fails too
    ]
    problems += [
        f"{name} must be {' or '.join(map(repr, known))}, not {values[name]!r}"
        for name, known in CHOICES.items()
        if values[name] not in known
    ]
    for name, least in (("band_mean", -MOST_STATISTICS), ("band_deviation", 1 / MOST_STATISTICS)):
        if not all(least <= value <= MOST_STATISTICS for value in values[name]):
            problems.append(f"{name} must be numbers from {least:g} to {MOST_STATISTICS:g}")
    return problems
