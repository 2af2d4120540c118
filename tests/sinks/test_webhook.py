"""Webhooks against a real HTTP server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.health import SinkHealth
from genre_edge.records import FileRecord
from genre_edge.sinks.background import BackgroundSink
from genre_edge.sinks.sink import StillWaiting
from genre_edge.sinks.webhook import WebhookSink
from genre_edge.sinks.webhook_settings import parse_webhook
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.helpers.broker import free_port
from tests.helpers.endpoint import Endpoint
from tests.helpers.waiting import wait_for
from tests.helpers.windows import GENRES, window


def test_a_change_of_label_is_posted(endpoint) -> None:
    sink = WebhookSink(parse_webhook(endpoint.url))
    for k, genre in enumerate(GENRES):
        sink.write(window(k, genre))
    assert [(b["start"], b["genre"]) for b in endpoint.bodies()] == [
        (0, "jazz"),
        (6, "rock"),
        (12, "jazz"),
    ]
    assert endpoint.bodies()[0] == window(0).to_json(), "the contract of classify"
    assert endpoint.requests[0][0]["Content-Type"] == "application/json"


def test_every_window_is_posted_if_asked_for(endpoint) -> None:
    sink = WebhookSink(parse_webhook(endpoint.url + ",every=window"))
    for k, genre in enumerate(GENRES):
        sink.write(window(k, genre))
    sink.write(FileRecord("a.mp3", 15.0, 5, "jazz", 0.8, {}))
    assert [b["start"] for b in endpoint.bodies()] == [0, 3, 6, 9, 12]


def test_it_is_signed_and_carries_a_token(endpoint, tmp_path) -> None:
    (tmp_path / "secret").write_text("key of mine\n")
    (tmp_path / "token").write_text("abc\n")
    text = f"{endpoint.url},secret-file={tmp_path / 'secret'},token-file={tmp_path / 'token'}"
    text += ",header=X-Room: kitchen"
    WebhookSink(parse_webhook(text)).write(window(0))
    ((headers, body),) = endpoint.requests
    assert (
        headers["X-Signature-256"]
        == "sha256=" + hmac.new(b"key of mine", body, hashlib.sha256).hexdigest()
    )
    assert headers["Authorization"] == "Bearer abc"
    assert headers["X-Room"] == "kitchen"


@pytest.mark.parametrize("secret", ["key of mine", "whsec_a2V5IG9mIG1pbmU="])
def test_the_signature_is_that_of_standard_webhooks(endpoint, tmp_path, secret: str) -> None:
    (tmp_path / "secret").write_text(secret)
    endpoint.answers = [503, 204]
    sink = WebhookSink(
        parse_webhook(f"{endpoint.url},secret-file={tmp_path / 'secret'}"), lambda _: None
    )
    sink.write(window(0))
    first, second = endpoint.requests
    assert first[0]["Webhook-Id"] == second[0]["Webhook-Id"], "an endpoint knows it again"
    standard = Webhook(base64.b64encode(b"key of mine").decode())
    for headers, body in endpoint.requests:
        assert (
            standard.verify(body, {k.lower(): v for k, v in headers.items()}) == window(0).to_json()
        )
    with pytest.raises(WebhookVerificationError):
        standard.verify(body + b" ", {k.lower(): v for k, v in headers.items()})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(endpoint, tmp_path, status: int) -> None:
    other = Endpoint()
    (tmp_path / "token").write_text("abc")
    endpoint.answers, endpoint.location = [status], f"{other.url}/new?key=1"
    sink = WebhookSink(parse_webhook(f"{endpoint.url},token-file={tmp_path / 'token'}"))
    with pytest.raises(GenreEdgeError) as error:
        sink.write(window(0))
    other.close()
    assert not other.requests, "neither the record nor the token went there"
    host = other.url.removesuffix("/hook")
    assert f"HTTP {status}: the address is now {host}/***; nothing was sent" in str(error.value)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://HOST/T0/key", "https://HOST/***"),
        ("/T0/key", "http://HOST/***"),
        ("//user:key@HOST?key#key", "http://HOST/***"),
        ("https://\x1bc" + 1000 * "x", "https://\\x1bcxxx"),
        ("https://[key", "none that can be read"),
    ],
)
def test_a_redirect_is_told_without_what_may_be_secret(endpoint, location, shown) -> None:
    host = endpoint.url.removeprefix("http://").removesuffix("/hook")
    endpoint.answers, endpoint.location = [301], location.replace("HOST", host)
    with pytest.raises(GenreEdgeError) as error:
        WebhookSink(parse_webhook(endpoint.url)).write(window(0))
    told = str(error.value)
    assert f"the address is now {shown.replace('HOST', host)}" in told
    assert "key" not in told
    assert told.isprintable()
    assert len(told) < 400


@pytest.mark.parametrize("line", [b"HTTP/1.1 \x1b[31mred", b"A" * 60_000, b""])
def test_what_a_server_says_is_not_quoted(line: bytes) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with server.accept()[0] as wire:
            wire.recv(65_536)
            wire.sendall(line + b"\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"http://127.0.0.1:{server.getsockname()[1]},retries=0"
    with pytest.raises(StillWaiting, match=r"the answer is no HTTP \(BadStatusLine\)$"):
        WebhookSink(parse_webhook(url)).write(window(0))
    thread.join()
    server.close()


def test_a_label_that_could_not_be_delivered_is_delivered_later(endpoint) -> None:
    now, health = [0.0], SinkHealth("webhook")
    config = parse_webhook(f"{endpoint.url},retries=0")
    sink = WebhookSink(config, lambda _: None, health, lambda: now[0])
    assert sink.write(window(0)) == 1
    endpoint.answers = [503, 503]
    with pytest.raises(StillWaiting):
        sink.write(window(1, "rock"))
    assert sink.write(window(2, "rock")) == 0, "not yet time to try again"
    now[0] += 31
    with pytest.raises(StillWaiting):
        sink.write(window(3, "rock"))
    now[0] += 31
    assert sink.write(window(4, "rock")) == 0, "pauses grow"
    now[0] += 31
    assert sink.write(window(5, "rock")) == 1
    assert endpoint.bodies()[-1] == window(1, "rock").to_json(), "when the label changed"
    assert sink.write(window(6, "rock")) == 0
    assert health.dropped == 0


def test_a_label_that_waits_is_tried_again_while_no_window_comes(endpoint) -> None:
    """As while the microphone is lost."""
    now = [0.0]
    config = parse_webhook(f"{endpoint.url},retries=0")
    sink = WebhookSink(config, lambda _: None, None, lambda: now[0])
    assert sink.tend() == 0
    endpoint.answers = [503]
    with pytest.raises(StillWaiting):
        sink.write(window(0))
    assert sink.tend() == 0, "not yet time"
    now[0] += 31
    assert (sink.tend(), sink.tend()) == (1, 0)
    assert [body["start"] for body in endpoint.bodies()] == [0, 0]


def test_a_newer_label_replaces_one_that_waits_and_that_is_counted(endpoint) -> None:
    health = SinkHealth("webhook")
    sink = WebhookSink(parse_webhook(f"{endpoint.url},retries=0"), lambda _: None, health)
    endpoint.answers = [503]
    with pytest.raises(StillWaiting):
        sink.write(window(0, "rock"))
    assert sink.write(window(1, "jazz")) == 1
    assert health.dropped == 1
    endpoint.answers = [503, 204]
    with pytest.raises(StillWaiting):
        sink.write(window(2, "rock"))
    assert sink.close() == 1, "one more attempt at the end"


_TLS_RECORD = b"\x16\x03\x03\x40\x00"
"""What a record of TLS's handshake begins with; it says that 16384 bytes follow."""


