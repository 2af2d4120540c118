"""Every boundary takes damaged inputs; script/fuzz tries many more of them."""

from __future__ import annotations

import shutil

import pytest

from fuzz.run import fuzz
from fuzz.targets import TARGETS

INPUTS = {"audio": 60, "spool": 30}
"""Inputs of targets that are slow; of others 100."""


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_are_taken_or_refused_in_one_line(name: str) -> None:
    if name == "audio" and shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    report = fuzz(TARGETS[name], 0, INPUTS.get(name, 100), float("inf"), 1)
    assert report.wrong == []
    assert report.tried >= INPUTS.get(name, 100)
    assert report.growth < 30_000
