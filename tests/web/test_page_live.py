"""The live view: what is heard, its past, and what to do when nothing is heard."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.demo.examples import play
from genre_edge.demo.synth import RATE

from tests.helpers.pages import BACKSTOP_MS, shoot
from tests.helpers.steady_program import NEW, OLD, TWO
from tests.helpers.tiny_models import tiny_model
from tests.helpers.waiting import wait_for
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)


SURE = re.compile(r"\d+ % sure, for \d+ s")

WATCH_LIVE = """() => {
  const label = document.getElementById("live-label");
  window.shown = [];
  window.records = [];
  const look = () => shown.push(document.getElementById("live-card").dataset.label);
  look();
  new MutationObserver(look).observe(label, { childList: true });
  new EventSource("api/live").addEventListener(
    "window", (event) => records.push(JSON.parse(event.data)));
}"""
"""Keeps what the page shows, and what the service says."""


def without_repetition(labels: list[str]) -> list[str]:
    return [label for label, _ in itertools.groupby(labels)]


def test_live_shows_what_the_microphone_hears(mic, page, tmp_path: Path) -> None:
    history = ("--history", tmp_path / "h.db")
    running = WebServer(tmp_path, "--live", *history, environment=mic.environment)
    try:
        page.goto(running.url)
        expect(page.locator("#live-state")).to_contain_text("Listening")
        expect(page.locator("#live-label")).to_have_text("Quiet")
        expect(page.locator("#live-confidence")).to_have_text("No music in the last hour")
        page.evaluate(WATCH_LIVE)
        wait_for(lambda: page.evaluate("records.length > 0"), "a record")
        player = mic.play_samples(play("metal-riff"), RATE)
        expect(page.locator("#live-card")).to_have_attribute("data-coloured", "")
        expect(page.locator("#live-confidence")).to_contain_text(SURE)
        expect(page.locator("#live-second")).to_contain_text("Then ")
        wait_for(lambda: page.evaluate(IS_TITLE_THE_LABEL), "the label in the title")
        assert page.locator("link[rel=icon]").get_attribute("href").startswith("data:image/svg")
        player.wait()
        shoot(page, "live")
        expect(page.locator("#live-label")).to_have_text("Quiet")
        expect(page.locator("#live-confidence")).to_contain_text(re.compile("Last heard: .* ago"))
        wait_for(
            lambda: page.evaluate("[records.at(-1).label, shown.at(-1)]") == ["silence"] * 2,
            "silence again",
        )
        shown = [label for label in page.evaluate("shown") if label]
        heard = [record["label"] for record in page.evaluate("records")]
        assert without_repetition(shown) == without_repetition(heard)
        assert "silence" in page.locator("#live-ribbon .strip").get_attribute("aria-label")
        expect(page.locator("#live-sinks")).to_contain_text("history")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])
    assert not [line for line in running.said if "Traceback" in line]


def test_a_new_viewer_sees_the_last_half_minute_and_the_same_scores_everywhere(
    page, tmp_path: Path, demo_clip
) -> None:
    source = f"file:{demo_clip},name=bar"
    running = WebServer(tmp_path, "--live", "--source", source)
    try:
        page.goto(running.url)
        expect(page.locator("#live-card")).to_have_attribute("data-label", re.compile("."))
        page.reload()  # what was heard is there before anything new is heard
        expect(page.locator("#live-confidence")).to_contain_text(" %")
        name, share, label, confidence = page.evaluate(HEADLINE)
        assert label in (name, "not sure"), "the longest bar is the headline"
        assert share in confidence
        # Its module may start after the first record.
        expect(page.locator("#live-bars li:visible")).to_have_count(3)
        page.get_by_role("button", name="Show all").click()
        expect(page.locator("#live-bars li:visible")).to_have_count(10)
        wait_for(lambda: page.evaluate(LIT_COLUMNS) > 30, "the past of the spectrum")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


IS_TITLE_THE_LABEL = """
document.title === `${document.getElementById("live-label").innerText} · genre-edge`
"""
HEADLINE = """() => {
  const bar = document.querySelector("#live-bars li").querySelectorAll("span");
  const words = ["live-label", "live-confidence"].map((id) => document.getElementById(id));
  return [bar[0], bar[1], ...words].map((one) => one.innerText);
}"""
"""Of one moment: name and share of the first bar, the label, and how sure it is."""
LIT_COLUMNS = """() => {
  const canvas = document.getElementById("live-spectrum");
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const lit = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at] > 100) lit.add((at / 4) % width);
  return lit.size;
}"""
"""Columns of the spectrogram in which something sounds."""


def test_live_says_when_the_microphone_is_gone_and_recovers(mic, page, tmp_path: Path) -> None:
    running = WebServer(tmp_path, "--live", environment=mic.environment)
    try:
        page.goto(running.url)
        expect(page.locator("#live-label")).to_have_text("Quiet")
        mic.kill()
        sign = page.locator("#live-sign")
        expect(sign).to_contain_text("Microphone disconnected")
        expect(sign).to_contain_text("Check its plug and its cable.")
        expect(page.locator("#live-card")).to_be_hidden()
        expect(page).to_have_title("genre-edge")
        mic.start()
        expect(page.locator("#live-state")).to_contain_text("Listening")
        expect(page.locator("#live-label")).to_have_text("Quiet")
        expect(sign).not_to_contain_text("disconnected")
        expect(page.locator("#live-card")).to_be_visible()
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


def test_a_pause_is_shown_as_no_fault(page, tmp_path: Path, demo_clip) -> None:
    hour = (time.localtime().tm_hour + 12) % 24
    hours = {"GENRE_EDGE_LISTEN_HOURS": f"{hour:02}:00-{hour:02}:30"}
    source = ("--source", f"file:{demo_clip},name=bar")
    running = WebServer(tmp_path, "--live", *source, environment=hours)
    try:
        page.goto(running.url)
        sign = page.locator("#live-sign")
        expect(sign).to_contain_text("Paused: nothing is heard")
        expect(sign).to_have_class(re.compile("calm"))
        expect(page.locator("#live-card")).to_be_hidden()
        state = page.locator("#live-state")
        expect(state).to_contain_text(f"by the hours of the settings, until {hour:02}:00")
        expect(state).not_to_have_class(re.compile("bad"))
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


def test_live_shows_the_source_that_is_chosen(page, tmp_path: Path, demo_clip) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(22_050 * 3, np.int16), 22_050, subtype="PCM_16")
    sources = ("--source", f"file:{demo_clip},name=bar", "--source", f"file:{quiet},name=cellar")
    running = WebServer(tmp_path, "--live", "--smooth", 1, *sources)
    label = page.locator("#live-label")
    try:
        page.goto(running.url)
        expect(label).not_to_have_text(re.compile("–|Quiet"))
        page.locator("#live-source").select_option("cellar")
        expect(label).to_have_text("Quiet")
        expect(page.locator("#live-sign")).to_contain_text("No signal")
        ribbon = page.locator("#live-ribbon .strip").get_attribute("aria-label")
        assert "," not in ribbon, "what the other source heard is not shown"
        page.locator("#live-source").select_option("bar")
        expect(label).not_to_have_text(re.compile("–|Quiet"))
        expect(page.locator("#live-state")).to_contain_text("Listening")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


def test_the_last_hour_begins_with_the_history_and_tells_details(
    page, tmp_path: Path, demo_clip, write_history
) -> None:
    history = write_history(("bar", "jazz", 1800, 600), ("bar", "blues", 600, 60))
    source = ("--source", f"file:{demo_clip},name=bar")
    running = WebServer(tmp_path, "--live", *source, "--history", history)
    try:
        page.goto(running.url)
        strip = page.locator("#live-ribbon .strip")
        expect(strip).to_have_attribute("aria-label", re.compile("jazz 20 min"))
        expect(strip.locator("i", has_text="blues")).to_be_visible()
        assert page.locator("#live-ribbon .axis span").count() > 3
        strip.locator("i", has_text="jazz").first.click()
        expect(page.locator("#live-details")).to_contain_text("jazz: ")
        expect(page.locator("#live-details")).to_contain_text("20 min. 80 % sure")
        strip.press("ArrowRight")
        expect(page.locator("#live-details")).to_contain_text("blues: ")
        assert page.errors == []
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


def test_the_live_view_comes_back_after_the_service_refused_it(
    page, tmp_path: Path, demo_clip
) -> None:
    running = WebServer(tmp_path, "--live", "--source", f"file:{demo_clip},name=bar")
    try:
        page.route("**/api/live*", lambda route: route.fulfill(status=429), times=1)
        page.goto(running.url)
        sign = page.locator("#live-sign")
        expect(sign).to_contain_text("No connection to the service")
        expect(page.locator("#live-card")).to_have_attribute("data-label", re.compile("."))
        expect(sign).to_be_hidden()
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("label", ["jazz", "classical", "none of these"])
def test_a_label_fits_a_screen_on_the_wall(server, page, width: int, label: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.url}/?kiosk")
    expect(page.locator("#view-live")).to_be_visible()
    page.evaluate(
        """async (label) => {
          document.getElementById("live-heard").hidden = false;
          const smoothed = { genre: label, confidence: 1, scores: {} };
          (await import("./static/live_card.js")).showWindow({ label, smoothed }, []);
        }""",
        label,
    )
    shown = page.locator("#live-label")
    size = shown.evaluate(
        "line => [line.clientHeight, parseFloat(getComputedStyle(line).fontSize)]"
    )
    assert size[0] < 1.5 * size[1], "one line"
    assert shown.evaluate("line => line.scrollWidth <= line.clientWidth")
    assert size[1] > min(0.9 * width / len(label), 0.35 * 800), "as large as fits"


def test_a_screen_on_the_wall_shows_the_label_alone(page, tmp_path: Path, demo_clip) -> None:
    running = WebServer(tmp_path, "--live", "--source", f"file:{demo_clip},name=bar")
    try:
        page.goto(f"{running.url}/?kiosk")
        expect(page.locator("#live-card")).to_have_attribute("data-label", re.compile("."))
        for hidden in ("header", "footer", "#live-panel", "#live-more"):
            expect(page.locator(hidden)).to_be_hidden()
        assert page.locator("#live-card").bounding_box()["height"] > 900
    finally:
        assert running.stop() == 0, "\n".join(running.said[-60:])


@pytest.mark.parametrize(
    ("label", "sure", "shown", "says"),
    [
        ("silence", None, "Quiet", "Last heard: pop, 4 min ago"),
        ("uncertain", 0.4, "not sure", "Most like pop, 40 %"),
        ("pop", 0.95, "pop", "95 % sure, for 2 min"),
    ],
)
def test_the_card_says_what_is_known_and_never_null(
    server, page, label: str, sure: float | None, shown: str, says: str
) -> None:
    page.goto(f"{server.url}/#here")
    expect(page.locator("#view-here")).to_be_visible()
    genre = None if sure is None else "pop"
    smoothed = {"genre": genre, "confidence": sure, "scores": {"pop": sure} if sure else {}}
    start = 180 if label == "pop" else 60
    pieces = [
        {"label": "pop", "start": 0, "end": 60},
        {"label": label, "start": start, "end": 300},
    ]
    page.evaluate(
        """async ([record, pieces]) => {
          (await import("./static/live_card.js")).showWindow(record, pieces);
        }""",
        [{"label": label, "smoothed": smoothed}, pieces],
    )
    card = page.locator("#live-card")
    assert card.locator("#live-label").text_content() == shown
    assert card.locator("#live-confidence").text_content() == says
    assert "null" not in card.text_content()


def test_the_page_follows_another_model(steady, page, tmp_path: Path) -> None:
    program = steady(text=f"[web]\nenabled = true\nport = 0\n{TWO}").program
    page.goto(f"http://127.0.0.1:{wait_for(lambda: program.port, 'the page')}")
    labels = page.locator("#live-bars li span:first-child")
    expect(page.locator("#about")).to_contain_text("old")
    for label in OLD:
        expect(labels.filter(has_text=label)).to_be_visible()
    program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    for label in NEW:
        expect(labels.filter(has_text=label)).to_be_visible()
    for label in OLD:
        expect(labels.filter(has_text=label)).to_have_count(0)
    expect(page.locator("#about")).to_contain_text("new")
    expect(page.locator("#live-label")).to_have_text(re.compile("blues|metal|pop|not sure", re.I))
    assert page.errors == []
