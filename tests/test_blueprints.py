"""The automations for Home Assistant in docs/: their inputs, and what their templates
say for every label and state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from genre_edge.model.bundle import find_model, read_bundle
from jinja2.nativetypes import NativeEnvironment

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parent.parent / "docs" / "home-assistant"
BLUEPRINTS = ("scene_by_genre", "announce_genre")
GENRES = read_bundle(find_model("gtzan-edge.int8")).info.labels
NO_GENRE = ("silence", "uncertain", "unavailable", "unknown")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Input(str):
    """The name of an input, where a blueprint uses it."""


class Loader(yaml.SafeLoader):
    """Reads `!input NAME` too."""


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


def read(name: str) -> dict[str, Any]:
    return yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader)


def used(part: object) -> set[str]:
    """Names of the inputs that a part uses."""
    if isinstance(part, Input):
        return {str(part)}
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return set().union(*(used(one) for one in parts))


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_every_input_is_declared_and_used(name: str) -> None:
    blueprint = read(name)
    inputs = blueprint["blueprint"]["input"]
    assert blueprint["blueprint"]["domain"] == "automation"
    assert used(blueprint) == inputs.keys()
    assert all({"name", "selector"} <= described.keys() for described in inputs.values())
    assert blueprint.keys() == {
        "blueprint", "mode", "triggers", "variables", "conditions", "actions"
    }  # fmt: skip


def runs(name: str, heard: str, last: datetime | None = None, **inputs: Any) -> dict[str, Any]:
    """What the variables of a blueprint are when `heard` has lasted; empty if its
    conditions do not hold."""
    blueprint = read(name)
    given = {
        key: inputs.get(key, described.get("default"))
        for key, described in blueprint["blueprint"]["input"].items()
    }
    values: dict[str, Any] = {
        "trigger": SimpleNamespace(to_state=SimpleNamespace(state=heard)),
        "this": SimpleNamespace(attributes=SimpleNamespace(last_triggered=last)),
        "now": lambda: NOW,
    }
    environment = NativeEnvironment(undefined=jinja2.StrictUndefined)
    for key, value in blueprint["variables"].items():
        filled = given[value] if isinstance(value, Input) else value
        is_template = isinstance(filled, str) and "{{" in filled
        values[key] = environment.from_string(filled).render(values) if is_template else filled
    for condition in blueprint["conditions"]:
        if environment.from_string(condition["value_template"]).render(values) is not True:
            return {}
    return values


@pytest.mark.parametrize("heard", [*GENRES, *NO_GENRE])
def test_a_scene_is_turned_on_for_the_genres_that_have_one(heard: str) -> None:
    scenes = {"jazz": "scene.evening", "metal": "scene.red"}
    found = runs("scene_by_genre", heard, scenes=scenes)
    assert found.get("scene") == scenes.get(heard), "none in silence, without a scene for it"
    quiet = runs("scene_by_genre", heard, scenes=scenes, quiet="scene.off")
    expected = "scene.off" if heard == "silence" else scenes.get(heard)
    assert quiet.get("scene") == expected


@pytest.mark.parametrize("heard", [*GENRES, *NO_GENRE])
def test_a_new_genre_is_announced_and_nothing_else(heard: str) -> None:
    expected = f"Now playing: {heard}" if heard in GENRES else None
    assert runs("announce_genre", heard).get("sentence") == expected


def test_announcements_keep_their_distance() -> None:
    for minutes, is_made in ((4, False), (5, True)):
        found = runs("announce_genre", "jazz", last=NOW - timedelta(minutes=minutes))
        assert bool(found) is is_made


def test_the_dashboard_names_the_entities_that_there_are(tmp_path) -> None:
    from tests.sinks.test_home_assistant import entities

    known = {
        entity["default_entity_id"].replace("music_shelf", "genre_edge_kitchen")
        for entity in entities().values()
    }
    text = (FOLDER / "dashboard.yaml").read_text()
    named = {word.strip("',\"") for word in text.replace("(", " ").split() if "genre_edge_" in word}
    assert named <= known
    (content,) = (card["content"] for card in yaml.safe_load(text)["cards"] if "content" in card)
    environment = jinja2.Environment()
    scores = {"jazz": 0.7, "rock": 0.2, "pop": 0.08, "metal": 0.02}
    shown = environment.from_string(content).render(state_attr=lambda entity, name: scores)
    assert shown.split() == ["jazz", "70", "%", "rock", "20", "%", "pop", "8", "%"]
    assert not environment.from_string(content).render(state_attr=lambda *_: None).split()
