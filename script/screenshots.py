"""Makes the pictures of the page, every view at three widths, light and dark, and those
of the fleet's page. The service is real, and so is the model. A program made the music,
the history and the fleet."""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from genre_edge.demo.examples import play  # noqa: E402
from genre_edge.demo.synth import RATE  # noqa: E402
from genre_edge.sinks.history_rows import SCHEMA  # noqa: E402

from tests.helpers.fakemic import FakeMic  # noqa: E402
from tests.helpers.made_up_fleet import write_fleet  # noqa: E402
from tests.helpers.webserver import WebServer  # noqa: E402

_Wait = Callable[[Any], None]
_Look = tuple[int, Literal["light", "dark"]]
"""Width and colour scheme of a picture."""
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 900, 390)
"""Widths of the browser, CSS pixels."""
_BROWSER = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
"""Its own microphone beeps, and nobody is asked."""
_PROGRAMME = {6: "pop", 8: "classical", 12: "country", 15: "reggae", 18: "jazz", 20: "rock"}
"""What the made-up household listens to from each hour on."""
_TOKEN = "for the pictures"
_CONFIGURATION = "[listen]\nsmooth = 4  # steady\n\n[mqtt]\nname = 'kitchen'\n"
_DEVICES = 32
"""Of the made-up fleet."""
_DAYS = 30
"""How far back the made-up history goes."""


def main() -> int:
    """Make the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "page")
    parser.add_argument("--only", help="only the views whose name has this in it")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if not args.only:
        _plot_month(args.folder / "month.webp")
    every: list[_Look] = [(width, one) for one in _SCHEMES for width in WIDTHS]
    few: list[_Look] = [(900, "light"), (390, "dark")]
    for served, views, looks in ((_service, _VIEWS, every), (_fleet, _FLEET_VIEWS, few)):
        wanted = {view: wait for view, wait in views.items() if (args.only or "") in view}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="screenshots-") as name, served(Path(name)) as url:
            for view, wait in wanted.items():
                _shoot(args.folder, url, view, wait, looks)
    size = sum(path.stat().st_size for path in args.folder.iterdir())
    print(f"written: {args.folder} ({size / 1e6:.2f} MB)")
    return 0


@contextmanager
def _service(folder: Path) -> Iterator[str]:
    """The service while it hears music, with a history; gives its address."""
    mic = FakeMic(folder)
    mic.start()
    history = folder / "history.db"
    _write_history(history)
    music = [play(one) for one in ("metal-riff", "jazz-trio", "jazz-trio", "jazz-trio")]
    player = mic.play_samples(_joined(music * 8), RATE)
    (folder / "token").write_text(_TOKEN)
    (folder / "config" / "genre-edge").mkdir(parents=True)
    (folder / "config" / "genre-edge" / "config.toml").write_text(_CONFIGURATION)
    server = WebServer(
        folder,
        *("--live", "--history", history, "--token-file", folder / "token"),
        environment=mic.environment | {"TZ": "UTC"},
    )
    try:
        yield server.url
    finally:
        player.kill()
        server.stop()
        mic.close()


@contextmanager
def _fleet(folder: Path) -> Iterator[str]:
    """The page of a made-up fleet; gives its address."""
    url = f"sqlite:///{folder / 'fleet.db'}"
    write_fleet(url, time.time(), _DEVICES, _DAYS)
    server = WebServer(folder, "--serve", environment={"TZ": "UTC"}, serve=("fleet", url))
    try:
        yield server.url
    finally:
        server.stop()


def _joined(pieces: list[Any]) -> Any:
    import numpy as np

    return np.concatenate(pieces)


def _write_history(path: Path) -> None:
    """A month of a made-up household, and a busy last hour."""
    chance, now = random.Random(7), time.time()
    with closing(sqlite3.connect(path)) as file:
        file.executescript(SCHEMA)
        start = now - _DAYS * 86_400
        while start < now - 60:
            label, length = _next(start, now, chance)
            end = min(start + length, now - 60)
            confidence = None if label == "silence" else round(chance.uniform(0.5, 0.95), 2)
            row = ("usb:1", label, start, end, round((end - start) / 3), confidence)
            file.execute(
                "INSERT INTO stretches (source, label, start, end, windows, confidence) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            start = end
        file.commit()


def _next(start: float, now: float, chance: random.Random) -> tuple[str, float]:
    """The label from a time on, and for how long, s."""
    hour = time.gmtime(start).tm_hour
    if start > now - 3600:
        return chance.choice(("jazz", "blues", "jazz", "rock", "silence")), chance.uniform(200, 900)
    known = [label for begin, label in _PROGRAMME.items() if begin <= hour]
    if not known or hour >= 23 or chance.random() < 0.4:
        return "silence", chance.uniform(600, 5400)
    other = chance.choice(("blues", "disco", "hiphop", "metal", "uncertain"))
    return (known[-1] if chance.random() < 0.7 else other), chance.uniform(240, 2400)


def _plot_month(path: Path) -> None:
    """What `genre-edge history --plot` draws of the made-up history."""
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="screenshots-") as name:
        history, picture = Path(name) / "history.db", Path(name) / "month.png"
        _write_history(history)
        command = ["history", str(history), "--since", f"{_DAYS}d", "--by", "day"]
        subprocess.run(
            [sys.executable, "-m", "genre_edge", *command, "--plot", str(picture)],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"TZ": "UTC"},
        )
        with Image.open(picture) as image:
            image.convert("RGB").resize((1200, 1200 * image.height // image.width)).save(
                path, quality=80, method=6
            )


def _shoot(folder: Path, url: str, view: str, wait: _Wait, looks: Sequence[_Look]) -> None:
    """One view at some widths and in some schemes, as WebP."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=_BROWSER,
        )
        for width, scheme in looks:
            context = browser.new_context(
                viewport={"width": width, "height": 800 if width > 500 else 844},
                color_scheme=scheme,
                reduced_motion="reduce",
                timezone_id="UTC",
                locale="en-GB",
            )
            context.request.post(f"{url}/api/session", data={"token": _TOKEN})
            page = context.new_page()
            page.goto(f"{url}/{_ADDRESSES[view]}")
            wait(page)
            if view != "kiosk":  # what sticks to the bottom of the window is at the end
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(300)
            picture = page.screenshot()
            with Image.open(io.BytesIO(picture)) as image:
                image.convert("RGB").save(
                    folder / f"{view}-{width}-{scheme}.webp", quality=70, method=6
                )
            context.close()
        browser.close()


