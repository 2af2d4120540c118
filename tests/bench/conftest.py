"""A benchmark of a few tracks, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge import cli as genre_edge


@pytest.fixture(scope="session")
def music(tmp_path_factory, demo_clip) -> Path:
    """The demo clip's quarters as tracks of three genres, one too short, one no
    audio."""
    root = tmp_path_factory.mktemp("music")
    samples, rate = soundfile.read(demo_clip)
    rows = ["track,genre,file,split"]
    for k, genre in enumerate(("blues", "classical", "rock", "rock", "jazz")):
        soundfile.write(root / f"{k}.wav", np.roll(samples, k * rate * 2)[: rate * 7], rate)
        rows.append(f"t{k},{genre},{k}.wav,valid")
    soundfile.write(root / "short.wav", samples[: rate // 4], rate)
    (root / "broken.wav").write_text("no audio")
    rows += [
        "short,rock,short.wav,valid",
        "broken,rock,broken.wav,valid",
        "gone,rock,gone.wav,valid",
    ]
    rows += ["other,rock,0.wav,train"]
    (root / "tracks.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="session")
def bench(music, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("bench")
    arguments = [
        "bench",
        "--data",
        str(music),
        "--rounds",
        "10",
        "--threads",
        "1,2",
        "--output",
        str(output),
    ]
    assert genre_edge.main(arguments) == 1, "three files were skipped"
    return output
