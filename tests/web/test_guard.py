"""Who may use the API: exactly those who have the token, from pages that may ask."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from genre_edge.settings.tables import WebConfig
from genre_edge.web.guard import COOKIE, Guard
from genre_edge.web.guesses import GuessLimit
from genre_edge.web.session_key import session_key
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.webserver import WebServer, problem
from tests.web.conftest import client_of

TOKEN = "correct horse"
PROTECTED = "/api/model"


def config_with(folder: Path, token: str) -> WebConfig:
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(f"{token}\n")
    return WebConfig(token_file=folder / "token")


def installation(folder: Path, token: str = TOKEN) -> FlaskClient:
    """A service with a token, and a browser that has no cookie yet."""
    return client_of(config_with(folder, token), folder)


def session_cookie(client: FlaskClient, token: str) -> str:
    """Log in; returns the cookie's value."""
    assert client.post("/api/session", json={"token": token}).status_code == 204
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def status_with_cookie(folder: Path, value: str, token: str = TOKEN) -> int:
    """What a browser gets that has this cookie and nothing else."""
    client = installation(folder, token)
    client.set_cookie(COOKIE, value)
    return client.get(PROTECTED).status_code


# --- the token in the Authorization header


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_the_token_is_accepted(tmp_path: Path, header: str) -> None:
    answer = installation(tmp_path).get(PROTECTED, headers={"Authorization": header})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TOKEN} battery",
        f"Bearer {TOKEN}s",
        f"Bearer {TOKEN}\0",
        "Bearer correct hors",
        "Bearer correct",
        "Bearer Correct Horse",
        "Bearer ",
        "Bearer",
        "",
        TOKEN,
        f"Basic {TOKEN}",
        f"Token {TOKEN}",
        f"Bearer Bearer {TOKEN}",
    ],
)
def test_anything_but_the_token_is_refused(tmp_path: Path, header: str) -> None:
    answer = installation(tmp_path).get(PROTECTED, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "access token" in answer.json["detail"]


def test_neither_a_header_nor_a_cookie_is_refused(tmp_path: Path) -> None:
    assert installation(tmp_path).get(PROTECTED).status_code == 401


@given(given_token=st.text())
def test_no_other_text_is_the_token(tmp_path_factory, given_token: str) -> None:
    guard = Guard(config_with(tmp_path_factory.getbasetemp(), TOKEN))
    assert guard.is_token(given_token) == (given_token == TOKEN)


@given(suffix=st.text(min_size=1), cut=st.integers(0, len(TOKEN) - 1))
def test_neither_more_nor_less_than_the_token_is_the_token(
    tmp_path_factory, suffix: str, cut: int
) -> None:
    guard = Guard(config_with(tmp_path_factory.getbasetemp(), TOKEN))
    assert guard.is_token(TOKEN)
    assert not guard.is_token(TOKEN + suffix)
    assert not guard.is_token(suffix + TOKEN)
    assert not guard.is_token(TOKEN[:cut])


# --- the session cookie


def test_a_session_begins_with_the_token_and_its_cookie_does_not_reveal_it(tmp_path: Path) -> None:
    client = installation(tmp_path)
    answer = client.post("/api/session", json={"token": TOKEN})
    assert answer.status_code == 204
    header = answer.headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "correct" not in header
    assert client.get(PROTECTED).status_code == 200, "the browser sends it from now on"


def test_lists_in_lists_are_no_token_and_no_fault(tmp_path: Path) -> None:
    body = '{"token":' + "[" * 5000
    answer = installation(tmp_path).post("/api/session", data=body, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"token": "guess"},
        {"token": ""},
        {"token": f"{TOKEN} battery"},
        {"token": "correct hors"},
        {"token": None},
        {"token": [TOKEN]},
        {"token": "\ud800"},
        {},
        [TOKEN],
        TOKEN,
    ],
    ids=repr,
)
def test_no_session_begins_without_the_token(tmp_path: Path, body: object) -> None:
    client = installation(tmp_path)
    answer = client.post("/api/session", data=json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json["detail"]) == (401, "wrong access token")
    assert "Set-Cookie" not in answer.headers
    assert client.get(PROTECTED).status_code == 401


def test_an_empty_cookie_is_refused(tmp_path: Path) -> None:
    assert status_with_cookie(tmp_path, "") == 401


