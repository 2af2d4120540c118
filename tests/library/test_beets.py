"""The plugin for beets, in beets itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mutagen
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def beet(tmp_path: Path, demo_clip: Path):
    """Runs beets on two songs, one of them with a genre; returns what is printed."""
    music = tmp_path / "music"
    music.mkdir()
    for name in ("none", "some"):
        shutil.copy(demo_clip, music / f"{name}.flac")
        tags = mutagen.File(music / f"{name}.flac")
        tags["title"] = name
        if name == "some":
            tags["genre"] = "Polka"
        tags.save()
    (tmp_path / "config.yaml").write_text(
        f"directory: {music}\nlibrary: {tmp_path / 'library.db'}\n"
        f"pluginpath: {ROOT / 'edge' / 'beetsplug'}\nplugins: genreedge\n"
        "import: {copy: no, autotag: no}\n"
        "genreedge: {min_confidence: 0.2}\n"
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "beets", *arguments]
        environment = os.environ | {"BEETSDIR": str(tmp_path)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    run("import", "-q", str(music))
    return run


def genres(beet) -> dict[str, str]:
    lines = beet("ls", "-f", "$title:$genres:$genre_edge").splitlines()
    return {title: rest for title, _, rest in (line.partition(":") for line in lines)}


def test_a_song_without_a_genre_gets_one_and_others_keep_theirs(beet, tmp_path: Path) -> None:
    shown = beet("genre-edge", "--pretend")
    assert "classical" in shown
    assert genres(beet) == {"none": ":$genre_edge", "some": "Polka:$genre_edge"}
    beet("genre-edge")
    assert genres(beet) == {"none": "Classical:classical", "some": "Polka:classical"}
    assert mutagen.File(tmp_path / "music" / "none.flac")["genre"] == ["Classical"]
    (tmp_path / "music" / "none.flac").write_bytes(b"nothing")
    assert "none.flac" in beet("genre-edge", "--force"), "it is named, and the rest goes on"
    assert genres(beet)["some"] == "Classical:classical"
