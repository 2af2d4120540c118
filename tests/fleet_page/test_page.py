"""The fleet's page in a real browser: its tiles, its devices, and what may go wrong."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from genre_edge.records import iso8601

from tests.conftest import ROOT
from tests.fleet_page.conftest import HOSTILE, messages_at
from tests.helpers.fleet import health_payload, incoming, stretch_payload
from tests.helpers.made_up_fleet import write_fleet
from tests.helpers.pages import (
    AXE,
    BACKSTOP_MS,
    VENDOR,
    is_too_wide,
    serious_faults,
    shoot,
    untranslated,
)
from tests.helpers.pages import texts as texts_of_web
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)

STATIC = ROOT / "edge" / "genre_edge" / "fleet_page" / "static"
JAZZ, SILENCE = "rgb(187, 71, 23)", "rgb(208, 202, 223)"


def tile(page, name: str):
    return page.locator("a.tile", has=page.get_by_text(name, exact=True))


def names(page):
    return page.locator(".tile .name")


@pytest.fixture
def shown(fleet, serve, page):
    """The page with its tiles; what the browser complains about fails the test."""
    served = serve(fleet)
    page.goto(served.url)
    expect(names(page)).to_have_text(["kitchen", "shop", "cellar", HOSTILE, "bar"])
    yield page
    assert page.errors == []


# --- all devices


def test_each_device_is_a_tile_and_what_is_wrong_comes_first(shown) -> None:
    counts = ["5 devices", "1 with trouble", "3 online", "1 silent", "1 offline"]
    expect(shown.locator("#fleet-states button")).to_have_text(counts)
    expect(tile(shown, "bar")).to_contain_text("jazz")
    expect(tile(shown, "bar")).to_contain_text("ago")
    expect(tile(shown, "bar")).to_have_css("background-color", JAZZ)
    expect(tile(shown, "kitchen")).to_contain_text("microphone dead")
    expect(tile(shown, "kitchen")).to_have_css("border-style", "solid")
    expect(tile(shown, "cellar")).to_contain_text("silent")
    expect(tile(shown, "cellar")).to_have_css("border-style", "dashed")
    expect(tile(shown, "shop")).to_contain_text("offline")
    for name, icon in (("kitchen", "trouble"), ("cellar", "silent"), ("shop", "offline")):
        sign = tile(shown, name).locator("svg:not([hidden]) use")
        expect(sign).to_have_attribute("href", f"#icon-{icon}")
    legend = shown.locator("#fleet-legend li")
    expect(legend).to_have_text(["constructor 1", "jazz 1"])
    expect(shown.locator("#about")).to_contain_text("Database: sqlite:///")
    shoot(shown, "fleet")


def test_devices_are_found_by_word_and_by_state(shown) -> None:
    find, none = shown.locator("#fleet-find"), shown.locator("#fleet-none")
    find.fill("0.1.0")
    expect(names(shown)).to_have_text(["shop"])
    find.fill("dead microphone")
    expect(names(shown)).to_have_text(["kitchen"])
    find.fill("gtzan")
    expect(names(shown)).to_have_text(["kitchen", "shop", "cellar", "bar"])
    shown.get_by_role("button", name="online").click()
    expect(names(shown)).to_have_text(["kitchen", "bar"])
    shown.get_by_role("button", name="silent").click()
    expect(names(shown)).to_have_text(["cellar"])
    expect(shown.get_by_role("button", name="silent")).to_have_attribute("aria-pressed", "true")
    find.fill("nobody")
    expect(none).to_be_visible()
    shown.get_by_role("button", name="Show all devices").click()
    expect(names(shown)).to_have_count(5)
    expect(none).to_be_hidden()
    expect(find).to_be_focused()
    expect(find).to_have_value("")


def test_tiles_are_reached_by_the_keyboard(shown) -> None:
    shown.locator("#fleet-find").focus()
    for key, name in (
        ("Tab", "kitchen"),
        ("ArrowRight", "shop"),
        ("ArrowLeft", "kitchen"),
        ("ArrowLeft", "kitchen"),  # there is nothing before it
        ("End", "bar"),
        ("ArrowUp", "kitchen"),  # four are in a row at this width
        ("ArrowDown", "bar"),
        ("Home", "kitchen"),
        ("End", "bar"),
    ):
        shown.keyboard.press(key)
        expect(tile(shown, name)).to_be_focused()
    shown.keyboard.press("Tab")
    expect(shown.locator("#language")).to_be_focused()
    shown.keyboard.press("Shift+Tab")
    expect(tile(shown, "bar")).to_be_focused()
    shown.keyboard.press("Enter")
    expect(shown.locator("#device-name")).to_have_text("bar")
    expect(shown.locator("#device-name")).to_be_focused()


def test_news_are_drawn_without_a_reload_and_keep_the_focus(shown, fleet, put) -> None:
    tile(shown, "bar").focus()
    now = time.time()
    news = [
        incoming("bar/health", health_payload(now, state="lost"), now),
        incoming("attic/stretch", stretch_payload(1, now - 30, label="pop"), now),
    ]
    put(fleet, news, now)
    expect(names(shown)).to_have_text(["bar", "kitchen", "shop", "cellar", HOSTILE, "attic"])
    expect(tile(shown, "bar")).to_contain_text("microphone lost")
    expect(tile(shown, "bar")).not_to_have_css("background-color", JAZZ)
    expect(tile(shown, "bar")).to_be_focused()


# --- one device


def test_a_device_tells_what_it_is_and_what_it_heard(shown) -> None:
    tile(shown, "bar").click()
    expect(shown).to_have_url(re.compile("#/device/bar$"))
    expect(shown).to_have_title("bar · genre-edge")
    expect(shown.locator("#device-card")).to_have_css("background-color", JAZZ)
    facts = shown.locator("#device-facts")
    for fact in ("listening", "gtzan-edge.int8", "0.2.0", "none"):
        expect(facts).to_contain_text(fact)
    bars = shown.locator("#device-bars li")
    expect(bars).to_have_text(["jazz60 s · 67 %", "rock30 s · 33 %"])
    expect(shown.locator("#device-timeline .strip i[title]")).to_have_count(3)
    expect(shown.locator("#history-stretches tbody tr")).to_have_count(3)
    changes = shown.locator("#device-changes tbody tr")
    expect(changes).to_have_count(5)
    expect(changes.last).to_contain_text("connected")
    if VENDOR.is_dir():
        expect(shown.locator("#history-chart canvas")).to_be_visible()
    shown.locator("#device-timeline .strip").focus()
    shown.keyboard.press("ArrowLeft")
    expect(shown.locator("#device-details")).to_contain_text("80 % sure")
    shoot(shown, "fleet-device")
    with shown.expect_download() as saved:
        shown.locator("#history-csv").click()
    assert Path(saved.value.path()).read_text().count("usb:1") == 3


def test_the_range_is_chosen_and_back_leads_to_the_tile(shown, fleet, put) -> None:
    now = time.time()
    old = [
        incoming("bar/stretch", stretch_payload(k, at, label=label, end=iso8601(at + length)), now)
        for k, (label, at, length) in enumerate(
            (("pop", now - 5 * 86_400, 20), ("metal", now - 20 * 86_400, 10)), 9
        )
    ]
    put(fleet, old, now)
    shown.locator("#fleet-find").fill("bar")
    tile(shown, "bar").click()
    bars = shown.locator("#device-bars li span:first-child")
    expect(bars).to_have_text(["jazz", "rock"])
    expect(shown.locator("#device-week")).to_be_hidden()
    shown.get_by_role("button", name="7 days").click()
    expect(bars).to_have_text(["jazz", "rock", "pop"])
    expect(shown.locator("#device-timeline .strip i[title^=pop]")).to_have_count(1)
    expect(shown.locator("#device-week")).to_be_visible()
    shown.get_by_role("button", name="30 days").click()
    expect(bars).to_have_text(["jazz", "rock", "pop", "metal"])
    shown.locator("#device-timeline .strip").focus()
    for _ in range(6):  # to the first
        shown.keyboard.press("ArrowLeft")
    expect(shown.locator("#device-details")).to_contain_text("metal 10 s")
    shown.go_back()
    expect(names(shown)).to_have_text(["bar"])
    expect(tile(shown, "bar")).to_be_focused()
    shown.go_forward()
    expect(shown.locator("#device-name")).to_have_text("bar")
    shown.get_by_role("link", name="All devices").click()
    expect(tile(shown, "bar")).to_be_focused()


def test_a_device_is_opened_by_its_address_and_says_what_is_wrong(shown) -> None:
    url = shown.url.partition("#")[0]
    sign = shown.locator("#device-sign")
    for name, words in (
        ("kitchen", ("microphone dead", "genre-edge doctor")),
        ("cellar", ("Nothing has come from it since", "Is it switched on")),
        ("shop", ("not connected", "appears by itself")),
    ):
        shown.goto(f"{url}#/device/{name}")
        shown.reload()
        expect(shown.locator("#device-name")).to_have_text(name)
        for one in words:
            expect(sign).to_contain_text(one)
    expect(shown.locator("#history-state")).to_contain_text("Choose a longer one")
    expect(shown.locator("#history-found")).to_be_hidden()
    shown.goto(f"{url}#/device/nobody")
    expect(shown.locator("#device-state")).to_contain_text("nobody: no device of this name")
    expect(shown.locator("#device-found")).to_be_hidden()
    assert any("404" in one for one in shown.errors)
    shown.errors.clear()


def test_names_and_labels_are_text_whatever_they_are(shown) -> None:
    tile(shown, HOSTILE).click()
    expect(shown.locator("#device-name")).to_have_text(HOSTILE)
    expect(shown.locator("#device-label")).to_have_text("constructor")
    expect(shown.locator("#device-facts")).to_contain_text("<b>m</b>")
    expect(shown.locator("#device-bars li span:first-child")).to_have_text(["constructor"])
    expect(shown.locator("#device-timeline .strip i[title]")).to_have_count(1)
    expect(shown.locator("main img")).to_have_count(0)
    expect(shown).to_have_title(f"{HOSTILE} · genre-edge")


# --- the page as a whole


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(fleet, serve, browser, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    url = serve(fleet).url
    page.goto(url)
    expect(names(page)).to_have_count(5)
    assert serious_faults(page) == []
    tile(page, "kitchen").click()
    expect(page.locator("#device-bars li")).to_have_count(1)
    silence = SILENCE if scheme == "light" else "rgb(43, 43, 80)"
    expect(page.locator("#device-bars li b")).to_have_css("background-color", silence)
    assert serious_faults(page) == []
    context.close()


def test_many_devices_fit_a_phone_and_silence_follows_the_night(make_url, serve, page) -> None:
    url = make_url("sqlite")
    write_fleet(url, time.time(), devices=150, days=8)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(serve(url).url)
    expect(names(page)).to_have_count(150)
    expect(page.locator("#fleet-tiles")).to_have_class(re.compile("many"))
    assert not is_too_wide(page)
    page.locator("#fleet-find").fill("bar-1")
    expect(page.locator("#fleet-tiles")).not_to_have_class(re.compile("many"))
    tile(page, "bar-1").click()
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("#device-week")).to_be_visible()
    assert not is_too_wide(page)
    bar = page.locator("#device-bars li", has_text="silence").locator("b")
    expect(bar).to_have_css("background-color", SILENCE)
    page.emulate_media(color_scheme="dark")
    expect(bar).to_have_css("background-color", "rgb(43, 43, 80)")
    assert page.errors == []


def test_an_empty_database_says_what_to_do(make_url, put, serve, page) -> None:
    url = make_url("sqlite")
    put(url, [], time.time())
    page.goto(serve(url).url)
    expect(page.locator("#fleet-empty")).to_be_visible()
    expect(page.locator("#fleet-collect")).to_have_text(f"genre-edge collect mqtt://broker {url}")
    expect(page.locator("#fleet-found")).to_be_hidden()
    put(url, messages_at(time.time()), time.time())
    expect(names(page)).to_have_count(5)
    expect(page.locator("#fleet-empty")).to_be_hidden()
    assert page.errors == []


def test_a_database_that_is_away_is_said_until_it_is_back(fleet, serve, page) -> None:
    path = Path(fleet.removeprefix("sqlite:///"))
    away = path.with_name("away.db")
    path.rename(away)
    page.goto(f"{serve(fleet).url}#/device/bar")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("The database cannot be read: sqlite:///")
    expect(notice).to_contain_text("tried again every 5 seconds")
    away.rename(path)
    expect(page.locator("#device-bars li")).to_have_count(2)
    expect(notice).to_be_hidden()
    page.get_by_role("link", name="All devices").click()
    expect(names(page)).to_have_count(5)
    path.rename(away)
    expect(notice).to_contain_text("What is shown was known at")
    expect(names(page)).to_have_count(5)
    away.rename(path)
    expect(notice).to_be_hidden()


def test_the_command_serves_and_asks_for_the_token(fleet, tmp_path: Path, browser) -> None:
    (tmp_path / "token").write_text("correct horse")
    running = WebServer(
        tmp_path, "--serve", "--token-file", tmp_path / "token", serve=("fleet", fleet)
    )
    context = browser.new_context(locale="de-AT")
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    try:
        page.goto(running.url)
        expect(page.locator("#login")).to_contain_text("Zugangscode")
        expect(page.locator("#fleet-tiles")).to_be_hidden()
        page.locator("#token").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("#fleet-states button").first).to_have_text("5 Geräte")
        expect(tile(page, "kitchen")).to_contain_text("kein Signal")
        page.locator("#language").select_option("en")
        expect(page.locator("#fleet-states button").first).to_have_text("5 devices")
        context.clear_cookies()  # as if the session had ended
        tile(page, "bar").click()
        expect(page.locator("#login")).to_be_visible()
        expect(page.locator("#view-device")).to_be_hidden()
        expect(page.locator("#about")).to_be_empty()
    finally:
        context.close()
        assert running.stop() == 0


# --- its words


def texts(language: str) -> dict[str, str]:
    return json.loads((STATIC / "languages" / f"{language}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_language_says_all_that_english_says(language: str) -> None:
    own, english = texts(language), texts("en")
    assert own.keys() == english.keys()
    assert not own.keys() & texts_of_web(language).keys(), "said twice"
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", own[key])) == set(re.findall(r"{\w+}", text)), key


def test_the_page_uses_every_text_and_says_nothing_else() -> None:
    own = texts("en")
    english = texts_of_web("en") | own
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    for key, text in re.findall(r'data-t="([\w.]+)">([^<]*)<', page):
        assert text == english[key]
    for key, text in re.findall(r'data-t-label="([\w.]+)" aria-label="([^"]*)"', page):
        assert text == english[key]
    code = page + "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    families = ("fleet.show.", "state.short.", "device.fact.", "device.change.")
    put_together = ("device.silent_remedy", "device.offline_remedy", *families)
    unused = [key for key in own if f'"{key}"' not in code and not key.startswith(put_together)]
    assert unused == []
    used = re.findall(r'\bt\("([\w.]+)"', code)
    assert [key for key in used if key not in english] == []
    assert untranslated(STATIC) == []
