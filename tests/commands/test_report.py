"""genre-edge report: one page about a library."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from genre_edge.cli import main
from genre_edge.library.parts import About, Parts
from genre_edge.library.row import Embedding, Row

from tests.conftest import noise

ABOUT = About("m", "00", ("jazz", "rock"), 10, None, Embedding(8, "int8", 0.1, 0), "parquet")


def row(path: Path | str, genre: str | None = "rock", sure: float = 0.9, seed: int = 0) -> Row:
    other = "jazz" if genre == "rock" else "rock"
    scores = {} if genre is None else {genre: sure, other: 1 - sure}
    embedding = np.random.default_rng(seed).integers(-128, 128, 8).tolist()
    heard = (60.0, 10, genre, None if genre is None else sure, scores, {})
    kept = None if genre is None else embedding
    return Row(str(path), 1, 1.0, *heard, kept, "m", "00", "1", None, None)


def library(folder: Path, *rows: Row, about: About = ABOUT) -> Path:
    with closing(Parts(folder, about)) as parts:
        parts.write(rows)
    return folder


class Page(HTMLParser):
    """The sections of a page: their text, by heading, and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.sections, self.links, self.dots = [""], [], 0
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if tag == "h2":
            self.sections.append("")
        self.links += [value for name, value in attributes if name in ("href", "src")]
        self.dots += tag == "circle"

    def handle_data(self, data: str) -> None:
        self.sections[-1] += data

    def section(self, heading: str) -> str:
        return next(one for one in self.sections if one.startswith(heading))


def test_the_page_has_all_that_is_worth_a_second_listen(tmp_path: Path, capsys) -> None:
    song = tmp_path / "a <b> & c.flac"
    soundfile.write(song, noise(1), 22050)
    tagged = mutagen.File(song)
    tagged["GENRE"] = "Cool Jazz"
    tagged.save()
    folder = library(
        tmp_path / "genres",
        row(song, sure=0.96, seed=1),
        row("https://host/x.mp3", sure=0.4, seed=2),
        row("/music/twice.mp3", "jazz", seed=3),
        row("/music/twice.ogg", "jazz", seed=3),
        row("/music/quiet.wav", None),
        replace(row("/music/bad.wav", None), error="is truncated"),
    )
    output = tmp_path / "page.html"
    assert main(["report", str(folder), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 4 files\n"
    page = Page(output)
    assert "1 more has no music. 1 could not be heard. A model" in " ".join(
        page.sections[0].split()
    )
    assert re.search(r"jazz\s*2\s*50 %\s*0\.\d\d", page.section("Genres"))
    assert page.dots == 4
    assert page.section("Least sure").index("x.mp3") < page.section("Least sure").index("twice")
    assert re.search(r"a <b> & c.flac\s*Cool Jazz\s*rock\s*96 %", page.section("Tags that are"))
    assert re.search(r"twice.mp3\s*/music/twice.ogg", page.section("The same"))
    assert "https://host/x.mp3" in page.links
    assert song.as_uri() in page.links
    outside = ("file://", "https://host/")
    assert all(link.startswith(outside) for link in page.links), "the page needs nothing else"


def test_a_library_without_embeddings_says_what_is_left_out(tmp_path: Path) -> None:
    about = replace(ABOUT, embedding=None, format="jsonl")
    folder = library(tmp_path / "genres", replace(row("/a.mp3"), embedding=None), about=about)
    output = tmp_path / "page.html"
    assert main(["report", str(folder), "--output", str(output), "--no-tags"]) == 0
    page = Page(output)
    assert page.dots == 0
    for heading in ("Map", "The same"):
        assert "--embeddings" in page.section(heading)
    assert "--no-tags" in page.section("Tags")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing: is no library: _library.json: no such file or directory"),
        (["empty"], "empty: holds no file that has a genre"),
        (["empty", "--output", "no/page.html"], "no"),
        (["empty", "--map", "umap"], "needs the package umap-learn: "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, monkeypatch, capsys, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    library(tmp_path / "empty", row("/quiet.wav", None))
    assert main(["report", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not list(tmp_path.glob("*.html"))
