"""Reverse proxies in front of the page: whom the service believes, and the page under a
path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from genre_edge.errors import UsageError
from genre_edge.settings.tables import WebConfig
from genre_edge.web.guard import COOKIE
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.helpers.ingress import Ingress, Nginx, own_address
from tests.helpers.pages import BACKSTOP_MS, STATIC
from tests.helpers.webserver import WebServer, problem
from tests.web.conftest import client_of

SUPERVISOR = "172.30.32.2"
OTHER = "172.30.33.9"
TOKEN = "correct horse"
PREFIX = "/api/hassio_ingress/abc"
FORWARDED = {
    "X-Ingress-Path": PREFIX,
    "X-Forwarded-Prefix": "/elsewhere",
    "X-Forwarded-Host": "house.example:8123",
    "X-Forwarded-For": "192.0.2.7, 172.30.32.1",
    "X-Forwarded-Proto": "https",
}


def ingress(folder: Path, **more: Any) -> FlaskClient:
    """A service that leaves the login to Home Assistant."""
    config = WebConfig(host="0.0.0.0", trusted_proxies=(SUPERVISOR,), proxy_login=True, **more)
    return client_of(config, folder)


def token_file(folder: Path) -> Path:
    (folder / "token").write_text(TOKEN)
    return folder / "token"


def ask(client: FlaskClient, address: str, path: str = "/api/model", **headers: str) -> Any:
    return client.get(path, headers={**FORWARDED, **headers}, environ_base={"REMOTE_ADDR": address})


# --- who is believed


@pytest.mark.parametrize("path", ["/", "/sw.js", "/api/model", "/metrics"])
def test_only_the_proxy_is_answered_where_its_login_is_all_there_is(tmp_path, path: str) -> None:
    client = ingress(tmp_path)
    assert ask(client, SUPERVISOR, path).status_code == 200
    assert ask(client, f"::ffff:{SUPERVISOR}", path).status_code == 200
    for address in (OTHER, "127.0.0.1", "172.30.32.3"):
        answer = ask(client, address, path)
        assert answer.status_code == 403
        assert "its reverse proxy only" in answer.json["detail"]
    assert ask(client, OTHER, "/static/main.js").status_code == 403
    assert ask(client, OTHER, "/healthz").status_code == 200


@given(
    name=st.sampled_from(["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Ingress-Path"]),
    value=st.sampled_from([SUPERVISOR, f"for={SUPERVISOR}", f"{SUPERVISOR}, {SUPERVISOR}", PREFIX]),
)
def test_no_header_makes_a_proxy_of_anybody(tmp_path_factory, name: str, value: str) -> None:
    client = ingress(tmp_path_factory.mktemp("web"))
    assert ask(client, OTHER, **{name: value}).status_code == 403


def test_beside_the_proxy_others_come_in_with_the_token(tmp_path: Path) -> None:
    client = ingress(tmp_path, token_file=token_file(tmp_path))
    assert ask(client, SUPERVISOR).status_code == 200
    assert ask(client, OTHER).status_code == 401
    assert ask(client, OTHER, Authorization=f"Bearer {TOKEN}").status_code == 200
    assert ask(client, OTHER, "/").status_code == 200, "the page asks for it"


def test_a_trusted_proxy_without_a_login_does_not_stand_for_the_token(tmp_path: Path) -> None:
    config = WebConfig(token_file=token_file(tmp_path), trusted_proxies=("127.0.0.0/8",))
    client = client_of(config, tmp_path)
    assert ask(client, "127.0.0.1").status_code == 401
    assert ask(client, "127.0.0.1", Authorization=f"Bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    ("proxies", "login", "reason"),
    [
        ((), True, "proxy_login needs the addresses"),
        (("127.0.0.1",), True, "proxy on this machine"),
        (("::1",), True, "proxy on this machine"),
        (("0.0.0.0/0",), True, "proxy on this machine"),
        (("supervisor",), False, "trusted_proxies supervisor: must be an address"),
    ],
)
def test_a_login_that_anybody_could_claim_is_refused(proxies, login, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        WebConfig(trusted_proxies=proxies, proxy_login=login)


def test_pages_of_the_proxys_site_may_ask_and_no_others(tmp_path: Path) -> None:
    client = ingress(tmp_path)
    for origin, status in (("https://house.example:8123", 200), ("https://evil.example", 403)):
        assert ask(client, SUPERVISOR, Origin=origin).status_code == status
    crossing = {"Sec-Fetch-Site": "cross-site"}
    assert ask(client, SUPERVISOR, **crossing).status_code == 403


def test_a_name_that_a_proxy_forwards_does_not_open_localhost(tmp_path: Path) -> None:
    """A page whose name leads here can add that header, and comes from this machine."""
    client = client_of(WebConfig(trusted_proxies=("127.0.0.1",)), tmp_path)
    answer = ask(client, "127.0.0.1", Host="evil.example", **{"X-Forwarded-Host": "localhost"})
    assert answer.status_code == 403


# --- what is believed


def logged_in(client: FlaskClient, address: str, **headers: str) -> Any:
    """The session cookie that a client gets, and the answer's Set-Cookie."""
    answer = client.post(
        "/api/session",
        json={"token": TOKEN},
        headers={**FORWARDED, **headers},
        environ_base={"REMOTE_ADDR": address},
    )
    assert answer.status_code == 204, answer.text
    return answer.headers["Set-Cookie"]


def behind(folder: Path) -> FlaskClient:
    config = WebConfig(
        host="0.0.0.0", token_file=token_file(folder), trusted_proxies=("10.0.0.0/8",)
    )
    return client_of(config, folder)


