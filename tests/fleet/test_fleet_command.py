"""genre-edge fleet: who is there, and what a device heard."""

from __future__ import annotations

import json
import time

import pytest
from genre_edge.cli import main
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.writing import write

from tests.helpers.fleet import health_payload, incoming, stretch_payload


@pytest.fixture
def fleet(store, url):
    """A database in which three devices have been: one well, one dead, one gone."""
    now = time.time()
    messages = [
        incoming("bar/health", health_payload(now), now - 5),
        incoming("bar/status", b"online", now - 5),
        *(incoming("bar/stretch", stretch_payload(k, now - 600 + 30 * k), now) for k in range(3)),
        incoming("bar/stretch", stretch_payload(9, now - 200, label="rock \x1b[2J"), now),
        incoming("cellar/health", health_payload(now - 900, state="dead"), now - 1000),
        incoming("shop/health", health_payload(now - 9000), now - 9000),
        incoming("shop/status", b"offline", now - 9000),
    ]
    write(store, sort_out(messages, "music", Believed(), now), now)
    return url


def test_every_device_is_listed_with_what_is_wrong(fleet, capsys) -> None:
    assert main(["fleet", fleet]) == 0
    header, bar, cellar, shop, total = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["DEVICE", "IS", "SEEN", "HEARS"]
    assert bar.split()[:2] == ["bar", "online"]
    assert "\x1b" not in bar
    assert "0.2.0" in bar
    assert cellar.split()[:2] == ["cellar", "silent"]
    assert cellar.endswith("  microphone dead; clock 100 s ahead")
    assert shop.split()[:4] == ["shop", "offline", "2", "h"]
    assert total == "3 devices: 1 online, 1 silent, 1 offline; 1 with trouble"
    assert main(["fleet", fleet, "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["presence"] for row in rows] == ["online", "silent", "offline"]
    assert all(row["last_seen"].endswith("Z") for row in rows)


def test_one_device_has_a_history(fleet, capsys) -> None:
    assert main(["fleet", fleet, "bar", "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [row["type"] for row in rows]
    assert kinds == ["device"] + ["change"] * 5 + ["stretch"] * 4
    assert [row["label"] for row in rows[-4:]] == ["jazz", "jazz", "jazz", "rock \x1b[2J"]
    assert main(["fleet", fleet, "bar"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "jazz           0:01:30" in shown
    assert "online: yes" in shown
    assert main(["fleet", fleet, "bar", "--since", "1m"]) == 0
    assert "jazz  " not in capsys.readouterr().out.partition("\nheard")[2]


def test_what_cannot_be_shown_is_said_in_one_line(fleet, tmp_path, capsys) -> None:
    assert main(["fleet", fleet, "nobody"]) == 2
    assert "nobody: no such device" in capsys.readouterr().err
    assert main(["fleet", f"sqlite:///{tmp_path}/none.db"]) == 1
    assert "no such file (genre-edge collect makes it)" in capsys.readouterr().err
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at" * 90)
    assert main(["fleet", f"sqlite:///{tmp_path}/text.db"]) == 1
    assert "is no database of genre-edge collect" in capsys.readouterr().err
    assert main(["fleet", "postgresql://me@127.0.0.1:1/none"]) in (1, 2)
    assert len(capsys.readouterr().err.splitlines()) == 1