@pytest.mark.parametrize("made", ["0" * 64, TOKEN, "None", "True"])
def test_a_made_up_cookie_is_refused(tmp_path: Path, made: str) -> None:
    assert status_with_cookie(tmp_path, made) == 401


def test_a_cookie_with_more_or_less_is_refused(tmp_path: Path) -> None:
    cookie = session_cookie(installation(tmp_path), TOKEN)
    assert status_with_cookie(tmp_path, cookie) == 200
    assert status_with_cookie(tmp_path, cookie + "0") == 401
    assert status_with_cookie(tmp_path, cookie[:-1]) == 401


def test_the_cookie_of_one_installation_opens_no_other(tmp_path: Path) -> None:
    """Not even where both have one token."""
    here = session_cookie(installation(tmp_path / "here"), TOKEN)
    there = session_cookie(installation(tmp_path / "there"), TOKEN)
    assert status_with_cookie(tmp_path / "there", here) == 401
    assert status_with_cookie(tmp_path / "here", there) == 401
    assert status_with_cookie(tmp_path / "here", here) == 200


def test_the_key_behind_cookies_is_its_owners(tmp_path: Path) -> None:
    key = session_key(tmp_path / "state")
    file = tmp_path / "state/web-session.key"
    assert (file.stat().st_mode & 0o777, len(key)) == (0o600, 32)
    assert session_key(tmp_path / "state") == key
    file.write_bytes(b"cut")
    assert len(session_key(tmp_path / "state")) == 32
    assert session_key(Path("/dev/null")) != session_key(Path("/dev/null")), "where none is kept"


def test_a_session_outlives_a_restart_and_ends_with_its_token(tmp_path: Path) -> None:
    cookie = session_cookie(installation(tmp_path), TOKEN)
    assert status_with_cookie(tmp_path, cookie) == 200, "another process in the same folder"
    assert status_with_cookie(tmp_path, cookie, "a new token") == 401


# --- what needs a token


def test_everything_but_the_page_and_its_health_needs_the_token(tmp_path: Path) -> None:
    client = installation(tmp_path)
    for path in ("/api/model", "/api/live", "/metrics", "/api/history", "/api/demo.flac"):
        assert client.get(path).status_code == 401, path
    for path in ("/api/classify", "/api/window"):
        assert client.post(path, data=b"x").status_code == 401, path
    for path in ("/", "/healthz", "/api/openapi.json", "/static/main.js"):
        assert client.get(path, buffered=True).status_code == 200, path


def test_without_a_token_nothing_asks_for_one(tmp_path: Path) -> None:
    client = client_of(WebConfig(), tmp_path)
    assert client.get(PROTECTED).status_code == 200
    answer = client.post("/api/session", json={})
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers


@pytest.mark.devices
def test_a_service_for_the_network_needs_a_token(tmp_path: Path, cli) -> None:
    refused = cli("serve", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "name a file with a token (--token-file, " in refused.stderr
    token = tmp_path / "token"
    token.write_text("short\n")
    refused = cli("serve", "--token-file", token)
    assert (refused.returncode, "8 characters" in refused.stderr) == (2, True)
    token.write_text(f"{TOKEN}\n")
    running = WebServer(tmp_path, "--host", "0.0.0.0", "--token-file", token)
    url = running.url.replace("0.0.0.0", "127.0.0.1")
    try:
        assert "access token" in problem(requests.get(f"{url}{PROTECTED}"), 401)
        allowed = {"Authorization": f"Bearer {TOKEN}"}
        assert requests.get(f"{url}{PROTECTED}", headers=allowed).status_code == 200
    finally:
        assert running.stop() == 0


# --- pages of other sites


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])
def test_a_local_service_refuses_other_host_names(tmp_path: Path, host: str) -> None:
    answer = client_of(WebConfig(), tmp_path).get(PROTECTED, headers={"Host": host})
    assert (answer.status_code, "localhost only" in answer.json["detail"]) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:80", "[::1]:8080"])
def test_a_local_service_answers_to_its_own_names(tmp_path: Path, host: str) -> None:
    answer = client_of(WebConfig(), tmp_path).get(PROTECTED, headers={"Host": host})
    assert answer.status_code == 200


