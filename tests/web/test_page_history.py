"""The history in the page: chart, heatmap, table, list, and CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.pages import AXE, BACKSTOP_MS, VENDOR, open_view, serious_faults, shoot
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)

DAY = 86_400


@pytest.fixture
def history(tmp_path: Path, write_history) -> Iterator[WebServer]:
    """A service whose history has jazz today, silence and rock yesterday, and pop long
    ago."""
    path = write_history(
        ("mic", "pop", 20 * DAY, 20 * DAY - 600),
        ("mic", "rock", DAY, DAY - 3600),
        ("mic", "silence", DAY - 3600, DAY - 7200),
        ("mic", "jazz", 1800, 60),
    )
    config = tmp_path / "c.toml"
    config.write_text(f'[history]\npath = "{path}"\n')
    running = WebServer(tmp_path, "--config", config)
    yield running
    running.stop()


def test_what_was_heard_is_drawn_summed_and_listed(history, page) -> None:
    open_view(page, history, "history")
    table = page.locator("#history-table tbody")
    expect(table).to_contain_text("60 min")
    assert table.locator("th").all_inner_texts() == ["rock", "silence", "jazz"]
    assert table.locator("tr").nth(0).inner_text().split() == [
        "rock",
        "60",
        "min",
        "40",
        "%",
        "80",
        "%",
    ]
    listed = page.locator("#history-stretches tbody tr")
    assert [row.split("\t")[1] for row in listed.all_inner_texts()] == ["jazz", "silence", "rock"]
    legend = page.locator("#history-legend li")
    assert legend.all_inner_texts() == ["rock", "jazz", "silence"], "one legend, silence in it"
    if VENDOR.is_dir():
        expect(page.locator("#history-chart canvas")).to_be_visible()
    shoot(page, "history")
    assert page.errors == []


def test_the_range_is_chosen(history, page) -> None:
    open_view(page, history, "history")
    table = page.locator("#history-table tbody")
    expect(table).to_contain_text("rock")
    expect(table).not_to_contain_text("pop")
    page.get_by_role("button", name="30 days").click()
    expect(table).to_contain_text("pop")
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="24 hours").click()
    expect(table).not_to_contain_text("pop")


def test_an_hour_of_the_heatmap_tells_what_it_was(history, page) -> None:
    open_view(page, history, "history")
    cells = page.locator("#history-heatmap i[title]")
    expect(cells.first).to_be_visible()
    assert not page.locator("#history-heatmap i[title*=silence]").count()
    page.locator("#history-heatmap i[title*=jazz]").first.click()
    expect(page.locator("#history-details")).to_contain_text("jazz")
    expect(page.locator("#history-details")).to_contain_text("o'clock")


def test_the_heatmap_is_read_from_the_keyboard(history, page) -> None:
    open_view(page, history, "history")
    grid = page.get_by_role("grid", name="By weekday and hour")
    expect(grid.get_by_role("gridcell", name=re.compile(": jazz ")).first).to_be_visible()
    details, focused = page.locator("#history-details"), page.locator(":focus")
    page.locator("#history-range button").last.focus()
    page.keyboard.press("Tab")
    expect(details).to_contain_text("Monday, 0 to 1 o'clock: ")
    for key, place in (
        ("ArrowLeft", "Monday, 0 to 1"),  # there is nothing before it
        ("ArrowRight", "Monday, 1 to 2"),
        ("ArrowDown", "Tuesday, 1 to 2"),
        ("ArrowDown", "Wednesday, 1 to 2"),
        ("ArrowLeft", "Wednesday, 0 to 1"),
        ("ArrowUp", "Tuesday, 0 to 1"),
    ):
        page.keyboard.press(key)
        expect(details).to_contain_text(f"{place} o'clock: ")
        expect(focused).to_have_role("gridcell")
        expect(focused).to_have_accessible_name(re.compile(f"{place} o'clock: "))
    page.keyboard.press("Tab")
    expect(focused).not_to_have_role("gridcell")
    page.keyboard.press("Shift+Tab")
    expect(focused).to_have_accessible_name(re.compile("Tuesday, 0 to 1 o'clock: "))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_a_history(history, browser, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    context.set_default_timeout(BACKSTOP_MS)
    page = context.new_page()
    open_view(page, history, "history")
    expect(page.locator("#history-heatmap i[title]").first).to_be_visible()
    assert serious_faults(page) == []
    context.close()


def test_one_of_several_sources_is_chosen(tmp_path: Path, write_history, page) -> None:
    path = write_history(("bar", "jazz", 3600, 60), ("cellar & co", "rock", 3600, 1800))
    config = tmp_path / "c.toml"
    config.write_text(f'[history]\npath = "{path}"\n')
    running = WebServer(tmp_path, "--config", config)
    try:
        open_view(page, running, "history")
        table, picker = page.locator("#history-table tbody"), page.locator("#history-source")
        expect(table.locator("th")).to_have_text(["jazz", "rock"])
        picker.select_option("cellar & co")
        expect(table.locator("th")).to_have_text(["rock"])
        expect(page.locator("#history-stretches tbody tr")).to_have_count(1)
        page.get_by_role("button", name="24 hours").click()
        expect(table.locator("th")).to_have_text(["rock"])
        with page.expect_download() as saved:
            page.locator("#history-csv").click()
        assert "bar" not in Path(saved.value.path()).read_text()
        picker.select_option("All")
        expect(table.locator("th")).to_have_text(["jazz", "rock"])
        assert page.errors == []
    finally:
        running.stop()


def test_the_list_can_be_saved(history, page) -> None:
    open_view(page, history, "history")
    expect(page.locator("#history-csv")).to_be_enabled()
    with page.expect_download() as saved:
        page.locator("#history-csv").click()
    header, latest, *others = Path(saved.value.path()).read_text().splitlines()
    assert header == "start,end,label,confidence,source"
    assert latest.endswith(",jazz,0.8,mic")
    assert len(others) == 2
