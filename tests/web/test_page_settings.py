"""Settings, microphone and first steps in a real browser, with a real service,
microphone and broker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from genre_edge.demo import clip_path

from tests.helpers.broker import Broker
from tests.helpers.pages import AXE, BACKSTOP_MS, is_too_wide, serious_faults
from tests.helpers.waiting import wait_for
from tests.helpers.webserver import WebServer

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)
MINE = "# mine\n[listen]\nsmooth = 4   # steady\n\n[mqtt]\nname = 'hall'\n"
TOKEN = "a long secret"


def file_in(folder: Path) -> Path:
    """The user's configuration file of a WebServer."""
    return folder / "config" / "genre-edge" / "config.toml"


@pytest.fixture(scope="module")
def service(tmp_path_factory, demo_clip: Path) -> Iterator[tuple[WebServer, Path]]:
    """One that listens, with a token; and its configuration file."""
    folder = tmp_path_factory.mktemp("settings")
    file = file_in(folder)
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    (folder / "token").write_text(TOKEN)
    source = ("--source", f"file:{demo_clip},name=bar")
    running = WebServer(folder, "--live", *source, "--token-file", folder / "token")
    yield running, file
    assert running.stop() == 0


@pytest.fixture
def settings(service, page) -> Iterator[Path]:
    """The view of the settings, by somebody who has the token; the file is put back."""
    running, file = service
    file.write_text(MINE)
    page.goto(f"{running.url}/#settings")
    page.locator("#token").fill(TOKEN)
    page.keyboard.press("Enter")
    open_table(page, "listen")
    return file


def open_table(page, name: str) -> None:
    page.locator(f"details[data-table={name}] summary").click()


def field(page, key: str):
    return page.locator(f'[id="set-{key}"]')


def test_a_setting_is_changed_survives_a_reload_and_is_undone(service, settings, page) -> None:
    expect(page.locator("#settings-save")).to_be_disabled()
    field(page, "listen.smooth").fill("7")
    page.keyboard.press("Enter")
    expect(page.locator("#settings-said")).to_have_text("Saved. In force now: listen.smooth.")
    assert settings.read_text() == MINE.replace("= 4 ", "= 7 ")
    assert any("the configuration was read again" in line for line in service[0].said)
    page.reload()
    open_table(page, "listen")
    expect(field(page, "listen.smooth")).to_have_value("7")
    page.locator("#settings-undo").click()
    expect(field(page, "listen.smooth")).to_have_value("4")
    assert settings.read_text() == MINE
    page.get_by_role("button", name="Use the default of smooth").click()
    page.locator("#settings-save").click()
    expect(page.locator("#settings-said")).to_contain_text("Saved.")
    assert "\n# smooth = 3\n" in settings.read_text()


def test_a_refused_value_has_the_words_of_config_check(settings, page, cli) -> None:
    field(page, "listen.smooth").fill("often")
    page.locator("#settings-save").click()
    faults = page.locator("#settings-faults")
    expect(faults).to_be_visible()
    assert settings.read_text() == MINE
    settings.write_text(MINE.replace("= 4 ", "= 'often' "))
    checked = cli("config", "check", settings).stderr.removeprefix("genre-edge: ").strip()
    expect(faults).to_have_text(checked)
    expect(page.locator('[id="fault-listen.smooth"]')).to_have_text(checked)
    expect(field(page, "listen.smooth")).to_have_attribute("aria-invalid", "true")


def test_a_file_that_was_changed_meanwhile_is_shown_first(settings, page) -> None:
    settings.write_text(MINE.replace("= 4 ", "= 6 "))
    field(page, "listen.smooth").fill("7")
    page.locator("#settings-save").click()
    expect(page.locator("#settings-faults")).to_contain_text("was changed meanwhile")
    page.locator("#settings-reload").click()
    expect(field(page, "listen.smooth")).to_have_value("6")
    assert "= 6 " in settings.read_text()


def test_what_waits_for_the_next_start_says_so_and_can_be_had_at_once(
    service, settings, page
) -> None:
    open_table(page, "model")
    field(page, "model.threads").fill("2")
    page.locator("#settings-save").click()
    expect(page.locator("#settings-said")).to_contain_text("At the next start: model.threads.")
    page.locator("#settings-start").click()
    expect(page.locator("#view-live")).to_be_visible()
    expect(page.locator("#live-label")).not_to_have_text("–")
    assert all(line.startswith("genre-edge: ") for line in service[0].said), service[0].said


def test_a_password_is_replaced_and_never_shown(settings, page) -> None:
    open_table(page, "mqtt")
    secret = field(page, "mqtt.password_file")
    secret.fill("hunter two")
    page.locator("#settings-save").click()
    expect(page.locator("#settings-said")).to_contain_text("mqtt.password_file")
    expect(secret).to_have_value("")
    expect(secret).to_have_attribute("placeholder", re.compile("set; type"))
    assert (settings.parent / "mqtt-password").read_text() == "hunter two\n"


