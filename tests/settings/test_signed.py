"""Settings that came signed over the network: a layer that whoever stands before the
device can override, and that goes without a trace."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from genre_edge.ed25519 import make_key
from genre_edge.errors import GenreEdgeError, UpdateError, UsageError
from genre_edge.settings.editable import at_once, kind_of, settings_tables
from genre_edge.settings.options import option_fields
from genre_edge.settings.reader import SettingsReader
from genre_edge.settings.settings import Settings, all_sections
from genre_edge.settings.signed import SignedSettings, signed_option
from genre_edge.settings.signed_change import change_signed
from genre_edge.settings.tables import LISTEN
from genre_edge.sinks import kinds
from genre_edge.statement import Statement, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT

PRIVATE, PUBLIC = make_key()
OTHER_PRIVATE, _ = make_key()
TRUST = f'[update]\nurl = "mqtt"\ntrusted_keys = ["{PUBLIC}"]\n[mqtt]\nurl = "mqtt://broker"\n'


class Device:
    """The settings of a device that takes signed ones."""

    def __init__(self, folder: Path, file: str = TRUST, flags: object = None) -> None:
        self.said = list[str]()
        (folder / "config.toml").write_text(file)
        self.path = folder / "updates" / "settings.signed"
        layer = SignedSettings(self.path, self.said.append)
        self.reader = SettingsReader(kinds.sections(), folder / "config.toml", flags, signed=layer)

    def take(self, trouble: str = "", key: bytes = PRIVATE, **values: object) -> None:
        named = {name.replace("__", "."): value for name, value in values.items()}
        statement = Statement(serial=1, made=1, settings=named)
        change_signed(self.reader, signed(statement, key), lambda: trouble)

    @property
    def smooth(self) -> int:
        return self.reader().listen.smooth

    def write(self, file: str) -> None:
        self.reader.file.write_text(file)


def test_signed_settings_override_the_file_and_are_overridden_by_who_is_there(
    tmp_path, monkeypatch
) -> None:
    device = Device(tmp_path, TRUST + "[listen]\nsmooth = 4\n", {"listen": {"tempo": True}})
    assert device.smooth == 4
    device.take(listen__smooth=5, listen__tempo=False)
    assert device.smooth == 5
    assert device.reader().listen.tempo
    monkeypatch.setenv("GENRE_EDGE_LISTEN_SMOOTH", "6")
    assert device.smooth == 6


PLACES = ("file", "signed", "environment", "flag")
"""Where a value may be set, the strongest last."""


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(PLACES), st.integers(1, 1000)))
def test_of_several_places_the_one_nearest_to_whoever_is_there_wins(
    tmp_path_factory, values: dict[str, int]
) -> None:
    file = TRUST + (f"[listen]\nsmooth = {values['file']}\n" if "file" in values else "")
    flags = {"listen": {"smooth": values["flag"]}} if "flag" in values else None
    device = Device(tmp_path_factory.mktemp("device"), file, flags)
    if "signed" in values:
        device.take(listen__smooth=values["signed"])
    variables = {"GENRE_EDGE_LISTEN_SMOOTH": str(values.get("environment", ""))}
    with patch.dict(os.environ, variables if "environment" in values else {}):
        assert device.smooth == next((values[p] for p in reversed(PLACES) if p in values), 3)


@settings(max_examples=20)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "listen__smooth": st.integers(1, 50),
            "listen__hours": st.sampled_from([("07:00-22:00",), ("Mon-Fri 08:00-18:00",)]),
            "history__commit_seconds": st.floats(0, 3600),
            "microphone__gain_db": st.integers(-20, 20),
            "mqtt__discovery": st.booleans(),
        },
    )
)
def test_what_is_taken_is_in_force_and_revoking_it_leaves_no_trace(
    tmp_path_factory, values
) -> None:
    device = Device(tmp_path_factory.mktemp("device"))
    before = device.reader.read()
    device.take(**values)
    in_force, origins = device.reader.read()
    for name, value in values.items():
        section, option = name.split("__")
        found = next(one for one in all_sections(kinds.sections()) if one.name == section)
        assert getattr(in_force.of(found), option) == value
        assert origins[f"{section}.{option}"].startswith("signed settings")
    device.take()
    assert device.reader.read() == before
    assert not device.path.exists()


def test_only_what_a_running_program_can_change_and_nothing_that_sends_or_runs_may_come_so():
    sections = kinds.sections()
    taken = list[str]()
    for section in all_sections(sections):
        for one in option_fields(section.options):
            try:
                signed_option(f"{section.name}.{one.name}", sections)
            except UsageError:
                continue
            taken.append(f"{section.name}.{one.name}")
            assert at_once(section.name, one.name)
            assert not section.repeated
            assert kind_of(section, one) not in ("other", "secret")
    assert "listen.smooth" in taken
    sends = {"mqtt.url", "mqtt.name", "mqtt.page", "on_change.command", "webhook.url"}
    deletes = {"history.keep_days", "history.most_megabytes", "mqtt.spool_mb"}
    assert not (sends | deletes | {"mqtt.switch", "history.path"}) & set(taken)
    assert not [key for key in taken if key.startswith(("update.", "web.", "model."))]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mqtt__url": "mqtt://thief"}, "mqtt.url: is set on the device itself only"),
        ({"listen__smoth": 5}, "listen.smoth: unknown; did you mean listen.smooth?"),
        ({"listen__smooth": 0}, "signed settings: listen.smooth: must be"),
        ({"listen__smooth": "five"}, "signed settings: listen.smooth: must be"),
        ({"listen__tempo": True, "listen__hours": ("late",)}, "signed settings: listen.hours"),
    ],
)
def test_one_wrong_value_and_nothing_is_taken(tmp_path, values, words) -> None:
    device = Device(tmp_path)
    device.take(listen__smooth=5)
    with pytest.raises(UsageError) as error:
        device.take(**values)
    assert words in str(error.value)
    assert device.smooth == 5
    assert not device.reader().listen.tempo


def test_what_the_program_does_not_take_is_not_kept(tmp_path) -> None:
    device = Device(tmp_path)
    with pytest.raises(GenreEdgeError, match="the disk is full"):
        device.take("the disk is full", listen__smooth=5)
    assert not device.path.exists()
    device.take(listen__smooth=6)
    with pytest.raises(GenreEdgeError) as error:
        device.take("no", listen__smooth=5)
    assert not isinstance(error.value, UsageError), "it may go well another time"
    assert device.smooth == 6


def test_a_disk_that_is_full_by_then_keeps_the_layer_from_before(tmp_path, monkeypatch) -> None:
    device = Device(tmp_path)
    device.take(listen__smooth=6)

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def refuse() -> str:
        monkeypatch.setattr("genre_edge.settings.signed.write_atomically", no_room)
        return "the history cannot be opened"

    data = signed(Statement(serial=2, made=1, settings={"listen.smooth": 5}), PRIVATE)
    with pytest.raises(GenreEdgeError, match="the history cannot be opened"):
        change_signed(device.reader, data, refuse)
    assert device.smooth == 6
    with pytest.raises(GenreEdgeError, match=r"settings\.signed: no space left on device"):
        device.take(listen__smooth=5)
    assert device.smooth == 6
    assert os.listdir(device.path.parent) == ["settings.signed"]


def test_a_fault_in_the_devices_own_file_is_not_the_statements(tmp_path) -> None:
    device = Device(tmp_path)
    device.write("[listen]\nsmooth = 'often'\n")
    with pytest.raises(GenreEdgeError, match="own settings have faults") as error:
        device.take(listen__smooth=5)
    assert not isinstance(error.value, UsageError)
    device.write(TRUST)
    device.take(listen__smooth=5)
    assert device.smooth == 5


def test_a_layer_that_no_longer_goes_with_the_file_is_left_out_and_said(tmp_path) -> None:
    device = Device(tmp_path)

    def check(settings: Settings, origins: object) -> None:
        if settings.listen.smooth > 4 and settings.listen.tempo:
            raise UsageError("smooth 5 or more does not go with tempo")

    device.reader = replace(device.reader, check=check)
    device.take(listen__smooth=5)
    device.write(TRUST + "[listen]\ntempo = true\n")
    assert device.smooth == 3
    assert device.reader.fixed_by(LISTEN, "smooth") == ""
    assert "not used: smooth 5 or more does not go with tempo" in device.said[0]
    with pytest.raises(UsageError, match="does not go with tempo"):
        device.take(listen__smooth=6)
    device.write(TRUST)
    assert device.smooth == 5


def test_somebody_elses_signature_is_refused(tmp_path) -> None:
    device = Device(tmp_path)
    with pytest.raises(UpdateError, match="not in trusted_keys"):
        device.take(key=OTHER_PRIVATE, listen__smooth=5)
    assert device.reader().listen.smooth != 5


def test_a_key_that_is_no_longer_trusted_takes_its_settings_with_it(tmp_path) -> None:
    device = Device(tmp_path)
    default = device.smooth
    device.take(listen__smooth=5)
    device.write(TRUST.replace(PUBLIC, make_key()[1]))
    assert device.smooth == default
    device.write("")  # updates are off
    assert device.smooth == default
    assert len(device.said) == 1
    assert "not in trusted_keys" in device.said[0]
    device.write(TRUST)
    assert device.smooth == 5


@pytest.mark.parametrize("damage", [b"", b"\0" * 400, b"x" * 200_000])
def test_a_damaged_layer_keeps_no_program_from_starting(tmp_path, damage) -> None:
    device = Device(tmp_path)
    default = device.smooth
    device.take(listen__smooth=5)
    device.path.write_bytes(damage)
    assert device.smooth == default
    assert device.smooth == default
    assert len(device.said) == 1  # once, however often it is read


def test_a_layer_that_cannot_be_read_is_said(tmp_path) -> None:
    device = Device(tmp_path)
    device.path.mkdir(parents=True)
    assert device.smooth == device.smooth
    assert "is a directory" in device.said[0]
    device.take(listen__smooth=5)
    assert device.smooth == 5


def test_who_looks_at_the_settings_sees_what_has_set_them(tmp_path) -> None:
    device = Device(tmp_path)
    device.take(listen__smooth=5)
    tables = {table.name: table for table in settings_tables(device.reader)}
    found = {one.key: one for one in tables["listen"].settings}
    assert found["listen.smooth"].set_by == found["listen.smooth"].fixed == "signed settings"
    assert found["listen.tempo"].fixed == ""


def test_the_page_on_configuration_names_all_that_may_come_signed() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    listed = text.partition("These are left:")[2].partition("\n- ")[0]
    found, waiting = set(), list[str]()
    for word in re.findall(r"`(.*?)`", listed):
        if word.startswith("["):
            found |= {f"{word[1:-1]}.{one}" for one in waiting}
            waiting.clear()
        else:
            waiting.append(word)
    allowed = set()
    for section in all_sections(kinds.sections()):
        for key in (f"{section.name}.{one.name}" for one in option_fields(section.options)):
            with suppress(UsageError):
                signed_option(key, kinds.sections())
                allowed.add(key)
    assert found == allowed
