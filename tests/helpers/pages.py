"""What tests of the page in a browser share."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from tests.conftest import ROOT
from tests.helpers.waiting import BACKSTOP_SECONDS
from tests.helpers.webserver import WebServer

BACKSTOP_MS = BACKSTOP_SECONDS * 1000
VENDOR = ROOT / "edge" / "genre_edge" / "web" / "vendor"
STATIC = ROOT / "edge" / "genre_edge" / "web" / "static"
SHOTS = ROOT / ".cache" / "screenshots"
AXE = ROOT / ".cache" / "axe" / "axe.min.js"


class Errors(list):
    """What the browser complained about."""

    def watch(self, page) -> None:
        """Take note of its complaints from now on."""
        page.on("console", lambda m: self.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.append(str(e)))


def shoot(page, name: str) -> None:
    """Leave a picture for whoever wants to look."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def open_view(page, server: WebServer, view: str) -> None:
    """Open the page with one of its tabs selected, and wait until the tab works."""
    page.goto(f"{server.url}/#{view}")
    page.locator(f"#view-{view}").wait_for()
    page.locator("#about", has_text="10").wait_for()


def is_too_wide(page) -> bool:
    """Whether the page scrolls sideways."""
    return page.locator("html").evaluate("e => e.scrollWidth > e.clientWidth + 1")


def texts(language: str) -> dict[str, str]:
    """What the page says in a language."""
    return json.loads((STATIC / "languages" / f"{language}.json").read_text(encoding="utf-8"))


def windows_of(cli, path: Path) -> list[dict]:
    """The windows of a file, as the program prints them."""
    lines = cli("classify", path, "--format", "json").stdout.splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == "window"]


def serious_faults(page) -> list[tuple[str, str, str]]:
    """What axe finds on a page that lets it run there."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"], one["help"]) for one in serious]


class _Untranslated(HTMLParser):
    """Words of a page that no language file has."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "aria-label" in given and "data-t-label" not in given:
            self.found.append(str(given["aria-label"]))
        if tag not in ("meta", "link", "input"):
            is_name = tag in ("title", "h1", "option", "pre") or (self.open and self.open[-1])
            self.open.append("data-t" in given or bool(is_name))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if re.search(r"[A-Za-z]{2}", data) and not self.open[-1]:
            self.found.append(data)


_SAID = re.compile(r'(?:textContent = |append\(|"aria-label", |say\()["`][A-Za-z]{3}.*')


def untranslated(folder: Path) -> list[str]:
    """What a page and its scripts say besides what is in the files of its languages."""
    page = _Untranslated()
    page.feed((folder / "index.html").read_text(encoding="utf-8"))
    code = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))]
    return page.found + [words for text in code for words in _SAID.findall(text)]
