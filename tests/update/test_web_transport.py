"""A web server may be anybody's: a device fetches no more than was signed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from genre_edge.errors import UpdateError
from genre_edge.statement import MOST_BYTES, BundleOffer
from genre_edge.update.transport import Away
from genre_edge.update.web_transport import WebTransport

from tests.helpers.updates import moving


def offer(where: str, size: int = 5) -> BundleOffer:
    return BundleOffer("mine", hashlib.sha256(b"bytes").hexdigest(), size, where)


def test_a_statement_is_looked_at_once_until_it_changes(address: str, folder: Path) -> None:
    transport = WebTransport(address.rstrip("/"), 0.0)
    assert transport.look(0.0) == []
    (folder / "model.signed").write_bytes(b"one")
    assert transport.look(0.0) == [b"one"]
    assert transport.look(0.0) == []
    (folder / "model.signed").write_bytes(b"two")
    (folder / "settings.signed").write_bytes(b"three")
    assert transport.look(0.0) == [b"two", b"three"]


def test_no_more_is_fetched_than_was_signed(address: str, folder: Path, tmp_path: Path) -> None:
    transport = WebTransport(address, 0.0)
    (folder / "a.tflite").write_bytes(b"bytes and more")
    target = tmp_path / "part"
    with pytest.raises(Away, match="has more than 5 bytes"):
        transport.fetch(offer("a.tflite"), target)
    assert target.stat().st_size <= 5
    (folder / "model.signed").write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(Away, match=f"has more than {MOST_BYTES} bytes"):
        transport.look(0.0)


def test_what_is_not_there_may_come(address: str, tmp_path: Path) -> None:
    with pytest.raises(Away, match=r"a\.tflite: is not there"):
        WebTransport(address, 0.0).fetch(offer("a.tflite"), tmp_path / "part")
    with pytest.raises(Away, match="refused"):
        WebTransport("http://127.0.0.1:1/", 0.0).look(0.0)


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://["])
def test_a_bundle_comes_from_a_web_server_alone(address: str, tmp_path: Path, where: str) -> None:
    with pytest.raises(UpdateError, match="the model's place is no address"):
        WebTransport(address, 0.0).fetch(offer(where), tmp_path / "part")


def test_https_never_leads_to_http(address: str, tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="no address as safe as that of the statement"):
        WebTransport("https://127.0.0.1/", 0.0).fetch(offer(f"{address}a"), tmp_path / "part")


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/a", "file:///etc/passwd"])
def test_a_server_leads_to_no_other_place(place: str) -> None:
    with moving(place) as url, pytest.raises(Away, match=r"302|not as safe"):
        WebTransport(url, 0.0).look(0.0)


def test_a_server_may_lead_to_another(address: str, folder: Path) -> None:
    (folder / "model.signed").write_bytes(b"one")
    with moving(f"{address}model.signed") as url:
        assert WebTransport(url, 0.0).look(0.0) == [b"one", b"one"]
