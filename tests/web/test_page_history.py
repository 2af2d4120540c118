"""The history in the page: chart, heatmap, table, list, and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.pages import BACKSTOP_MS, VENDOR, open_view, shoot
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


def test_the_list_can_be_saved(history, page) -> None:
    open_view(page, history, "history")
    expect(page.locator("#history-csv")).to_be_enabled()
    with page.expect_download() as saved:
        page.locator("#history-csv").click()
    header, latest, *others = Path(saved.value.path()).read_text().splitlines()
    assert header == "start,end,label,confidence,source"
    assert latest.endswith(",jazz,0.8,mic")
    assert len(others) == 2
