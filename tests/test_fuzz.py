"""Every boundary takes damaged inputs; script/fuzz tries many more of them."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest

from fuzz.run import fuzz
from fuzz.target import Target
from fuzz.targets import TARGETS

INPUTS = {"audio": 60, "spool": 30, "statement": 40}
"""Inputs of targets that are slow; of others 100."""


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_are_taken_or_refused_in_one_line(name: str) -> None:
    if name == "audio" and shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    report = fuzz(TARGETS[name], 0, INPUTS.get(name, 100), float("inf"), 1)
    assert report.wrong == []
    assert report.tried >= INPUTS.get(name, 100)
    assert report.growth < 30_000


def test_making_samples_does_not_count_as_time_of_the_first_input() -> None:
    target = Target("clock", _needs_a_clock, prepare=_needs_no_clock)
    assert fuzz(target, 0, 2, float("inf"), 1).wrong == []


def _needs_no_clock(folder: Path) -> None:
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        raise AssertionError("the alarm runs already")


def _needs_a_clock(chance: random.Random, folder: Path) -> None:
    if not signal.getitimer(signal.ITIMER_REAL)[0]:
        raise AssertionError("the alarm does not run")