def _live(page: Any) -> None:
    page.locator("#live-card[data-coloured]").wait_for()
    page.wait_for_timeout(1500)  # bars stand still, the spectrum is there


def _file(page: Any) -> None:
    page.get_by_role("button", name="Jazz trio").click()
    page.locator("#track-json:enabled").wait_for()
    page.wait_for_timeout(5000)  # it plays a little
    page.locator("#play").click()


def _history(page: Any) -> None:
    page.locator("#history-chart canvas").wait_for()


def _here(page: Any) -> None:
    page.locator("#here-toggle").click()  # the browser's own microphone beeps
    page.locator("#here-found").wait_for()
    page.wait_for_timeout(500)


def _settings(page: Any) -> None:
    page.locator("details[data-table=listen] summary").click()
    # The folder is another one each time.
    page.locator("#view-settings > p").first.evaluate(
        "line => { line.textContent = line.textContent.replace(/\\S+\\/config\\//, '~/.config/'); }"
    )


def _microphone(page: Any) -> None:
    page.locator("#view-microphone .state", has_text="Good").wait_for()


def _fleet_all(page: Any) -> None:
    page.locator(".tile").first.wait_for()
    _hide_folder(page)


def _fleet_device(page: Any) -> None:
    page.locator("[data-range='7d']").click()
    page.locator("#device-week .heatmap").wait_for()
    page.wait_for_timeout(1000)  # the chart is there
    _hide_folder(page)


def _hide_folder(page: Any) -> None:
    # The folder is another one each time.
    text = "line.textContent.replace(/sqlite:\\S+/, 'sqlite:///fleet.db.')"
    page.locator("#about").evaluate(f"line => {{ line.textContent = {text}; }}")


def _guide(page: Any) -> None:
    page.locator("#view-guide .state", has_text="Good").wait_for()


_VIEWS: dict[str, _Wait] = {
    "live": _live,
    "kiosk": _live,
    "file": _file,
    "device": _here,
    "history": _history,
    "settings": _settings,
    "microphone": _microphone,
    "guide": _guide,
}
"""What each view waits for before its picture is taken."""
_FLEET_VIEWS: dict[str, _Wait] = {
    "fleet": _fleet_all,
    "fleet-device": _fleet_device,
}
"""Likewise, of the page of a fleet."""
_ADDRESSES = {
    "fleet": "",
    "fleet-device": "#/device/bar-1",
    "live": "",
    "kiosk": "?kiosk",
    "file": "#track",
    "device": "#here",
    "history": "#history",
    "settings": "#settings",
    "microphone": "#microphone",
    "guide": "#guide",
}

if __name__ == "__main__":
    sys.exit(main())