def test_without_a_token_settings_are_shown_and_not_changed(page, tmp_path: Path) -> None:
    file_in(tmp_path).parent.mkdir(parents=True)
    file_in(tmp_path).write_text(MINE)
    running = WebServer(tmp_path)
    try:
        page.goto(f"{running.url}/#settings")
        expect(page.locator("#settings-refusal")).to_contain_text("openssl rand -hex 16")
        open_table(page, "listen")
        expect(field(page, "listen.smooth")).to_have_text("4")
        expect(page.locator("#settings-save")).to_have_count(0)
        expect(page.locator("#welcome")).to_be_hidden()
        page.goto(f"{running.url}/?kiosk#settings")
        expect(page.locator("#view-live")).to_be_visible()
        expect(page.locator("#view-settings")).to_be_hidden()
        expect(page.locator("#gear")).to_be_hidden()
    finally:
        running.stop()


def test_the_first_steps_lead_from_nothing_to_a_running_label(mic, page, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker", password="hunter two")
    broker.start()
    running = WebServer(tmp_path, environment=mic.environment)
    try:
        page.goto(running.url)
        page.locator("#welcome").get_by_role("link", name="Set up").click()
        page.locator('input[value="name:fakemic"]').check()
        word = page.locator("#view-guide .state")
        expect(word).to_have_text("No signal: every sample is the same")
        player = mic.play(clip_path())
        expect(word).to_have_text("Good")
        page.locator("#guide-next").click()
        page.locator('input[value="gtzan-tiny.int8"]').check()
        page.locator("#guide-next").click()
        page.locator("#guide-name").fill("the kitchen")
        page.locator("#guide-next").click()
        expect(page.locator("#guide-name:invalid")).to_be_focused()  # it stays at this step
        page.locator("#guide-name").fill("kitchen")
        page.locator("#guide-next").click()
        page.locator("#guide-url").fill(f"127.0.0.1:{broker.port}")
        page.locator("#guide-user").fill("edge")
        page.locator("#guide-password").fill("wrong")
        page.locator("#guide-test").click()
        said = page.locator("#guide-broker-said")
        expect(said).to_contain_text("User or password is wrong")
        page.locator("#guide-password").fill("hunter two")
        page.locator("#guide-test").click()
        expect(said).to_have_text("Connected: this broker can be used.")
        page.locator("#guide-next").click()
        expect(page.locator("#guide-summary")).to_contain_text("gtzan-tiny.int8")
        assert "hunter" not in page.locator("#guide-summary").inner_text()
        page.locator("#guide-write").click()
        expect(page.locator("#live-label")).not_to_have_text("–")
        expect(page.locator("#about")).to_contain_text("gtzan-tiny")
        player.wait()
        text = file_in(tmp_path).read_text()
        for line in ('device = "name:fakemic"', 'model = "gtzan-tiny.int8"', 'name = "kitchen"'):
            assert f"\n{line}\n" in text
        assert "hunter" not in text
        wait_for(lambda: "genre-edge-kitchen" in broker.log(), "the broker has met the device")
        page.locator("#gear").click()
        expect(page.locator("#settings-refusal")).to_contain_text("access token")
        page.get_by_role("link", name="My microphone").click()
        expect(page.locator("#view-microphone .choice", has_text="in use")).to_be_visible()
        expect(page.locator("#mic-use")).to_be_disabled()
        expect(page.locator("#mic-said")).to_contain_text("access token")
    finally:
        running.stop()
        broker.stop()


def test_the_guide_can_be_declined(page, tmp_path: Path) -> None:
    running = WebServer(tmp_path)
    try:
        page.goto(running.url)
        page.locator("#welcome-no").click()
        expect(page.locator("#welcome")).to_be_hidden()
        page.reload()
        expect(page.locator("#gear")).to_be_visible()
        expect(page.locator("#welcome")).to_be_hidden()
        page.goto(f"{running.url}/#guide")
        page.locator("#guide-skip").click()
        expect(page.locator("#view-track")).to_be_visible()
        assert not file_in(tmp_path).exists()
    finally:
        running.stop()


@contextmanager
def signed_in(service, browser, scheme: str, width: int) -> Iterator:
    """A page of somebody who has the token, which lets axe run in it."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,
    )
    context.set_default_timeout(BACKSTOP_MS)
    opened = context.new_page()
    opened.goto(service[0].url)
    opened.locator("#token").fill(TOKEN)
    opened.keyboard.press("Enter")
    expect(opened.locator("#gear")).to_be_visible()
    yield opened
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_and_all_fits_a_phone(service, browser, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    with signed_in(service, browser, scheme, 390) as opened:
        opened.locator("#gear").click()
        for name in ("listen", "mqtt", "web"):
            open_table(opened, name)
        field(opened, "listen.smooth").fill("0")
        opened.locator("#settings-save").click()
        expect(opened.locator("#settings-faults")).to_be_visible()
        assert serious_faults(opened) == []
        assert not is_too_wide(opened)
        opened.get_by_role("link", name="My microphone").click()
        expect(opened.locator("#view-microphone .state")).not_to_have_text(
            "Looking for microphones …"
        )
        assert serious_faults(opened) == []
        opened.get_by_role("link", name="First steps").click()
        for _ in range(4):
            expect(opened.locator("#guide-step h3")).to_be_visible()
            assert not is_too_wide(opened)
            opened.locator("#guide-next").click()
        expect(opened.locator("#guide-write")).to_be_visible()
        assert serious_faults(opened) == []
