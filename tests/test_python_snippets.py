"""The Python that documents and docstrings show runs, and gives what they say."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import genre_edge
import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT

EDGE = ROOT / "edge" / "genre_edge"
EXAMPLES = sorted(path for path in EDGE.rglob("*.py") if ">>> " in path.read_text())
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")
STEPS = 2 / 256
"""How far a probability may lie from the document's on another processor."""


def snippets(page: Path) -> list[tuple[str, str]]:
    """Each Python block of a page, and the text block that shows what it prints."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def printed(code: str, page: Path, names: dict[str, Any]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(page), "exec"), names)
    return out.getvalue()


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_python_in_the_documents_runs_and_prints_what_they_say(
    name: str, demo_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page follow each other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(demo_clip, "song.flac")
    samples, sample_rate = soundfile.read(demo_clip)
    soundfile.write("song.mp3", samples, sample_rate)
    names: dict[str, Any] = {"samples": samples, "sample_rate": sample_rate}
    for code, expected in snippets(ROOT / name):
        found = printed(code, ROOT / name, names)
        if not expected:
            continue
        assert NUMBER.sub("#", found) == NUMBER.sub("#", expected)
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (found, expected)]
        assert numbers[0] == pytest.approx(numbers[1], abs=STEPS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(EDGE)))
def test_examples_in_docstrings_give_what_they_say(
    path: Path, demo_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples, sample_rate = soundfile.read(demo_clip)
    names = {
        "genre_edge": genre_edge,
        "model": genre_edge.load(),
        "samples": samples,
        "sample_rate": sample_rate,
        "np": np,
        "features": np.zeros((2, 2), dtype=np.float32),
        "folder": tmp_path,
    }
    module = import_module(".".join(path.relative_to(EDGE.parent).with_suffix("").parts))
    failed, tried = doctest.testmod(module, extraglobs=names)
    assert tried
    assert not failed


def test_the_python_page_has_snippets_with_output() -> None:
    shown = snippets(ROOT / "docs/python.md")
    assert len(shown) >= 6
    assert sum(bool(expected) for _, expected in shown) >= 5
