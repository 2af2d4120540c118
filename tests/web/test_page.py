"""The page in a real browser (Debian's Chromium, driven by Playwright)."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or ""
VENDOR = ROOT / "edge" / "genre_edge" / "web" / "vendor"
SHOTS = ROOT / ".cache" / "screenshots"
AXE = ROOT / ".cache" / "axe" / "axe.min.js"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield running
        running.close()


class Errors(list):
    """What the browser complained about."""

    def watch(self, page) -> None:
        page.on("console", lambda m: self.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.append(str(e)))


@pytest.fixture
def page(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 900, "height": 1100})
    opened = context.new_page()
    opened.errors = Errors()
    opened.errors.watch(opened)
    yield opened
    context.close()


def shoot(page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def windows_of(cli, path: Path) -> list[dict]:
    records = [
        json.loads(line) for line in cli("classify", path, "--format", "json").stdout.splitlines()
    ]
    return [record for record in records if record["type"] == "window"]


@pytest.fixture(scope="module")
def clip(gtzan: Path, cli, tmp_path_factory) -> tuple[Path, list[dict]]:
    """A real clip of three genres in turn, and what classify says of it."""
    import csv

    import numpy as np
    import soundfile
    from genre_edge.audio.files import read_mono

    chosen: dict[str, Path] = {}
    with (gtzan / "tracks.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == "valid":
                chosen.setdefault(row["genre"], gtzan / row["file"])
    parts = [
        read_mono(chosen[genre], 22050)[: 22050 * 6] for genre in ("classical", "metal", "hiphop")
    ]
    path = tmp_path_factory.mktemp("clip") / "three.flac"
    soundfile.write(path, np.concatenate(parts), 22050)
    found = windows_of(cli, path)
    assert len({record["genre"] for record in found}) >= 2
    return path, found


def test_an_uploaded_clips_label_follows_the_playhead_also_after_seeking(
    server, page, clip
) -> None:
    path, windows = clip
    page.goto(f"{server.url}/#track")
    page.locator("#file").set_input_files(path)
    expect(page.locator("#track-state")).to_contain_text(
        f"over {len(windows)} windows", timeout=30_000
    )
    if VENDOR.is_dir():
        expect(page.locator("#wave canvas").first).to_be_attached(timeout=10_000)
        assert page.locator("#wave").bounding_box()["height"] > 100, "waveform and spectrogram"
    page.locator("#play").click()
    seen: dict[float, str] = {}
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        # Both at once: between two questions the playhead may enter the next window.
        start, label = page.locator("#track-label").evaluate("e => [e.dataset.start, e.innerText]")
        seen[float(start)] = label
        time.sleep(0.1)
    expected = {w["start"]: w["genre"] for w in windows}
    assert len(seen) >= 3, "the playhead moved through windows"
    assert seen == {start: expected[start] for start in seen}
    page.locator("#play").click()
    for window in reversed(windows):
        page.locator("#seek").fill(str(window["start"] + 1.5))
        expect(page.locator("#track-label")).to_have_text(window["genre"])
        expect(page.locator("#track-confidence")).to_contain_text(
            f"{round(window['confidence'] * 100)} %"
        )
    total = page.locator("#track-table tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(map(int, total)) == len(windows)
    assert page.errors == []


def test_the_demo_clip_and_a_file_that_is_no_audio(server, page, tmp_path: Path) -> None:
    page.goto(f"{server.url}/#track")
    page.locator("#demo").click()
    expect(page.locator("#track-state")).to_contain_text("over 4 windows", timeout=30_000)
    page.wait_for_timeout(1500)
    shoot(page, "track")
    (tmp_path / "notes.txt").write_text("words")
    page.locator("#file").set_input_files(tmp_path / "notes.txt")
    expect(page.locator("#track-state")).to_contain_text(
        "notes.txt: cannot be decoded", timeout=30_000
    )


def test_without_its_libraries_the_page_does_the_rest_and_says_what_it_lacks(server, page) -> None:
    page.route("**/vendor/*", lambda route: route.abort())
    page.goto(f"{server.url}/#track")
    page.locator("#demo").click()
    expect(page.locator("#wave")).to_contain_text(
        "No waveform: this copy was made without", timeout=10_000
    )
    expect(page.locator("#track-state")).to_contain_text("over 4 windows", timeout=30_000)
    expect(page.locator("#track-label")).not_to_have_text("–")


def test_from_the_keyboard_and_on_a_phone(server, page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{server.url}/#track")
    page.locator("#tab-track").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-here")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-history")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-live")).to_be_visible()
    expect(page.locator("#live-state")).to_contain_text("genre-edge serve --live")
    page.goto(f"{server.url}/#track")
    page.locator("#demo").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#track-state")).to_contain_text("over 4 windows", timeout=30_000)
    wide = page.locator("html").evaluate("e => e.scrollWidth > e.clientWidth + 1")
    assert not wide, "no sideways scrolling"


def test_a_browsers_own_microphone(server, browser) -> None:
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(f"{server.url}/#here")
    page.locator("#here-toggle").click()
    expect(page.locator("#here-confidence")).to_contain_text("dBFS", timeout=20_000)
    page.locator("#here-toggle").click()
    expect(page.locator("#here-state")).to_have_text("stopped")
    context.close()


@pytest.mark.parametrize("view", ["live", "track", "here", "history"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(server, browser, view: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{server.url}/#{view}")
    if view == "track":
        page.locator("#demo").click()
        expect(page.locator("#track-state")).to_contain_text("over 4 windows", timeout=30_000)
    expect(page.locator(f"#view-{view}")).to_be_visible()
    page.wait_for_timeout(600)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"], v["help"]) for v in serious] == []
    context.close()


def test_first_paint_is_quick_and_small(tmp_path: Path, browser) -> None:
    running = WebServer(tmp_path)
    try:
        context = browser.new_context()
        page = context.new_page()
        sizes: list[int] = []
        page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
        page.goto(running.url)
        paint = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        )
        deadline = time.monotonic() + 5
        while paint is None and time.monotonic() < deadline:
            page.wait_for_timeout(50)
            paint = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            )
        print(f"first paint after {paint:.0f} ms, {sum(sizes) / 1000:.0f} KB")
        assert sum(sizes) < 200_000
        context.close()
    finally:
        running.stop()


# --- live


def test_live_follows_the_microphone_says_when_it_is_gone_and_recovers(
    mic, page, tmp_path: Path, demo_clip, cli
) -> None:
    history = tmp_path / "h.db"
    running = WebServer(
        tmp_path, "--live", "--smooth", 1, "--history", history, environment=mic.environment
    )
    try:
        page.goto(running.url)
        expect(page.locator("#live-state")).to_contain_text("listening", timeout=15_000)
        expect(page.locator("#live-label")).to_have_text("silence", timeout=15_000)
        mic.play(demo_clip)
        expected = {w["genre"] for w in windows_of(cli, demo_clip)} | {"uncertain"}
        expect(page.locator("#live-label")).not_to_have_text("silence", timeout=15_000)
        page.wait_for_timeout(6500)
        assert page.locator("#live-label").inner_text() in expected
        shares = page.locator("#live-bars li span:last-child").all_inner_texts()
        assert sum(int(text.split()[0]) for text in shares) == pytest.approx(100, abs=6)
        lit = page.locator("#live-spectrum").evaluate(
            "c => c.getContext('2d').getImageData(c.width - 30, 0, 30, c.height).data.some((v, i) "
            "=> i % 4 < 3 && v > 150)"
        )
        assert lit, "the spectrogram rolls"
        assert "silence" in page.locator("#live-ribbon").get_attribute("aria-label")
        expect(page.locator("#live-sinks")).to_contain_text("history")
        shoot(page, "live")
        mic.kill()
        expect(page.locator("#live-state")).to_contain_text(
            "The microphone is gone", timeout=10_000
        )
        expect(page.locator("#live-label")).to_have_text("–")
        mic.start()
        expect(page.locator("#live-state")).to_contain_text("listening", timeout=15_000)
        expect(page.locator("#live-label")).to_have_text("silence", timeout=15_000)
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])
    assert not [line for line in running.said if "Traceback" in line]


def test_the_token_is_asked_for_once(tmp_path: Path, page) -> None:
    (tmp_path / "token").write_text("correct horse\n")
    running = WebServer(tmp_path, "--token-file", tmp_path / "token")
    try:
        page.goto(running.url)
        expect(page.locator("#login")).to_be_visible()
        page.locator("#token").fill("wrong horse")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("wrong access token")
        page.locator("#token").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("#about")).to_contain_text("gtzan-edge")
        page.reload()
        expect(page.locator("#about")).to_contain_text("gtzan-edge")
        expect(page.locator("#login")).to_be_hidden()
    finally:
        running.stop()


def test_history_is_drawn(tmp_path: Path, page, demo_clip, cli) -> None:
    history = tmp_path / "h.db"
    assert cli("classify", demo_clip, "--history", history).returncode == 0
    now = time.time()
    with closing(
        sqlite3.connect(history)
    ) as file:  # what a microphone heard: a jazz hour, and an hour of rock yesterday
        file.execute("DELETE FROM stretches")
        for label, start, end in (
            ("jazz", now - 1800, now - 60),
            ("rock", now - 86400, now - 82800),
        ):
            file.execute(
                "INSERT INTO stretches (source, label, start, end, windows, confidence) VALUES "
                "('mic', ?, ?, ?, 10, 0.8)",
                (label, start, end),
            )
        file.commit()
    config = tmp_path / "c.toml"
    config.write_text(f'[history]\npath = "{history}"\n')
    running = WebServer(tmp_path, "--config", config)
    try:
        page.goto(f"{running.url}/#history")
        expect(page.locator("#history-table tbody")).to_contain_text("rock")
        expect(page.locator("#history-table tbody")).to_contain_text("60 min")
        if VENDOR.is_dir():
            expect(page.locator("#history-week canvas")).to_be_visible()
        shoot(page, "history")
        assert page.errors == []
    finally:
        running.stop()
