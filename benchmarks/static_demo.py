"""The static demo in Chromium against its bundle: labels, scores, time.

    script/static-demo
    python -m benchmarks.static_demo build/static-demo RECORDINGS...

Prints how many windows get the same label from the page and from the program, the
largest difference of a score, and the page's median and fastest time of a window.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from genre_edge.audio.file_source import FileSource
from genre_edge.audio.folders import find_audio
from genre_edge.model.engine import Engine
from genre_edge.records import FileOutput
from genre_edge.settings.tables import EngineConfig
from playwright.sync_api import Page, sync_playwright

RECORDS = """async () => {
  const { ready } = await import("./main.js");
  const { decode } = await import("./recording.js");
  const { classify } = await import("./windows.js");
  const classifier = await ready;
  classifier.milliseconds = [];
  const records = [];
  const recording = await decode(document.getElementById("file").files[0]);
  for await (const record of classify(classifier, recording)) records.push(record);
  return { records, milliseconds: classifier.milliseconds };
}"""


def main(folder: str, *recordings: str) -> None:
    """Compare the page of a folder with the bundle on recordings."""
    name = json.loads((Path(folder) / "model.json").read_text())["name"]
    engine = Engine(EngineConfig(model=name))
    windows, same, largest, milliseconds = 0, 0, 0.0, list[float]()
    with served(folder) as url, opened(url) as page:
        for path in find_audio(recordings):
            if not isinstance(path, str):
                continue
            page.locator("#file").set_input_files(path)
            found = page.evaluate(RECORDS)
            milliseconds += found["milliseconds"]
            for theirs, ours in zip(by_program(engine, path), found["records"], strict=True):
                windows += ours["type"] == "window"
                same += ours["type"] == "window" and ours["genre"] == theirs.genre
                for label, score in theirs.scores.items():
                    largest = max(largest, abs(score - ours["scores"][label]))
    print(f"{name}: same genre on {same} of {windows} windows, scores differ by at most")
    print(f"{largest:.3f}; a window takes {median(milliseconds):.1f} ms, at best", end=" ")
    print(f"{min(milliseconds):.1f} ms")


def by_program(engine: Engine, path: str) -> list[FileOutput]:
    """The records of a file as `genre-edge classify` makes them."""
    source = FileSource(path)
    try:
        return list(engine.classify(source))
    finally:
        source.close()


@contextmanager
def served(folder: str) -> Iterator[str]:
    """`python -m http.server` of a folder; gives its address."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--directory", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split("(")[1].split(")")[0]
        server.terminate()


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """The page in Debian's Chromium, with its model loaded."""
    options: dict[str, Any] = {"executable_path": shutil.which("chromium")}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(args=["--no-sandbox"], **options)
        page = browser.new_page()
        page.goto(url)
        page.locator("#listen:enabled").wait_for()
        yield page
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
