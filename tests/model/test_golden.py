"""Numbers that are pinned: a log-mel, and every score of the demo clip.

After a deliberate change `python -m tests.model.test_golden` writes the files anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import genre_edge
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.demo import clip_path
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec

from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
SCORES, LOGMEL = GOLDEN / "demo_scores.json", GOLDEN / "demo_logmel.json"
MODELS = ("gtzan-edge.int8", "gtzan-edge.float32", "gtzan-tiny.int8", "gtzan-two-block.int8")
STEPS = 2 / 256
"""Two steps of an int8 output: another processor may round an activation
differently."""


def scores_of(model: str, clip: Path) -> list[dict[str, float]]:
    return [window.scores for window in genre_edge.load(model).classify_file(clip).windows]


def logmel_of(clip: Path) -> np.ndarray:
    """A part of the first window, float32 [14, 16]: every 9th frame, every 8th band."""
    spec = FrontendSpec()
    samples = read_mono(clip, spec.sample_rate)[: spec.window_samples]
    (window,) = LogMel(spec).push(samples)
    return window.features[::9, ::8]


@pytest.mark.parametrize("model", MODELS)
def test_the_demo_clip_gets_the_scores_it_always_got(model: str, demo_clip: Path) -> None:
    expected = json.loads(SCORES.read_text())[model]
    found = scores_of(model, demo_clip)
    assert len(found) == len(expected) == 4
    for window, golden in zip(found, expected, strict=True):
        assert window == pytest.approx(golden, abs=STEPS)


def test_the_log_mel_is_the_one_it_always_was(demo_clip: Path) -> None:
    expected = np.array(json.loads(LOGMEL.read_text()))
    np.testing.assert_allclose(logmel_of(demo_clip), expected, atol=1e-3)


def make() -> None:
    """Write the golden files from what the program says now."""
    clip = clip_path()
    scores = {model: scores_of(model, clip) for model in MODELS}
    SCORES.write_text(json.dumps(scores, indent=1) + "\n")
    rows = [json.dumps([round(float(x), 4) for x in row]) for row in logmel_of(clip)]
    LOGMEL.write_text("[\n " + ",\n ".join(rows) + "\n]\n")


if __name__ == "__main__":
    make()
