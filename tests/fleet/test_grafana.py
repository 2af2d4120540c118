"""The dashboards for Grafana: their queries are asked of a real PostgreSQL, and their
metrics are those of the service."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from genre_edge import colours
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.writing import write
from genre_edge.web import metrics

from tests.helpers.fleet import health_payload, incoming, stretch_payload

FOLDER = Path(__file__).parents[2] / "docs" / "grafana"
NOW = time.time()


def dashboard(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def targets(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(panel, one) for panel in dashboard(name)["panels"] for one in panel["targets"]]


def as_sent(sql: str) -> str:
    """A query as Grafana sends it: its macros and its variable are replaced."""
    when = "BETWEEN now() - interval '1 day' AND now() + interval '1 minute'"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 {when}", sql)
    sql = re.sub(
        r"\$__timeGroupAlias\((\w+), '1h'\)",
        r'floor(extract(epoch from \1)/3600)*3600 AS "time"',
        sql,
    )
    sql = sql.replace("$device", "'kitchen','shop'")
    assert "$" not in sql
    return sql


@pytest.mark.devices
def test_every_query_has_an_answer_for_whom_may_only_read(owned, url_as) -> None:
    messages = [
        incoming("kitchen/stretch", stretch_payload(1, NOW - 60), NOW),
        incoming("kitchen/health", health_payload(NOW, state="dead"), NOW),
        incoming("kitchen/status", b"online", NOW),
        incoming("shop/stretch", b"damaged", NOW),
    ]
    write(owned, sort_out(messages, "music", Believed(), NOW), NOW)
    viewer = store_at(parse_address(url_as("viewer")))
    viewer.open()
    (variable,) = dashboard("fleet")["templating"]["list"]
    assert viewer.run(variable["query"]) == [("kitchen",)]
    for panel, target in targets("fleet"):
        rows = viewer.run(as_sent(target["rawSql"]))
        assert rows, panel["title"]
        if target["format"] == "time_series":
            assert len(rows[0]) == 3, "time, metric, value"
    viewer.close()


def test_every_metric_is_one_of_the_service() -> None:
    told = set(re.findall(r"\"(\w+)\"", Path(metrics.__file__).read_text()))
    told |= {f"sink_{name}_total" for name in told}
    asked = {
        name
        for _, target in targets("programs")
        for name in re.findall(r"genre_edge_(\w+)", target["expr"])
    }
    assert asked
    assert asked <= told


def test_labels_have_the_colours_of_the_page() -> None:
    timeline = next(p for p in dashboard("fleet")["panels"] if p["type"] == "state-timeline")
    (mapping,) = timeline["fieldConfig"]["defaults"]["mappings"]
    shown = {label: one["color"] for label, one in mapping["options"].items()}
    assert shown == colours.COLOURS


@pytest.mark.parametrize("name", ["fleet", "programs"])
def test_no_panel_covers_another(name: str) -> None:
    taken = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