def test_the_cookie_is_for_the_pages_own_path(tmp_path: Path) -> None:
    client = behind(tmp_path)
    assert f"Path={PREFIX}/" in logged_in(client, "10.1.2.3")
    assert "Secure" in logged_in(client, "10.1.2.3")
    assert "Path=/;" in logged_in(client, OTHER) + ";"
    assert "Secure" not in logged_in(client, OTHER)


@pytest.mark.parametrize("path", ["", "genre", "/a b", "/a;Domain=x", "//", "/a\u00e9", "/\t"])
def test_a_prefix_that_is_no_path_is_ignored(tmp_path: Path, path: str) -> None:
    headers = {"X-Ingress-Path": path, "X-Forwarded-Prefix": ""}
    assert "Path=/;" in logged_in(behind(tmp_path), "10.1.2.3", **headers) + ";"


def test_wrong_tokens_are_counted_for_the_client_and_not_for_its_proxy(tmp_path: Path) -> None:
    client = behind(tmp_path)

    def guess(address: str, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded, "Authorization": "Bearer wrong token"}
        return ask(client, address, **headers).status_code

    found = [guess("10.0.0.1", f"spoofed, 192.0.2.{k}, 192.0.2.7, 10.0.0.2") for k in range(12)]
    assert found.count(429) > 0, "the last address that is no proxy counts"
    assert guess("10.0.0.1", "192.0.2.8") == 401
    assert guess(OTHER, "192.0.2.7") == 401, "nobody else can say who asks"


def test_home_assistant_may_show_the_page_in_a_frame_and_nobody_else(tmp_path: Path) -> None:
    for path in ("/", "/api/model"):
        policy = ask(ingress(tmp_path), SUPERVISOR, path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy and "frame-ancestors 'none'" not in policy
        policy = ask(behind(tmp_path), "10.0.0.1", path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy


def test_the_page_names_nothing_from_the_top_of_its_site() -> None:
    suffixes = {".css", ".html", ".js", ".webmanifest"}
    texts = {path.name: path.read_text() for path in STATIC.iterdir() if path.suffix in suffixes}
    assert {"index.html", "style.css", "main.js", "manifest.webmanifest"} <= texts.keys()
    for name, text in texts.items():
        assert not re.findall(
            r"""(?:href|src|action|url|scope|fetch|import|register)"?[=:(]\s*[`"']?/(?!/)""", text
        ), name


# --- the page in a browser, through a real proxy

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)


@pytest.fixture
def listening(tmp_path: Path, write_history, demo_clip) -> Iterator[Any]:
    """Starts a service that has a history and hears the demo clip."""
    running: list[WebServer] = []
    kept = write_history(("bar", "jazz", 1800, 60))

    def start(web: str) -> WebServer:
        config = tmp_path / "c.toml"
        config.write_text(f'[web]\nupload_seconds = 3600\n{web}\n[history]\npath = "{kept}"\n')
        source = ("--live", "--source", f"file:{demo_clip},name=bar")
        running.append(WebServer(tmp_path, "--config", config, *source))
        return running[0]

    yield start
    for one in running:
        one.stop()


def uses(shown: Any, with_file: bool) -> None:
    """Go through the views: live, a file, the history."""
    expect(shown.locator("#live-label")).to_have_text(re.compile(r"\w{3}"))
    expect(shown.locator("#live-card")).not_to_have_attribute("data-label", "")
    if with_file:
        shown.locator("#tab-track").click()
        shown.get_by_role("button", name="Jazz trio").click()
        expect(shown.locator("#track-state")).to_contain_text("(7 windows, ")
    shown.locator("#tab-history").click()
    expect(shown.locator("#history-table tbody")).to_contain_text("jazz")
    shown.locator("#language").select_option("de")
    expect(shown.locator("#tab-track")).to_have_text("Datei")


def test_home_assistant_shows_the_page_in_its_sidebar(listening, page) -> None:
    """No token is asked for; no request leaves the path that Home Assistant gave."""
    own = own_address()
    server = listening(f'host = "{own}"\ntrusted_proxies = ["{own}"]\nproxy_login = true')
    house = Ingress(server.url)
    try:
        page.goto(f"{house.url}/")
        uses(page.frame_locator("iframe"), with_file=True)
        paths = {path.removeprefix(Ingress.PREFIX).split("?")[0] for _, path in house.seen}
        assert {"/", "/sw.js", "/api/live", "/api/classify", "/api/history"} <= paths
        assert {"/static/languages/de.json", "/static/examples/jazz-trio.opus"} <= paths
        assert page.errors == []
    finally:
        house.close()


def location(port: int) -> str:
    """The block for nginx in docs/web.md, for a service on another port."""
    text = (ROOT / "docs" / "web.md").read_text()
    (block,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    return block.replace(":8080/", f":{port}/")


def test_nginx_serves_the_page_under_a_path(listening, page, tmp_path: Path) -> None:
    token = token_file(tmp_path)
    server = listening(f'token_file = "{token}"\ntrusted_proxies = ["127.0.0.1"]')
    nginx = Nginx(tmp_path / "nginx", location(int(server.url.rsplit(":", 1)[1])))
    try:
        problem(requests.get(f"{nginx.url}/genre/api/model"), 401)
        page.goto(f"{nginx.url}/genre")
        page.locator("#token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        uses(page, with_file=False)
        (cookie,) = [one for one in page.context.cookies() if one["name"] == COOKIE]
        assert cookie["path"] == "/genre/"
        page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        scope = page.evaluate("navigator.serviceWorker.ready.then((one) => one.scope)")
        assert scope == f"{nginx.url}/genre/"
        kept = page.evaluate("caches.keys()")
        assert len(kept) == 1 and kept[0].startswith(f"genre-edge@{scope} ")
    finally:
        nginx.close()
