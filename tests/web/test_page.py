"""The page in a real browser (Debian's Chromium, driven by Playwright)."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for
from tests.helpers.webserver import WebServer
from tests.web.conftest import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
VENDOR = ROOT / "edge" / "genre_edge" / "web" / "vendor"
SHOTS = ROOT / ".cache" / "screenshots"
AXE = ROOT / ".cache" / "axe" / "axe.min.js"

BACKSTOP_MS = BACKSTOP_SECONDS * 1000
expect.set_options(timeout=BACKSTOP_MS)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


class Errors(list):
    """What the browser complained about."""

    def watch(self, page) -> None:
        page.on("console", lambda m: self.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.append(str(e)))


@pytest.fixture
def page(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 900, "height": 1100})
    context.set_default_timeout(BACKSTOP_MS)
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

    import soundfile
    from genre_edge.audio.file_source import read_mono

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


def open_view(page, server: WebServer, view: str) -> None:
    """Open the page with one of its tabs selected, and wait until the tab works."""
    page.goto(f"{server.url}/#{view}")
    expect(page.locator(f"#view-{view}")).to_be_visible()
    expect(page.locator("#about")).to_contain_text("Recognises 10 genres")


def classified(page, windows: int) -> None:
    """Wait until the whole file is classified."""
    expect(page.locator("#track-state")).to_contain_text(f"({windows} windows, ")


def test_an_uploaded_clips_label_follows_the_playhead_also_after_seeking(
    server, page, clip
) -> None:
    path, windows = clip
    open_view(page, server, "track")
    page.locator("#file").set_input_files(path)
    classified(page, len(windows))
    page.evaluate(
        """() => {
          const label = document.getElementById("track-label");
          window.seen = {};
          const look = () => { seen[label.dataset.start] = label.textContent; };
          new MutationObserver(look).observe(label, { attributes: true, childList: true });
        }"""
    )
    page.locator("#play").click()
    wait_for(lambda: page.evaluate("Object.keys(seen).length >= 3"), "the playhead moves")
    page.locator("#play").click()
    seen = {float(start): label for start, label in page.evaluate("seen").items()}
    expected = {w["start"]: w["genre"] for w in windows}
    assert seen == {start: expected[start] for start in seen}
    for window in reversed(windows):
        page.locator("#seek").fill(str(window["start"] + 1.5))
        expect(page.locator("#track-label")).to_have_text(window["genre"])
        expect(page.locator("#track-confidence")).to_contain_text(
            f"{round(window['confidence'] * 100)} %"
        )
    total = page.locator("#track-table tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(map(int, total)) == len(windows)
    assert page.errors == []


def test_the_demo_has_a_waveform_and_a_spectrogram(server, page) -> None:
    if not VENDOR.is_dir():
        pytest.skip("needs the page's libraries (script/web downloads them)")
    open_view(page, server, "track")
    page.get_by_role("button", name="Try the demo").click()
    classified(page, 4)
    wait_for(
        lambda: page.locator("#wave").bounding_box()["height"] > 100, "waveform and spectrogram"
    )
    expect(page.locator("#wave canvas").first).to_be_attached()
    shoot(page, "track")


def test_a_file_that_is_no_audio_is_told_so(server, page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    open_view(page, server, "track")
    page.locator("#file").set_input_files(tmp_path / "notes.txt")
    expect(page.locator("#track-state")).to_contain_text("notes.txt: cannot be decoded")


def test_no_button_is_shown_before_it_works(server, page) -> None:
    held: list = []
    page.route("**/static/track.js", lambda route: held.append(route))
    with page.expect_request("**/static/track.js"):
        page.goto(f"{server.url}/#track")
    expect(page.locator("#tab-track")).to_have_attribute("aria-selected", "true")
    assert not page.locator("#demo").is_visible()
    wait_for(lambda: page.evaluate("1") and held, "the request is held")
    held[0].continue_()
    expect(page.locator("#demo")).to_be_visible()


def test_a_silent_file_is_called_silence_without_a_confidence(server, page, write_audio) -> None:
    open_view(page, server, "track")
    page.locator("#file").set_input_files(write_audio("quiet.wav", np.zeros(22050 * 6)))
    expect(page.locator("#track-state")).to_have_text("quiet.wav: silence (0 windows, 6.0 s)")
    expect(page.locator("#track-label")).to_have_text("silence")
    expect(page.locator("#track-confidence")).to_have_text("from 0:00 to 0:03")
    assert page.errors == []


def test_without_its_libraries_the_page_does_the_rest_and_says_what_it_lacks(server, page) -> None:
    page.route("**/vendor/*", lambda route: route.abort())
    open_view(page, server, "track")
    page.locator("#demo").click()
    expect(page.locator("#wave")).to_contain_text("No waveform: its library is missing")
    classified(page, 4)
    expect(page.locator("#track-label")).not_to_have_text("–")


def test_from_the_keyboard_and_on_a_phone(server, page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_view(page, server, "track")
    page.locator("#tab-track").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-here")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-history")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-live")).to_be_visible()
    expect(page.locator("#live-state")).to_contain_text("genre-edge serve --live")
    open_view(page, server, "track")
    page.locator("#demo").focus()
    page.keyboard.press("Enter")
    classified(page, 4)
    wide = page.locator("html").evaluate("e => e.scrollWidth > e.clientWidth + 1")
    assert not wide, "no sideways scrolling"


def test_a_browsers_own_microphone(server, browser) -> None:
    context = browser.new_context(permissions=["microphone"])
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    open_view(page, server, "here")
    page.locator("#here-toggle").click()
    expect(page.locator("#here-confidence")).to_contain_text("dBFS")
    page.locator("#here-toggle").click()
    expect(page.locator("#here-state")).to_have_text("Stopped")
    context.close()


SETTLED = {
    "live": ("#live-state", "genre-edge serve --live"),
    "track": ("#track-state", "(4 windows, "),
    "here": ("#here-toggle", "Listen with this device"),
    "history": ("#history-state", "keeps no history"),
}
"""What each view shows when nothing more will change in it."""


@pytest.mark.parametrize("view", [*SETTLED])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(server, browser, view: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    # Bars move unless the user wants less motion; axe must not see them half way.
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    open_view(page, server, view)
    if view == "track":
        page.locator("#demo").click()
    place, text = SETTLED[view]
    expect(page.locator(place)).to_contain_text(text)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"], v["help"]) for v in serious] == []
    context.close()


def test_the_first_page_is_small(server, page) -> None:
    sizes: list[int] = []
    page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
    open_view(page, server, "live")
    expect(page.locator("#about")).to_contain_text("gtzan-edge")
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    wait_for(lambda: page.evaluate(paint), "the first paint")
    print(f"first paint after {page.evaluate(paint):.0f} ms, {sum(sizes) / 1000:.0f} KB")
    assert 10_000 < sum(sizes) < 200_000


# --- live


WATCH_LIVE = """() => {
  const label = document.getElementById("live-label");
  const shares = () => [...document.querySelectorAll("#live-bars li span:last-child")]
    .map((share) => parseInt(share.textContent));
  window.shown = [];
  window.records = [];
  const look = () => shown.push({ label: label.textContent, shares: shares() });
  look();
  new MutationObserver(look).observe(label, { childList: true });
  new EventSource("api/live").addEventListener(
    "window", (event) => records.push(JSON.parse(event.data).label));
}"""
"""Keeps what the page shows, and what the service says."""


def without_repetition(labels: list[str]) -> list[str]:
    return [label for label, _ in itertools.groupby(labels)]


def test_live_shows_what_the_microphone_hears(mic, page, tmp_path: Path, demo_clip) -> None:
    running = WebServer(
        tmp_path,
        *("--live", "--smooth", 1, "--history", tmp_path / "h.db"),
        environment=mic.environment,
    )
    try:
        page.goto(running.url)
        expect(page.locator("#live-state")).to_contain_text("Listening")
        expect(page.locator("#live-label")).to_have_text("silence")
        page.evaluate(WATCH_LIVE)
        wait_for(lambda: page.evaluate("records.length > 0"), "a record")
        player = mic.play(demo_clip)
        expect(page.locator("#live-label")).not_to_have_text("silence")
        player.wait()
        shoot(page, "live")
        expect(page.locator("#live-label")).to_have_text("silence")
        wait_for(
            lambda: page.evaluate("[records.at(-1), shown.at(-1).label]") == ["silence"] * 2,
            "silence again",
        )
        shown = [look for look in page.evaluate("shown") if look["label"] != "–"]
        labels = without_repetition([look["label"] for look in shown])
        assert labels == without_repetition(page.evaluate("records"))
        for look in shown:
            if look["label"] != "silence":
                assert sum(look["shares"]) == pytest.approx(100, abs=6), "rounded shares"
        lit = page.locator("#live-spectrum").evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
            ".some((value, index) => index % 4 < 3 && value > 150)"
        )
        assert lit, "the spectrogram shows the music"
        assert "silence" in page.locator("#live-ribbon").get_attribute("aria-label")
        expect(page.locator("#live-sinks")).to_contain_text("history")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])
    assert not [line for line in running.said if "Traceback" in line]


def test_live_says_when_the_microphone_is_gone_and_recovers(mic, page, tmp_path: Path) -> None:
    running = WebServer(tmp_path, "--live", environment=mic.environment)
    try:
        page.goto(running.url)
        expect(page.locator("#live-label")).to_have_text("silence")
        mic.kill()
        expect(page.locator("#live-state")).to_contain_text("Microphone disconnected")
        expect(page.locator("#live-label")).to_have_text("–")
        mic.start()
        expect(page.locator("#live-state")).to_contain_text("Listening")
        expect(page.locator("#live-label")).to_have_text("silence")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


def test_the_token_is_asked_for_once(tmp_path: Path, page) -> None:
    (tmp_path / "token").write_text("correct horse\n")
    running = WebServer(tmp_path, "--token-file", tmp_path / "token")
    try:
        page.goto(running.url)
        expect(page.locator("#login")).to_be_visible()
        expect(page.locator("#login")).to_contain_text("Enter the access token")
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
                "('mic', ?, ?, ?, ?, 0.8)",
                (label, start, end, round((end - start) / 3)),
            )
        file.commit()
    config = tmp_path / "c.toml"
    config.write_text(f'[history]\npath = "{history}"\n')
    running = WebServer(tmp_path, "--config", config)
    try:
        open_view(page, running, "history")
        expect(page.locator("#history-table tbody")).to_contain_text("rock")
        expect(page.locator("#history-table tbody")).to_contain_text("60 min")
        if VENDOR.is_dir():
            expect(page.locator("#history-week canvas")).to_be_visible()
        shoot(page, "history")
        assert page.errors == []
    finally:
        running.stop()


def test_live_shows_the_source_that_is_chosen(page, tmp_path: Path, demo_clip) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(22_050 * 3, np.int16), 22_050, subtype="PCM_16")
    sources = ("--source", f"file:{demo_clip},name=bar", "--source", f"file:{quiet},name=cellar")
    running = WebServer(tmp_path, "--live", "--smooth", 1, *sources)
    label = page.locator("#live-label")
    try:
        page.goto(running.url)
        expect(label).not_to_have_text(re.compile("–|silence"))
        page.get_by_label("Source").select_option("cellar")
        expect(label).to_have_text("silence")
        expect(page.locator("#live-state")).to_contain_text("No signal")
        ribbon = page.locator("#live-ribbon").get_attribute("aria-label")
        assert "," not in ribbon, "what the other source heard is not shown"
        page.get_by_label("Source").select_option("bar")
        expect(label).not_to_have_text(re.compile("–|silence"))
        expect(page.locator("#live-state")).to_contain_text("Listening")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])
