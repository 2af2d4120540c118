"""The description of the API says what its answers say: nothing less, nothing more."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import typing
from dataclasses import MISSING, Field, asdict, fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import requests
from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.records import FileRecord, GapRecord, LiveRecord, StateRecord, WindowRecord
from genre_edge.settings.tables import WebConfig
from genre_edge.sinks.history_report import HeardStretch, LabelTime
from genre_edge.web import problems
from genre_edge.web.app import create_app
from genre_edge.web.hub import Hub
from genre_edge.web.openapi import document
from genre_edge.web.schemas import SCHEMAS

from tests.helpers.waiting import BACKSTOP_SECONDS
from tests.web.conftest import client_of, service_state
from tests.web.test_hub import events_in, window

Json = dict[str, Any]
ANY_LABEL = "a label"
"""The key of the maps in the examples: their keys are not names of properties."""


# --- records against schemas, in both directions


def examples(cls: type) -> list[Any]:
    """Instances of a dataclass: with a value in every field, with None in each that may
    have it, and with the defaults."""
    value = {str: "text", float: 0.5, int: 7, bool: True, dict[str, float]: {ANY_LABEL: 0.5}}
    full: Json = {}
    empty: Json = {}
    hints = typing.get_type_hints(cls)
    for field in fields(cls):
        hint = hints[field.name]
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        (kind,) = (kind for kind in kinds if kind is not type(None))
        if typing.is_typeddict(kind):
            full[field.name] = dict.fromkeys(kind.__annotations__, 0.5)
            empty[field.name] = dict.fromkeys(kind.__annotations__)
            continue
        full[field.name] = value[kind]
        empty[field.name] = None if type(None) in kinds else value[kind]
    least = {field.name for field in fields(cls) if has_no_default(field)}
    return [cls(**full), cls(**empty), cls(**{name: full[name] for name in least})]


def has_no_default(field: Field[Any]) -> bool:
    return field.default is field.default_factory is MISSING


def shape_of(values: list[Any]) -> Json:
    """The JSON schema of these values: of all of them, and of no others."""
    names = {
        str: "string",
        float: "number",
        int: "integer",
        dict: "object",
        list: "array",
        type(None): "null",
    }
    kinds = sorted({names[type(value)] for value in values})
    shape: Json = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if objects := [value for value in values if isinstance(value, dict)]:
        keys = {key: None for value in objects for key in value}
        parts = {key: shape_of([v[key] for v in objects if key in v]) for key in keys}
        if [*keys] == [ANY_LABEL]:
            return {**shape, "additionalProperties": parts[ANY_LABEL]}
        if "type" in keys:  # names the record, always the same
            (name,) = {value["type"] for value in objects}
            parts["type"] = {"const": name}
        always = [key for key in keys if all(key in value for value in objects)]
        return {**shape, "required": sorted(always), "properties": parts}
    if arrays := [value for value in values if isinstance(value, list)]:
        return {**shape, "items": shape_of([item for value in arrays for item in value])}
    return shape


def bare(schema: Json) -> Json:
    """A declared schema without words, limits and references."""
    if "$ref" in schema:
        return bare(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    kept = {key: schema[key] for key in ("type", "const") if key in schema}
    if isinstance(schema.get("type"), list):
        kept["type"] = sorted(schema["type"])
    if "properties" in schema:
        kept["required"] = sorted(schema["required"])
        kept["properties"] = {name: bare(part) for name, part in schema["properties"].items()}
    for key in ("additionalProperties", "items"):
        if key in schema:
            kept[key] = bare(schema[key])
    return kept


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("FileWindow", WindowRecord),
        ("Verdict", FileRecord),
        ("LiveWindow", LiveRecord),
        ("State", StateRecord),
        ("Gap", GapRecord),
    ],
)
def test_a_record_and_its_schema_have_the_same_keys_and_types(name: str, record: type) -> None:
    assert shape_of([one.to_json() for one in examples(record)]) == bare(SCHEMAS[name])


@pytest.mark.parametrize(
    ("name", "row"), [("LabelTime", LabelTime), ("Stretch", HeardStretch), ("Sink", SinkHealth)]
)
def test_a_row_and_its_schema_have_the_same_keys_and_types(name: str, row: type) -> None:
    assert shape_of([asdict(one) for one in examples(row)]) == bare(SCHEMAS[name])


def test_live_events_and_their_schemas_have_the_same_keys_and_types() -> None:
    recent, sinks, models = [], [], []
    for name in ("", "kitchen"):
        source = SourceHealth(name, dropped_seconds=1.5)
        hub = Hub(Health([source], [SinkHealth("history")]), 1)
        hub.model(BundleInfo("m", ("jazz",), FrontendSpec()))
        hub.write(window(0.0, source=name))
        hub.write(replace(window(3.0, source=name), confidence=None))
        data = dict(events_in(next(hub.watch())))
        recent += data["recent"]
        sinks.append(data["sinks"])
        models.append(data["model"])
    assert shape_of(recent) == bare(SCHEMAS["RecentWindow"])
    assert shape_of(sinks) == bare(SCHEMAS["Sinks"])
    assert shape_of(models) == bare(SCHEMAS["HearingModel"])


def test_an_error_and_its_schema_have_the_same_keys_and_types() -> None:
    assert shape_of([json.loads(problems.body(422, "what to do"))]) == bare(SCHEMAS["Problem"])


# --- answers against schemas


def assert_valid(answer: Any, name: str) -> None:
    """Validate against a schema; what it does not declare is an error too."""
    strict = {**SCHEMAS[name], "additionalProperties": False, "components": {"schemas": SCHEMAS}}
    jsonschema.validate(answer, strict)


def test_the_answer_about_a_window_is_as_declared(tmp_path: Path) -> None:
    samples = np.zeros(3 * 22_050, "<f4").tobytes()
    answer = client_of(WebConfig(), tmp_path).post("/api/window?rate=22050", data=samples)
    assert answer.status_code == 200
    assert_valid(answer.json, "Window")


@pytest.mark.parametrize(("state", "status"), [("listening", 200), ("lost", 503)])
def test_the_answer_about_health_is_as_declared(tmp_path: Path, state: str, status: int) -> None:
    answer = client_of(WebConfig(), tmp_path, Health([SourceHealth(state=state)])).get("/healthz")
    assert answer.status_code == status
    assert_valid(answer.json, "Health")


def test_answers_about_sources_are_as_declared(tmp_path: Path) -> None:
    health = Health([SourceHealth("kitchen", "listening"), SourceHealth("radio", "lost")])
    client = client_of(WebConfig(), tmp_path, health)
    for one in client.get("/api/sources").json:
        assert_valid(one, "Source")
    answer = client.get("/healthz")
    assert_valid(answer.json, "Health")
    assert answer.json["sources"] == {"kitchen": "listening", "radio": "lost"}
    assert answer.status_code == 200, "one that is lost is no reason to restart the others"


# --- the document as a whole


def test_every_path_of_the_document_is_served_and_every_path_of_the_api_is_in_it(
    tmp_path: Path,
) -> None:
    app = create_app(service_state(WebConfig(), tmp_path))
    served = {rule.rule for rule in app.url_map.iter_rules()}
    of_the_page = {"/", "/sw.js", "/static/<path:name>", "/vendor/<path:name>", "/api/demo.flac"}
    of_the_page |= {"/api/session", "/api/openapi.json"}
    assert served - of_the_page == set(document(False)["paths"])


def test_the_document_asks_for_the_token_where_the_service_does() -> None:
    assert document(True)["security"] == [{"token": []}]
    assert "security" not in document(False)


def test_answers_to_all_that_the_document_allows_and_forbids_are_as_it_says(
    server, tmp_path: Path
) -> None:
    """Schemathesis sends requests of all kinds and looks at every answer."""
    program = Path(sys.executable).parent / "schemathesis"
    command = [str(program), "run", f"{server.url}/api/openapi.json", "--no-color"]
    command += ["--max-examples", "15", "--seed", "1"]
    # No schema can say which bytes are audio.
    command += ["--exclude-checks", "positive_data_acceptance"]
    # The service would start again, and listen; a level is followed without end.
    command += ["--exclude-path-regex", "^/api/(start|microphones)"]
    # An answer takes as long as it takes on a machine that is busy.
    command += ["--request-timeout", str(BACKSTOP_SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
    assert requests.get(f"{server.url}/healthz").status_code == 200
    print(next(line for line in done.stdout.splitlines() if "generated" in line))