def test_the_page_of_another_site_may_not_ask(tmp_path: Path) -> None:
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = client_of(WebConfig(), tmp_path).get(PROTECTED, headers=cross)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_of_the_allowed_site_may_ask_and_no_other(tmp_path: Path) -> None:
    client = client_of(WebConfig(allow_origin="https://home.example"), tmp_path)
    asked = {"Sec-Fetch-Site": "cross-site", "Origin": "https://home.example"}
    answer = client.get(PROTECTED, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://home.example"
    other = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert client.get(PROTECTED, headers=other).status_code == 403


def test_the_page_may_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = client_of(WebConfig(), tmp_path).get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "https://" not in page.text
    assert "Access-Control-Allow-Origin" not in page.headers


# --- a reverse proxy in front of the service


def test_a_name_that_is_allowed_is_answered(tmp_path: Path) -> None:
    client = client_of(WebConfig(allowed_hosts=("music.example",)), tmp_path)
    for host in ("music.example", "MUSIC.example:443", "localhost"):
        assert client.get(PROTECTED, headers={"Host": host}).status_code == 200
    assert client.get(PROTECTED, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("music.example", "https://music.example"),
        ("music.example:443", "https://music.example"),
        ("localhost:8080", "http://localhost:8080"),
        ("localhost:8080", "https://music.example"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_its_own_page_may_ask_through_a_proxy(tmp_path: Path, host: str, origin: str) -> None:
    client = client_of(WebConfig(allowed_hosts=("music.example",)), tmp_path)
    headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert client.get(PROTECTED, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "fetch_site", [{}, *({"Sec-Fetch-Site": s} for s in ("same-site", "none"))]
)
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3000", "", "http://[", "http://localhost:x"],
)
def test_a_foreign_origin_is_refused_whatever_else_is_said(
    tmp_path: Path, origin: str, fetch_site: dict[str, str]
) -> None:
    client = client_of(WebConfig(), tmp_path)
    headers = {"Host": "localhost:8080", "Origin": origin, **fetch_site}
    assert client.get(PROTECTED, headers=headers).status_code == 403


# --- guessing


def test_guesses_are_slowed_and_not_looked_at(tmp_path: Path) -> None:
    client = installation(tmp_path)

    def status(token: str, address: str = "192.0.2.1") -> int:
        return client.get(
            PROTECTED,
            headers={"Authorization": f"Bearer {token}"},
            environ_overrides={"REMOTE_ADDR": address},
        ).status_code

    assert {status(f"guess {number}") for number in range(10)} == {401}
    assert status("guess again") == 429
    assert status(TOKEN) == 429, "else an answer would tell that a guess was right"
    assert status(TOKEN, "192.0.2.2") == 200
    answer = client.post(
        "/api/session", json={"token": "x"}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 2


def test_a_guess_cannot_be_sent_as_a_cookie(tmp_path: Path) -> None:
    """What a cookie is made of is not known to anybody who knows the token alone."""
    for key in (b"", b"genre-edge page", TOKEN.encode()):
        for one, other in ((key, TOKEN.encode()), (TOKEN.encode(), key)):
            made = hmac.new(one, other, hashlib.sha256).hexdigest()
            assert status_with_cookie(tmp_path, made) == 401


def test_a_browser_that_is_logged_in_is_not_slowed_by_guesses(tmp_path: Path) -> None:
    client = installation(tmp_path)
    session_cookie(client, TOKEN)
    other = installation(tmp_path)
    for _ in range(20):
        other.get(PROTECTED, headers={"Authorization": "Bearer wrong"})
    assert client.get(PROTECTED).status_code == 200


def test_guesses_are_forgiven_with_time() -> None:
    limit = GuessLimit()
    for _ in range(10):
        assert limit.seconds_to_wait("2001:db8::1", 0.0) == 0.0
        limit.count_wrong("2001:db8::1", 0.0)
    assert limit.seconds_to_wait("2001:db8::2", 0.0) == 2.0, "one network"
    assert limit.seconds_to_wait("2001:db8:0:1::1", 0.0) == 0.0
    assert limit.seconds_to_wait("2001:db8::1", 2.0) == 0.0


def test_the_memory_of_guesses_is_bounded() -> None:
    limit = GuessLimit()
    for number in range(3000):
        limit.count_wrong(f"2001:db8:{number:x}::1", 0.0)
    assert len(limit._accounts) == 1000
