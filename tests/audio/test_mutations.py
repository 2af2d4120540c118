"""Damaged files are heard or refused in one line: no crash, no hang, no growth.

script/fuzz tries many more.
"""

from __future__ import annotations

import shutil

import pytest

from tests.helpers.mutations import run


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_damaged_files_are_heard_or_refused_in_one_line() -> None:
    wrong, growth = run(0, 800, 40, 2)
    assert wrong == []
    assert growth < 30_000
