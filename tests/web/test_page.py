"""The page in a real browser (Debian's Chromium, driven by Playwright): its tabs, the
token, its languages, its size."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.helpers.pages import (
    AXE,
    BACKSTOP_MS,
    STATIC,
    is_too_wide,
    open_view,
    serious_faults,
    texts,
    untranslated,
)
from tests.helpers.waiting import wait_for
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)


def classified(page) -> None:
    """Wait until an example is classified."""
    expect(page.locator("#track-state")).to_contain_text("(7 windows, ")


def test_no_button_is_shown_before_it_works(server, page) -> None:
    held: list = []
    page.route("**/static/track.js", lambda route: held.append(route))
    with page.expect_request("**/static/track.js"):
        page.goto(f"{server.url}/#track")
    expect(page.locator("#tab-track")).to_have_attribute("aria-selected", "true")
    assert not page.locator("#drop").is_visible()
    wait_for(lambda: page.evaluate("1") and held, "the request is held")
    held[0].continue_()
    expect(page.locator("#drop")).to_be_visible()


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
    expect(page.locator("#live-absent")).to_contain_text("genre-edge serve --live")
    open_view(page, server, "track")
    page.get_by_role("button", name="Jazz trio").focus()
    page.keyboard.press("Enter")
    classified(page)
    assert not is_too_wide(page), "no sideways scrolling"


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_tabs_fit_on_one_line_of_a_phone(server, browser, language: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, locale=language)
    page = context.new_page()
    open_view(page, server, "track")
    tops = {tab.bounding_box()["y"] for tab in page.get_by_role("tab").all()}
    assert len(tops) == 1
    assert not is_too_wide(page)
    context.close()


def test_a_hundred_per_cent_is_one_line(server, page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    open_view(page, server, "track")
    page.get_by_role("button", name="Jazz trio").click()
    classified(page)
    share = page.locator("#track-bars li span:last-child").first
    heights = share.evaluate(
        """share => ["1 %", "100 %"].map((text) => {
          share.textContent = text;
          return share.getBoundingClientRect().height;
        })"""
    )
    assert heights[0] == heights[1]
    assert share.evaluate("share => share.scrollWidth <= share.clientWidth"), "nothing is cut off"


def test_a_browsers_own_microphone(server, browser) -> None:
    context = browser.new_context(permissions=["microphone"])
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    open_view(page, server, "here")
    page.locator("#here-toggle").click()
    expect(page.locator("#here-label")).not_to_have_text("–")
    expect(page.locator("#here-level")).to_have_attribute("aria-label", re.compile("Level -.*dBFS"))
    assert "dBFS" not in page.locator("#here-card").inner_text()
    page.locator("#here-toggle").click()
    expect(page.locator("#here-state")).to_have_text("Stopped")
    context.close()


SETTLED = {
    "live": ("#live-absent", "genre-edge serve --live"),
    "track": ("#track-state", "(7 windows, "),
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
        page.get_by_role("button", name="Reggae groove").click()
    place, text = SETTLED[view]
    expect(page.locator(place)).to_contain_text(text)
    assert serious_faults(page) == []
    context.close()


def test_axe_finds_no_serious_fault_while_music_is_heard(
    page, browser, tmp_path, demo_clip
) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    running = WebServer(tmp_path, "--live", "--source", f"file:{demo_clip},name=bar")
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    try:
        open_view(page, running, "live")
        expect(page.locator("#live-card")).to_have_attribute("data-label", re.compile("."))
        assert serious_faults(page) == []
    finally:
        context.close()
        running.stop()


def test_the_first_page_is_small(server, page) -> None:
    sizes: list[int] = []
    page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
    open_view(page, server, "live")
    expect(page.locator("#about")).to_contain_text("gtzan-edge")
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    wait_for(lambda: page.evaluate(paint), "the first paint")
    print(f"first paint after {page.evaluate(paint):.0f} ms, {sum(sizes) / 1000:.0f} KB")
    assert 10_000 < sum(sizes) < 100_000


def test_the_whole_page_without_its_libraries_is_small() -> None:
    parts = [path for path in STATIC.iterdir() if path.is_file()]
    files = [*parts, STATIC / "languages" / "en.json"]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 100_000
    assert not [path.name for path in parts if len(path.read_bytes().splitlines()) > 300]


def test_the_examples_are_small() -> None:
    examples = [*(STATIC / "examples").iterdir()]
    assert len(examples) == 3
    assert sum(path.stat().st_size for path in examples) < 600_000


def test_the_token_is_asked_for_once(tmp_path: Path, page) -> None:
    (tmp_path / "token").write_text("correct horse\n")
    running = WebServer(tmp_path, "--token-file", tmp_path / "token")
    try:
        page.goto(running.url)
        expect(page.locator("#login")).to_be_visible()
        expect(page.locator("#login")).to_contain_text("Enter the access token")
        for other in ("#tabs", "main section", "footer a"):
            expect(page.locator(other).first).to_be_hidden()
        page.locator("#token").fill("wrong horse")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("wrong access token")
        page.locator("#token").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("#about")).to_contain_text("gtzan-edge")
        page.reload()
        expect(page.locator("#about")).to_contain_text("gtzan-edge")
        expect(page.locator("#login")).to_be_hidden()
        expect(page.locator("#view-track")).to_be_visible()
        page.context.clear_cookies()  # as if the session had ended
        page.locator("#tab-history").click()
        expect(page.locator("#login")).to_be_visible()
        for view in page.locator("#tabs, main section").all():
            expect(view).to_be_hidden()
        page.locator("#token").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("#view-history")).to_be_visible()
        expect(page.locator("#login")).to_be_hidden()
    finally:
        running.stop()


# --- as an app


def test_the_page_can_be_installed(server, page) -> None:
    page.goto(server.url)
    client = page.context.new_cdp_session(page)
    found = client.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert (manifest["name"], manifest["display"]) == ("genre-edge", "standalone")
    assert found["url"].endswith("/static/manifest.webmanifest")
    for icon in manifest["icons"]:
        assert page.request.get(f"{server.url}/static/{icon['src']}").ok
    assert page.errors == []


def test_an_installed_page_opens_without_the_service_and_goes_on_when_it_is_back(
    tmp_path: Path, browser
) -> None:
    running = WebServer(tmp_path)
    context = browser.new_context()
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    try:
        page.goto(running.url)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        port = running.url.rpartition(":")[2]
        running.stop()
        page.reload()
        expect(page.locator("h1")).to_have_text("genre-edge")
        expect(page.locator("#notice")).to_contain_text("No connection to the service")
        running = WebServer(tmp_path, "--port", port)
        expect(page.locator("#about")).to_contain_text("gtzan-edge")
        expect(page.locator("#notice")).to_be_hidden()
    finally:
        context.close()
        running.stop()


# --- languages


LANGUAGES = sorted(path.stem for path in (STATIC / "languages").glob("*.json"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_all_that_english_says_with_the_same_values(language: str) -> None:
    own, english = texts(language), texts("en")
    assert own.keys() == english.keys()
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", own[key])) == set(re.findall(r"{\w+}", text)), key


def test_the_page_is_written_in_english_and_uses_every_text() -> None:
    english, page = texts("en"), (STATIC / "index.html").read_text(encoding="utf-8")
    for key, text in re.findall(r'data-t="([\w.]+)">([^<]*)<', page):
        assert text == english[key]
    for key, text in re.findall(r'data-t-label="([\w.]+)" aria-label="([^"]*)"', page):
        assert text == english[key]
    code = page + "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    families = (
        "state.",
        "remedy.",
        "language.name",
        "mic.state.",
        "mic.remedy.",
        "broker.",
    )  # their names are put together
    unused = [key for key in english if f'"{key}"' not in code and not key.startswith(families)]
    assert unused == []
    used = re.findall(r'\bt\("([\w.]+)"', code)
    assert [key for key in used if key not in english] == []


def test_the_page_says_nothing_that_cannot_be_translated() -> None:
    assert untranslated(STATIC) == []


def test_the_browsers_language_is_used_and_another_can_be_chosen(server, browser) -> None:
    context = browser.new_context(locale="de-AT")
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    open_view(page, server, "track")
    expect(page.locator("#tab-history")).to_have_text("Verlauf")
    assert page.locator("html").get_attribute("lang") == "de"
    page.locator("#language").select_option("en")
    expect(page.locator("#tab-history")).to_have_text("History")
    page.reload()
    expect(page.locator("#tab-history")).to_have_text("History")
    context.close()
