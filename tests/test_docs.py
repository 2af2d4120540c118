"""The documents keep to the program: links lead somewhere, commands parse, and every
command is described."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import genre_edge.cli
import genre_edge_convert.cli
import genre_edge_train.cli
import pytest
from genre_edge.cli import COMMANDS, parser, with_command
from genre_edge.sinks import kinds

from tests.conftest import ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")]
)
CARDS = set((ROOT / "models").glob("*.md"))
"""Written by genre-convert: one paragraph a line."""
COLUMNS = 100
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = ("genre-edge", "genre-train", "genre-convert")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SEPARATORS = {"|", "||", "&&", "&", ";", "(", ")"}
ROOTS = (
    "addon",
    "benchmarks",
    "convert",
    "docs",
    "edge",
    "models",
    "script",
    "site",
    "tests",
    "train",
)
"""Top folders; a path in the text that begins with one must exist."""


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> Iterator[list[str]]:
    """Each simple command of the page's sh and console blocks, in words, without sudo
    and redirections."""
    for _, language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in body.replace("\\\n", " ").splitlines():
            if language == "sh":
                yield from simple_commands(line)
            elif language == "console" and line.startswith("$ "):
                yield from simple_commands(line[2:])


def simple_commands(line: str) -> Iterator[list[str]]:
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for word in [*lexer, ";"]:
        if word not in SEPARATORS:
            words.append(word)
            continue
        for number, one in enumerate(words):
            if one in ("<", ">", ">>"):
                words = words[:number]
                break
        while words and (words[0] == "sudo" or re.fullmatch(r"\w+=.*", words[0])):
            words = words[1:]
        if words:
            yield [re.sub(r"^\$\(command -v (.*)\)$", r"\1", words[0]), *words[1:]]
        words = []


def program_lines() -> list[tuple[str, list[str]]]:
    """(page, command) for each line that starts one of the three programs."""
    return [
        (shown(page), words)
        for page in PAGES
        for words in commands(page)
        if Path(words[0]).name in PROGRAMS
    ]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), f"{shown(page)}: {target} does not exist"
        if anchor:
            assert anchor in anchors(there), f"{shown(page)}: {target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_paths_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(rf"`((?:{'|'.join(ROOTS)})/[\w./-]*)`", text):
        assert (ROOT / path).exists(), f"{shown(page)}: {path} does not exist"
    for words in commands(page):
        if words[0].startswith("script/"):
            assert (ROOT / words[0]).is_file(), f"{shown(page)}: {words[0]} does not exist"
        if words[:2] == ["python", "-m"] and words[2].startswith("benchmarks"):
            module = ROOT / words[2].replace(".", "/")
            assert module.is_dir() or module.with_suffix(".py").is_file(), words[2]


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, id=f"{page}: {shlex.join(words)}") for page, words in program_lines()],
)
def test_commands_parse(words: list[str]) -> None:
    try:
        parse(Path(words[0]).name, words[1:])
    except SystemExit as end:  # --help and --version leave with 0, a wrong command line with 2
        assert end.code == 0, shlex.join(words)


def parse(program: str, arguments: list[str]) -> argparse.Namespace:
    """Read a command line as the program does, and run nothing."""
    if program == "genre-edge":
        arguments = with_command(arguments)
        return parser(arguments[:1]).parse_args(arguments)
    module = genre_edge_train.cli if program == "genre-train" else genre_edge_convert.cli
    if arguments[0] in module.SUBCOMMANDS:
        return module.SUBCOMMANDS[arguments[0]].parser().parse_args(arguments[1:])
    return module.parser().parse_args(arguments)


def test_the_demo_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """Another processor may round a probability the other way."""
    (block,) = re.findall(r"^\$ genre-edge demo[^\n]*\n(.*?)^\$", README, re.MULTILINE | re.DOTALL)
    assert genre_edge.cli.main(["demo"]) == 0
    printed = capsys.readouterr().out.splitlines()[-len(block.splitlines()) :]
    for said, shown_line in zip(printed, block.splitlines(), strict=True):
        (number,), (other,) = (re.findall(r"(\d+) %", line) for line in (said, shown_line))
        assert said.split(number)[0] == shown_line.split(other)[0]
        assert abs(int(number) - int(other)) <= 1


def test_the_pages_hold_commands_to_parse() -> None:
    pages = {page for page, _ in program_lines()}
    assert {"README.md", "docs/raspberry-pi.md", "docs/training.md", "docs/conversion.md"} <= pages


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_is_described(name: str) -> None:
    written = [words for _, words in program_lines() if words[1:2] == [name]]
    assert written, f"no page shows how 'genre-edge {name}' is used"


@pytest.mark.parametrize("page", [p for p in PAGES if p not in CARDS], ids=shown)
def test_lines_fit_the_screen(page: Path) -> None:
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("|") or "://" in line:
            continue
        assert len(line) <= COLUMNS, f"{shown(page)}:{number}: {len(line)} columns"


def test_the_example_of_a_sink_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_clip: Path
) -> None:
    (source,) = [
        body
        for _, language, body in FENCE.findall((ROOT / "CONTRIBUTING.md").read_text())
        if language == "python"
    ]
    module = ModuleType("genre_edge.sinks.label_file")
    module.__package__ = "genre_edge.sinks"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, module.KIND))
    kept = tmp_path / "now.txt"
    assert genre_edge.cli.main(["classify", str(demo_clip), "--label-file", str(kept)]) == 0
    assert kept.read_text() == f"{genre_edge.load().classify_file(demo_clip).windows[-1].genre}\n"


OTHER_FLAGS = {
    "--bind",
    "--build-arg",
    "--days",
    "--directory",
    "--fast",
    "--fix",
    "--force",
    "--group-add",
    "--pretend",
    "--tflite-python",
}
"""Of scripts, benchmarks, docker and beets."""


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    """The flags of a parser and of its subcommands."""
    found = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            found = found.union(*map(flags_of, action.choices.values()))
    return found


def known_flags() -> set[str]:
    parsers = [genre_edge.cli.parser()]
    for module in (genre_edge_train.cli, genre_edge_convert.cli):
        parsers += [module.parser(), *(one.parser() for one in module.SUBCOMMANDS.values())]
    return set.union(*map(flags_of, parsers)) | OTHER_FLAGS


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_flags_in_the_text_exist(page: Path) -> None:
    code = " ".join(re.findall(r"`([^`]+)`", prose(page)))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code))
    assert not named - known_flags(), f"{shown(page)}: no such flag"
