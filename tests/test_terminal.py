"""Lines on a terminal: they fit, in the letters and colours that it has."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from collections.abc import Iterator

import pytest
from genre_edge import progress as progress_module
from genre_edge.progress import progress
from genre_edge.terminal import Part, Terminal, cells, padded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.terminals import on_terminal, screen_of, set_width

PARTS = st.builds(Part, st.text("ab 日é\u0301", max_size=12), st.integers(0, 3))
COLOURED = re.compile(r"\x1b\[38;5;(?:16|231);48;")


@pytest.fixture(scope="module")
def tty() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """A terminal, and the stream that writes to it."""
    master, terminal = pty.openpty()
    with open(terminal, "w", encoding="utf-8") as out:
        yield master, out
    os.close(master)


@pytest.mark.parametrize(
    ("text", "width"), [("jazz", 4), ("日本", 4), ("e\u0301", 1), ("a\u200db", 2), ("", 0)]
)
def test_wide_letters_take_two_cells_and_accents_none(text: str, width: int) -> None:
    assert cells(text) == width
    assert cells(padded(text, 10)) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.builds(Part, st.text("ab 日é\u0301", max_size=12), st.integers(0, 3))), st.data()
)
def test_a_line_never_is_wider_than_its_terminal(tty, parts: list[Part], data) -> None:
    master, out = tty
    width = data.draw(st.integers(1, 60))
    set_width(master, width)
    line = Terminal(out, {"TERM": "xterm"}).line(parts)
    assert cells(line) <= width
    if sum(cells(part.text) for part in parts) <= width:
        assert line == "".join(part.text for part in parts).rstrip(), "nothing is left out"


def test_the_least_important_part_is_left_out_first(tty) -> None:
    master, out = tty
    screen = Terminal(out, {"TERM": "xterm"})
    parts = [Part("jazz"), Part(" 80 %", 1), Part(" ████", 2)]
    for width, line in ((20, "jazz 80 % ████"), (10, "jazz 80 %"), (5, "jazz"), (3, "ja…")):
        set_width(master, width)  # the width is looked at for each line
        assert screen.line(parts) == line


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({"TERM": "xterm-256color"}, "48;5;"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "48;2;187;71;23m"),
        ({"TERM": "xterm-direct"}, "48;2;"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit", "FORCE_COLOR": "2"}, "48;5;"),
        ({"TERM": "vt100"}, ""),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, ""),
        ({"COLORTERM": "truecolor"}, ""),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, ""),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "48;5;"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "1"}, ""),
        ({"TERM": "xterm-256color", "CLICOLOR": "0"}, ""),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "0"}, ""),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "48;5;"),
    ],
)
def test_the_environment_decides_on_colours(tty, environment: dict[str, str], codes: str) -> None:
    painted = Terminal(tty[1], environment).painted("jazz", "jazz")
    assert codes in painted
    assert bool(COLOURED.search(painted)) == bool(codes)


def test_a_file_has_no_colours_unless_they_are_forced() -> None:
    full = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert Terminal(io.StringIO(), full).painted("jazz", "jazz") == "jazz"
    forced = full | {"CLICOLOR_FORCE": "1"}
    assert COLOURED.search(Terminal(io.StringIO(), forced).painted("jazz", "jazz"))
    assert Terminal(io.StringIO(), forced).width is None, "and its lines are whole"


def test_silence_and_doubt_are_words_without_colour(tty) -> None:
    screen = Terminal(tty[1], {"TERM": "xterm-256color"})
    assert [screen.painted(label, label) for label in ("silence", "uncertain")] == [
        "silence",
        "uncertain",
    ]


def test_bars_are_made_of_what_the_encoding_has() -> None:
    latin = Terminal(io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert latin.bar(0.5, 8) == "####    "
    assert Terminal(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")).bar(0.5, 7) == "███▌   "


# --- listening and classifying on a real terminal


def genre_edge(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "genre_edge", *map(str, arguments)]


def test_the_level_moves_between_windows_and_lines_fit_also_after_a_resize(demo_clip) -> None:
    wide = "居間の台所"

    def shrink(text: str, terminal: int) -> None:
        set_width(terminal, {0: 200, 1: 80, 2: 80}.get(text.count("%"), 40))

    listen = genre_edge("listen", "--source", f"file:{demo_clip},name={wide}", "--hop", 0.5)
    status, written = on_terminal(
        [*listen, "--windows", "5"],
        200,
        {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        shrink,
    )
    assert status == 0
    redrawn = [piece for piece in written.split("\r") if piece.endswith("\x1b[K")]
    assert len({piece for piece in redrawn if "▕" in piece}) > 4, "the level moves"
    assert "▕" in redrawn[-1], "also where there is room for little else"
    heard = [line for line in screen_of(written) if re.match(r"\d\d:\d\d:\d\d", line)]
    assert len(heard) == 5, "the level is gone at the end"
    assert all(wide in line for line in heard)
    assert "dBFS ▕" in heard[0]
    assert cells(heard[-1]) <= 40
    assert "%" in heard[-1], "what matters most stays"
    assert COLOURED.search(written)


def test_a_pipe_gets_one_plain_line_a_window(cli, demo_clip) -> None:
    done = cli("listen", "--source", f"file:{demo_clip}", "--windows", 1, "--format", "text")
    (line,) = done.stdout.splitlines()
    assert re.fullmatch(r"\S+Z \w+ [\d.-]+ -[\d.]+ dBFS", line)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_lines_about_a_file_fit(demo_clip, columns: int) -> None:
    _, written = on_terminal(
        genre_edge("classify", demo_clip, "--top", 10), columns, {"TERM": "xterm", "NO_COLOR": "1"}
    )
    name, *lines, verdict, _ = screen_of(written)
    assert name == str(demo_clip), "a name is whole, so that it can be copied"
    assert lines
    assert max(map(cells, [*lines, verdict])) <= columns
    assert re.match(r"  verdict +\w+ +\d+ %", verdict)
    assert ("█" in lines[0]) == (columns == 200)  # ten labels leave no room for a bar
    assert "\x1b" not in written


# --- progress


def test_a_log_gets_a_line_a_minute_at_most(monkeypatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    with progress(1000, what="classifying") as shown:
        for second in range(150):
            now[0] = second + 1.0
            shown.update()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "genre-edge: classifying: 60 of 1000 files, 1 a second, 16 min left",
        "genre-edge: classifying: 120 of 1000 files, 1 a second, 15 min left",
    ]


def test_a_terminal_gets_a_bar_that_fits(tmp_path, demo_clip) -> None:
    command = genre_edge("classify", demo_clip, demo_clip, "--format", "json")
    command += ["--output", str(tmp_path / "out.jsonl")]
    status, written = on_terminal(command, 40, {"TERM": "xterm", "NO_COLOR": "1"})
    assert status == 0
    assert "2/2" in written
    assert max(map(cells, re.split(r"[\r\n]+", written))) <= 40
    assert (tmp_path / "out.jsonl").read_text().count('"file",') == 2
