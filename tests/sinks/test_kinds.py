"""One list names the kinds of sinks; everything that the program offers for a kind
follows from it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from genre_edge.commands.sink_options import add_output_options, output_flags
from genre_edge.errors import UsageError
from genre_edge.health import Health
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.records import Record, WindowRecord
from genre_edge.service.outputs import Outputs
from genre_edge.settings.load import load
from genre_edge.settings.options import add_flags, check, given, option
from genre_edge.settings.section import Section
from genre_edge.settings.settings import Settings
from genre_edge.settings.text import commented, effective
from genre_edge.sinks import kinds
from genre_edge.sinks.kind import PlannedSink, SinkContext, SinkKind
from genre_edge.sinks.sink import CLOSE_SECONDS


@dataclass(frozen=True)
class LampConfig:
    """A made-up sink."""

    name: str = option("", "name of the lamp", "--lamp", "NAME")
    glow: float = option(0.5, "how bright", low=0, high=1)

    def __post_init__(self) -> None:
        check(self)
        if self.name == "dark" and self.glow:
            raise UsageError("a dark lamp cannot glow")


@dataclass
class Lamp:
    config: LampConfig
    context: SinkContext
    records: list[Record] = field(default_factory=list)
    closed_within: float | None = None

    def start(self) -> None:
        pass

    def write(self, record: Record) -> None:
        self.records.append(record)

    def close(self, within: float = CLOSE_SECONDS) -> None:
        self.closed_within = within


def check_lamp(config: LampConfig) -> None:
    if config.name == "broken":
        raise UsageError("that lamp is broken")


SECTION = Section(
    "lamp",
    LampConfig,
    "A lamp",
    examples={"name": "kitchen"},
    check=check_lamp,
    check_key="name",
)
LAMPS: list[Lamp] = []


def plan(config: LampConfig) -> PlannedSink | None:
    def make(context: SinkContext) -> Lamp:
        LAMPS.append(Lamp(config, context))
        return LAMPS[-1]

    return PlannedSink(f"lamp {config.name}", config, make) if config.name else None


KIND = SinkKind(
    SECTION,
    lambda group: add_flags(group, "lamp", LampConfig),
    lambda args: given(args, "lamp"),
    plan,
)


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, KIND))
    LAMPS.clear()


def loaded(folder: Path, text: str = "", **values: Any) -> Settings:
    file = folder / "c.toml"
    file.write_text(text)
    return load(kinds.sections(), file, values.pop("environment", {}), **values)[0]


def test_a_kind_has_a_table_variables_and_flags(tmp_path: Path) -> None:
    assert loaded(tmp_path).of(SECTION) == LampConfig()
    assert loaded(tmp_path, "[lamp]\nglow = 1").of(SECTION).glow == 1.0
    environment = {"GENRE_EDGE_LAMP_NAME": "hall"}
    assert loaded(tmp_path, environment=environment).of(SECTION).name == "hall"
    parser = argparse.ArgumentParser()
    add_output_options(parser)
    flags = output_flags(parser.parse_args(["--lamp", "attic"]))
    assert flags == {"lamp": {"name": "attic"}}
    assert loaded(tmp_path, environment=environment, flags=flags).of(SECTION).name == "attic"


def test_a_kind_is_in_the_commented_file_and_among_what_is_shown(tmp_path: Path) -> None:
    text = commented(kinds.sections())
    assert '# A lamp\n[lamp]\n# name of the lamp\n# name = "kitchen"\n' in text
    settings = loaded(tmp_path, '[lamp]\nname = "hall"')
    shown = tomllib.loads(effective(kinds.sections(), settings, {}))
    assert shown["lamp"] == {"name": "hall", "glow": 0.5}


def test_values_that_do_not_go_together_are_a_fault_among_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, '[lamp]\nname = "dark"\n[on_change]\ncommand = "nonesuch"')
    assert set(str(error.value).splitlines()) == {
        "lamp: a dark lamp cannot glow",
        f"{tmp_path / 'c.toml'}:4: on_change.command: nonesuch: no such program",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[lamp]\nglow = 2", ":2: lamp.glow: must be between 0 and 1"),
        ("[lamp]\nglw = 1", ":2: lamp.glw: unknown; did you mean glow?"),
        ('[lamp]\nname = "broken"', ":2: lamp.name: that lamp is broken"),
    ],
)
def test_its_faults_are_found_with_their_places(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'c.toml'}{says}"


# --- sinks at work


WINDOW = WindowRecord("a.mp3", 0.0, 3.0, "jazz", 0.8, {"jazz": 0.8})


def outputs(settings: Settings, health: Health, live: bool = True) -> Outputs:
    info = read_bundle(find_model("gtzan-edge.int8")).info
    return Outputs(settings, health, info, live, lambda line: None)


@pytest.mark.parametrize(("live", "within"), [(True, 10.0), (False, 120.0)])
def test_a_sink_that_is_asked_for_gets_records_and_time_to_finish(
    tmp_path: Path, live: bool, within: float
) -> None:
    health = Health()
    sinks = outputs(loaded(tmp_path, '[lamp]\nname = "hall"'), health, live)
    sinks.write(WINDOW)
    sinks.close()
    (lamp,) = LAMPS
    assert lamp.records == [WINDOW]
    assert lamp.closed_within == within
    assert [entry.name for entry in health.sinks] == ["lamp hall"]
    assert lamp.context.entry is health.sinks[0]
    assert (lamp.context.model, lamp.context.wait) == ("gtzan-edge.int8", not live)
    assert "jazz" in lamp.context.labels


def test_a_reload_replaces_what_changed_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    health = Health()
    history = f'[history]\nenabled = true\npath = "{tmp_path}/h.db"\n'
    sinks = outputs(loaded(tmp_path, f'{history}[lamp]\nname = "hall"'), health)
    kept = health.sinks[0]
    sinks.replace(loaded(tmp_path, f'{history}[lamp]\nname = "attic"'))
    first, second = LAMPS
    assert [entry.name for entry in health.sinks] == ["history", "lamp attic"]
    assert health.sinks[0] is kept
    sinks.write(WINDOW)
    sinks.close()
    assert first.closed_within == 10.0
    assert (first.records, second.records) == ([], [WINDOW])


def test_a_reload_that_cannot_be_done_replaces_nothing(tmp_path: Path) -> None:
    health = Health()
    sinks = outputs(loaded(tmp_path, '[lamp]\nname = "hall"'), health)
    nowhere = f'[history]\nenabled = true\npath = "{tmp_path}/c.toml/h.db"\n'
    with pytest.raises(UsageError, match=r"history .*h\.db: "):
        sinks.replace(loaded(tmp_path, nowhere))
    assert LAMPS[0].closed_within is None
    assert [entry.name for entry in health.sinks] == ["lamp hall"]


def test_a_webhook_whose_secret_changed_is_replaced(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    text = f'[[webhook]]\nurl = "http://127.0.0.1:9"\nsecret_file = "{secret}"'
    health = Health()
    sinks = outputs(loaded(tmp_path, text), health)
    before = health.sinks[0]
    sinks.replace(loaded(tmp_path, text))
    assert health.sinks[0] is before
    secret.write_text("two")
    sinks.replace(loaded(tmp_path, text))
    assert health.sinks[0] is not before
    sinks.close()


def test_knowing_the_kinds_costs_little() -> None:
    """Settings and --help need the list; SQLite, paho and HTTP only running sinks."""
    code = "import genre_edge.sinks.kinds, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlite3", "paho", "urllib.request", "http.client", "ssl", "socket", "subprocess"}
    heavy |= {"numpy", "logging", "random", "shutil", "select", "difflib", "selectors"}
    assert not heavy & set(done.stdout.split())
