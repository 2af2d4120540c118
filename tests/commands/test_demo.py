"""The demo clip and the commands that need nothing but the package."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from genre_edge import __version__
from genre_edge.demo.synth import RATE, clip


def test_the_stored_clip_is_what_the_synthesiser_makes(demo_clip) -> None:
    stored, rate = soundfile.read(demo_clip, dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(stored, clip(), atol=1e-3)


def test_demo_prints_a_line_a_window_and_a_verdict(cli, demo_clip) -> None:
    result = cli("demo")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout == cli("classify", demo_clip).stdout, (
        "the same pipeline as everything else"
    )
    assert len(result.stdout.splitlines()) == 6


def test_info_prints_what_the_bundle_says(cli) -> None:
    text = cli("info")
    assert text.returncode == 0
    for word in ("labels", "sample_rate", "int8", "accuracy", "sha256"):
        assert word in text.stdout
    described = json.loads(cli("info", "gtzan-two-block.float32", "--json").stdout)
    assert described["quantisation"]["input"] == {"dtype": "float32"}


def test_version_is_the_packages(cli) -> None:
    assert cli("--version").stdout == f"genre-edge {__version__}\n"


@pytest.mark.parametrize("command", [[], ["classify"], ["demo"], ["info"]])
def test_help_fits_a_screen_and_shows_examples(cli, command: list[str]) -> None:
    result = cli(*command, "--help")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) <= 72
    if command != ["demo"]:
        assert "examples:" in result.stdout
