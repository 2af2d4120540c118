"""The example tracks of the page are what the synthesiser plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from genre_edge.demo.examples import EXAMPLES, SECONDS, play
from genre_edge.demo.synth import RATE

from tests.conftest import ROOT

FOLDER = ROOT / "edge" / "genre_edge" / "web" / "static" / "examples"


def decoded(path: Path) -> np.ndarray:
    """A file at the synthesiser's rate."""
    samples, rate = soundfile.read(path)
    return soxr.resample(samples, rate, RATE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_file_is_what_the_synthesiser_plays(name: str) -> None:
    kept, played = decoded(FOLDER / f"{name}.opus"), play(name)
    length = min(len(kept), len(played))
    assert length / RATE == pytest.approx(SECONDS, abs=0.05)
    kept, played = kept[:length], played[:length]
    likeness = np.dot(kept, played) / np.linalg.norm(kept) / np.linalg.norm(played)
    assert likeness > 0.9, "run: python -m genre_edge.demo.examples FOLDER"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_loud_and_never_clipped(name: str) -> None:
    played = play(name)
    assert np.abs(played).max() == pytest.approx(0.8, abs=1e-6)
    seconds = played[: int(SECONDS) * RATE].reshape(int(SECONDS), RATE)
    assert np.sqrt((seconds**2).mean(axis=1)).min() > 0.01, "something sounds in every second"


def test_the_same_seed_plays_the_same_and_another_one_something_else() -> None:
    first = play("jazz-trio")
    assert np.array_equal(first, play("jazz-trio"))
    assert not np.array_equal(first, play("jazz-trio", seed=8))


def test_every_example_is_kept_and_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.opus" for name in EXAMPLES}
