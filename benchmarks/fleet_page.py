"""The page of a fleet with many devices, in a real browser.

    python -m benchmarks.fleet_page --devices 1000     needs Chromium and Playwright

The fleet is made up, its database is SQLite. Each poll finds a sixth of the devices
changed: each sends its health every 30 s, and the page asks every 5 s. Prints the bytes
and the time of the answers, and how long the page needs to draw.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.writing import write
from genre_edge.fleet_page.page import FleetPage
from genre_edge.settings.tables import WebConfig

from tests.helpers.fleet import health_payload, incoming
from tests.helpers.made_up_fleet import write_fleet

_CHANGED = 6
"""One in so many devices has changed at each poll."""
_FRESH_SECONDS = 2.1
"""After this the database is read again, s."""
_WATCH = """
  new PerformanceObserver((list) => {
    const times = list.getEntries().map((one) => one.duration);
    window.longest = Math.max(window.longest ?? 0, ...times);
  }).observe({ type: "longtask" });
  new MutationObserver(() => {
    if (window.drawn || document.querySelectorAll(".tile").length < %d) return;
    window.drawn = -1;
    requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); }));
  }).observe(document, { childList: true, subtree: true });
"""
_FIND = """(words) => {
  const find = document.getElementById("fleet-find"), start = performance.now();
  find.value = words;
  find.dispatchEvent(new Event("input"));
  return document.body.offsetHeight && performance.now() - start;
}"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-page-") as folder:
        url = f"sqlite:///{Path(folder) / 'fleet.db'}"
        write_fleet(url, time.time(), args.devices, days=30)
        page = FleetPage(WebConfig(port=0), parse_address(url), print)
        try:
            _answers(page.url, url, args.devices)
            _browser(page.url, url, args.devices)
        finally:
            page.close()


def _report(url: str, devices: int) -> None:
    """A sixth of the devices send their health."""
    store, now = store_at(parse_address(url)), time.time()
    store.open()
    names = [name for (name,) in store.run("SELECT device FROM devices ORDER BY last_seen")]
    news = [
        incoming(f"{name}/health", health_payload(now, windows=9), now)
        for name in names[: devices // _CHANGED]
    ]
    write(store, sort_out(news, "music", Believed(), now), now)
    store.close()


def _answers(page: str, url: str, devices: int) -> None:
    whole = _asked(f"{page}/api/devices", "all devices")
    _report(url, devices)
    time.sleep(_FRESH_SECONDS)
    some = _asked(f"{page}/api/devices?after={whole['mark']}", "what has changed in 5 s")
    assert not some["whole"]
    _asked(f"{page}/api/devices?after={some['mark']}", "nothing has changed")
    for since, limit in (("24h", 5000), ("7d", 200), ("30d", 200)):
        _asked(f"{page}/api/device?name=bar-1&since={since}&limit={limit}", f"a device, {since}")


def _asked(url: str, what: str) -> Any:
    start = time.monotonic()
    answer = requests.get(url, timeout=60, stream=True)
    sent = answer.raw.read()  # as it was sent: compressed
    took = time.monotonic() - start
    answer = requests.get(url, timeout=60)
    print(f"{what}: {len(answer.content)} bytes, {len(sent)} compressed, {took * 1000:.0f} ms")
    return answer.json()


def _browser(page: str, url: str, devices: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        shown = browser.new_context(bypass_csp=True).new_page()
        shown.add_init_script(_WATCH % devices)
        shown.goto(page)
        shown.wait_for_function("window.drawn > 0")
        print(f"all tiles are drawn {shown.evaluate('window.drawn'):.0f} ms after the beginning")
        shown.evaluate("window.longest = 0")
        for _ in range(3):
            _report(url, devices)
            shown.wait_for_timeout(5500)
        print(
            f"longest task of three polls: {shown.evaluate('window.longest'):.0f} ms (0: below 50)"
        )
        for words in ("b", "bar", ""):
            print(f"find {words!r}: {shown.evaluate(_FIND, words):.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