@contextlib.contextmanager
def dripping(scheme: str, certificate: Path | None = None, begins: bytes = b"") -> Iterator[str]:
    """A server that sends a byte now and then, after what its answer begins with; its
    address."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        wire = server.accept()[0]
        with contextlib.suppress(OSError):
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                wire = context.wrap_socket(wire, server_side=True)
            elif scheme == "https":
                wire.sendall(_TLS_RECORD)
            wire.sendall(begins)
            while not ended.wait(0.05):
                wire.sendall(b"x")
        wire.close()

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"{scheme}://localhost:{server.getsockname()[1]}/"
    ended.set()
    thread.join()
    server.close()


def refused_for_its_time(url: str) -> None:
    with pytest.raises(GenreEdgeError, match=r"no answer within 0\.5 s"):
        WebhookSink(parse_webhook(f"{url},timeout=0.5,retries=0")).write(window(0))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_whole_exchange_has_a_deadline(scheme: str) -> None:
    """A server that sends a byte now and then holds nobody up, in the handshake of TLS
    neither."""
    with dripping(scheme) as url:
        refused_for_its_time(url)


@pytest.mark.parametrize("status", [200, 302, 404])
def test_headers_without_an_end_are_no_answer(status: int) -> None:
    head = f"HTTP/1.1 {status} so far\r\nX-Slow: "
    with dripping("http", begins=head.encode()) as url:
        refused_for_its_time(url)


def test_the_deadline_holds_within_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    texts = [(tmp_path / name).read_text() for name in ("key.pem", "cert.pem")]
    certificate.write_text("".join(texts))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with dripping("https", certificate) as url:
        refused_for_its_time(url)


def test_a_name_server_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over, waited_to_the_end = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        if not over.wait(30):
            waited_to_the_end.set()
        raise OSError("no name server")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    refused_for_its_time("http://example.org/")
    assert not waited_to_the_end.is_set()
    over.set()


def test_the_addresses_of_a_host_are_tried_within_one_deadline(
    monkeypatch: pytest.MonkeyPatch, endpoint
) -> None:
    """The first of them refuses."""
    real = socket.getaddrinfo("127.0.0.1", int(endpoint.url.split(":")[2].split("/")[0]))[0]
    refused = (*real[:4], ("127.0.0.1", free_port()))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [refused, real])
    assert WebhookSink(parse_webhook(endpoint.url)).write(window(0)) == 1


@pytest.mark.parametrize("held_by", ["its change", "a later window", "the end"])
def test_a_message_that_hangs_at_the_end_is_counted(held_by: str) -> None:
    """The server accepts, and says nothing; once before that it is not there."""
    port, now, entry = free_port(), [0.0], SinkHealth("webhook")
    config = parse_webhook(f"http://127.0.0.1:{port},timeout=60,retries=0")
    sink = BackgroundSink(WebhookSink(config, health=entry, clock=lambda: now[0]), entry)
    sink.start()
    if held_by != "its change":
        sink.write(window(0))
        wait_for(lambda: entry.failures == 1, "its first attempt")
        now[0] = 1000.0
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(60)
        if held_by != "the end":
            sink.write(window(1))
            wire, _ = server.accept()
            sink.close(within=0.01)
        else:
            sink.close(within=2.0)
            wire, _ = server.accept()
        assert (entry.written, entry.dropped) == (0, 1)
        assert "did not finish" in entry.trouble
        wire.close()


def test_a_template_makes_the_body(endpoint) -> None:
    WebhookSink(
        parse_webhook(endpoint.url + ",template=now: {label}, {confidence:.0%} in {file}")
    ).write(window(0))
    assert endpoint.requests[0][1] == b"now: jazz, 80% in a.mp3"
    with pytest.raises(GenreEdgeError, match="no such field"):
        WebhookSink(parse_webhook(endpoint.url + ",template={mood}")).write(window(0))


def test_temporary_errors_are_tried_again_with_growing_pauses(endpoint) -> None:
    pauses: list[float] = []
    endpoint.answers = [503, 429, 500]
    WebhookSink(parse_webhook(endpoint.url), pauses.append).write(window(0))
    assert len(endpoint.requests) == 4
    assert len(pauses) == 3
    for pause, mean in zip(pauses, (0.5, 1.0, 2.0), strict=True):
        assert 0.5 * mean <= pause <= 1.5 * mean


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_retries_are_counted(endpoint, retries: int) -> None:
    endpoint.answers = [503] * 10
    sink = WebhookSink(parse_webhook(f"{endpoint.url},retries={retries}"), lambda _: None)
    with pytest.raises(GenreEdgeError, match=r"webhook 127\.0\.0\.1: HTTP 503"):
        sink.write(window(0))
    assert len(endpoint.requests) == 1 + retries


def test_there_is_no_attempt_after_a_success(endpoint) -> None:
    pauses: list[float] = []
    endpoint.answers = [503, 204]
    WebhookSink(parse_webhook(endpoint.url), pauses.append).write(window(0))
    assert (len(endpoint.requests), len(pauses)) == (2, 1)


def test_final_errors_are_not(endpoint) -> None:
    endpoint.answers = [403]
    with pytest.raises(GenreEdgeError, match=r"webhook 127.0.0.1: HTTP 403"):
        WebhookSink(parse_webhook(endpoint.url), lambda _: None).write(window(0))
    assert len(endpoint.requests) == 1


def test_a_host_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(GenreEdgeError, match=r"webhook 127.0.0.1: .*refused"):
        WebhookSink(parse_webhook(f"{url},retries=1"), lambda _: None).write(window(0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ftp://x", "must begin with http"),
        ("http://", "name a host"),
        ("http://x,every=hour", "must be change or window"),
        ("http://x,timeout=0", "must be "),
        ("http://x,timeout=inf", "must be between"),
        ("http://x,retries=some", "must be a whole number"),
        ("http://x,token-file=/nowhere", "No such file"),
        ("http://user:key@x", "are not sent"),
        ("http://x/a key", r"^--webhook: url http://x/\*\*\*: blanks and letters beyond ASCII"),
        ("http://x/kéy", r"^--webhook: url http://x/\*\*\*: blanks and letters beyond ASCII"),
        ("x.org/key", r"^--webhook: url x.org/\*\*\*: must begin with http"),
        ("http://x,header=X-Key:a\nkey", "^--webhook: header X-Key: its value must be one line"),
        ("http://x,header=X-Key:€", "^--webhook: header X-Key: its value must be one line"),
        ("http://x,header=Bearer key", "^--webhook: a header's name has letters"),
        ("http://x,colour=red", "is none of every="),
        ("http://x,template={a.b}", "must be the name of a field"),
        ("http://x,template={a[0]}", "must be the name of a field"),
        ("http://x,template={label:{label.__class__}}", "a format has no field in it"),
        ("http://x,template={label:>2000000000}", "no number above 999"),
        ("http://x,template={", "template:"),
    ],
)
def test_a_wrong_webhook_is_one_clear_error(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("{", "\\{")):
        parse_webhook(text)


@pytest.mark.parametrize("token", ["key one\nkey two", "key\x00", "kéy€"])
def test_a_token_that_fits_into_no_header_is_refused_unread(tmp_path, token: str) -> None:
    path = tmp_path / "token"
    path.write_text(token)
    with pytest.raises(UsageError) as error:
        parse_webhook(f"http://x,token-file={path}")
    assert str(error.value).startswith(f"--webhook: {path}: ")
    assert "key" not in str(error.value).removeprefix(f"--webhook: {path}")


def test_a_host_whose_name_is_none_is_told() -> None:
    with pytest.raises(GenreEdgeError, match="no such name"):
        WebhookSink(parse_webhook(f"http://{'x' * 64}.org,retries=0")).write(window(0))


def test_classify_posts_and_reports_what_it_could_not(demo_clip, endpoint, cli) -> None:
    done = cli(
        "classify", demo_clip, "--format", "json", "--webhook", endpoint.url + ",every=window"
    )
    assert done.returncode == 0, done.stderr
    windows = [r for r in map(json.loads, done.stdout.splitlines()) if r["type"] == "window"]
    assert endpoint.bodies() == windows
    endpoint.answers = [404] * 50
    done = cli("classify", demo_clip, "--webhook", endpoint.url)
    assert done.returncode == 1
    assert "works again" not in done.stderr, "nothing was delivered"
    assert re.search(r"[1-9] records dropped", done.stderr)
    assert "HTTP 404" in done.stderr
    assert done.stdout, "the terminal has its lines all the same"
