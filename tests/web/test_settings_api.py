"""Settings are changed through the API: with the checks and the words of `config
check`, by whoever may, and undone again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from genre_edge.ed25519 import make_key
from genre_edge.settings.editable import at_once, settings_tables
from genre_edge.settings.reader import SettingsReader
from genre_edge.settings.signed import SignedSettings, signed_file
from genre_edge.settings.tables import WebConfig
from genre_edge.sinks import kinds
from genre_edge.statement import Statement, signed
from genre_edge.web.app import create_app
from genre_edge.web.control import Control

from tests.web.conftest import service_state
from tests.web.test_openapi import assert_valid

BEARER = {"Authorization": "Bearer a long secret"}
MINE = """\
# mine
[listen]
smooth = 4   # steady

[mqtt]
url = "mqtt://me@broker"
"""


@dataclass
class Program:
    """What the page has a say in; it does nothing but count."""

    file: Path
    client: FlaskClient
    headers: dict[str, str]
    read_again: list[str] = field(default_factory=list)
    trouble: str = ""

    def get(self) -> dict:
        answer = self.client.get("/api/settings", headers=self.headers)
        assert answer.status_code == 200, answer.json
        assert_valid(answer.json, "Settings")
        return answer.json

    def value(self, key: str) -> dict:
        (found,) = (
            one for table in self.get()["tables"] for one in table["settings"] if one["key"] == key
        )
        return found

    def change(self, version: str = "", path: str = "", **changes: object):
        named = {key.replace("__", "."): value for key, value in changes.items()}
        match = {"If-Match": f'"{version or self.get()["version"]}"'}
        return self.client.post(
            f"/api/settings{path}", json={"changes": named}, headers=self.headers | match
        )


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Program]:
    """Start a program with a configuration file, with a token if wanted."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def make(text: str | None = MINE, token: bool = True, **options: object) -> Program:
        file = tmp_path / "genre-edge" / "config.toml"
        if text is not None:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        (tmp_path / "token").write_text("a long secret")
        web = WebConfig(token_file=tmp_path / "token" if token else None, **options)
        program = Program(file, FlaskClient(None), BEARER if token else {})

        def read_again() -> str:
            program.read_again.append(file.read_text())
            return program.trouble

        layer = SignedSettings(signed_file(), print)
        reader = SettingsReader(kinds.sections(), flags={"listen": {"windows": 9}}, signed=layer)
        control = Control(reader, lambda: None, read_again)
        state = service_state(web, tmp_path)
        app = create_app(replace(state, control=control))
        program.client = app.test_client()
        return program

    return make


def test_a_change_is_written_read_again_and_undone(start) -> None:
    program = start()
    answer = program.change(listen__smooth=7, microphone__device="name:x")
    assert answer.status_code == 200
    assert_valid(answer.json, "ChangedSettings")
    assert (answer.json["now"], answer.json["later"]) == (["listen.smooth"], ["microphone.device"])
    written = program.file.read_text()
    assert written.startswith(MINE.replace("= 4 ", "= 7 "))
    assert program.read_again == [written]
    assert program.value("listen.smooth")["set_by"] == "file"
    answer = program.change(path="/undo")
    assert sorted(answer.json["now"] + answer.json["later"]) == [
        "listen.smooth",
        "microphone.device",
    ]
    assert program.file.read_text() == MINE
    program.change(path="/undo")
    assert program.file.read_text() == written, "undone again"


def test_a_refused_value_has_the_words_of_config_check(start, cli, tmp_path: Path) -> None:
    program = start()
    before = os.listdir(program.file.parent)
    answer = program.change(listen__smooth=0, mqtt__music_hold="long")
    assert answer.status_code == 422
    assert (program.file.read_text(), os.listdir(program.file.parent)) == (MINE, before)
    assert program.read_again == []
    program.file.write_text(
        MINE.replace("4 ", "0 ").replace("[mqtt]", '[mqtt]\nmusic_hold = "long"')
    )
    checked = cli("config", "check", program.file)
    assert answer.json["detail"].splitlines() == [
        line.removeprefix("genre-edge: ") for line in checked.stderr.splitlines()
    ]


def test_a_value_that_came_signed_is_shown_as_such_and_not_changed(start) -> None:
    private, public = make_key()
    text = f'{MINE}[update]\nurl = "mqtt"\ntrusted_keys = ["{public}"]\n'
    program = start(text)
    signed_file().parent.mkdir(parents=True)
    statement = Statement(1, 1, settings={"listen.smooth": 5, "listen.tempo": False})
    signed_file().write_bytes(signed(statement, private))
    shown = program.value("listen.smooth")
    assert (shown["value"], shown["set_by"]) == (5, "signed settings")
    assert shown["fixed"] == "signed settings"
    answer = program.change(listen__smooth=7)
    assert (answer.status_code, program.file.read_text()) == (422, text)
    assert answer.json["detail"] == (
        "listen.smooth: is set by the signed settings: the file has no say in it"
    )
    assert program.change(listen__loudness=True).status_code == 200
    assert program.value("listen.loudness")["value"] is True
    assert program.value("listen.smooth")["value"] == 5


def test_a_file_that_was_changed_meanwhile_is_not_touched(start) -> None:
    program = start()
    seen = program.get()["version"]
    program.file.write_text("# other\n")
    answer = program.change(seen, listen__smooth=7)
    assert (answer.status_code, program.file.read_text()) == (412, "# other\n")
    assert "was changed meanwhile" in answer.json["detail"]
    program.change(listen__smooth=7)
    program.file.write_text(program.file.read_text() + "# by hand\n")
    assert program.get()["can_undo"] is False
    assert program.change(path="/undo").status_code == 422


def test_a_change_needs_the_version_that_was_seen(start) -> None:
    program = start()
    answer = program.client.post(
        "/api/settings", json={"changes": {"listen.smooth": 5}}, headers=BEARER
    )
    assert answer.status_code == 428
    etag = program.client.get("/api/settings", headers=BEARER).headers["ETag"]
    assert etag.strip('"') == program.get()["version"]


def test_without_a_token_settings_are_shown_and_not_changed(start) -> None:
    program = start(token=False)
    assert "openssl rand" in program.get()["refusal"]
    answer = program.change(listen__smooth=7)
    assert (answer.status_code, program.file.read_text()) == (403, MINE)
    assert "openssl rand" in answer.json["detail"]


def test_without_a_token_the_network_is_shown_no_settings(start) -> None:
    program = start(token=False, host="0.0.0.0", insecure=True)
    assert program.client.get("/api/settings").status_code == 403
    assert program.client.post("/api/start").status_code == 403


def test_the_first_file_is_written_without_a_token_and_only_the_first(start) -> None:
    program = start(None, token=False)
    assert (program.get()["is_first"], program.get()["version"]) == (True, "none")
    answer = program.change(mqtt__name="kitchen")
    assert answer.status_code == 200
    assert 'name = "kitchen"' in program.file.read_text()
    assert "# windows averaged for the label" in program.file.read_text()
    assert program.file.stat().st_mode & 0o777 == 0o600
    assert program.change(mqtt__name="hall").status_code == 403


def test_the_token_is_asked_for(start) -> None:
    program = start()
    program.headers = {}
    assert program.client.get("/api/settings").status_code == 401
    for path in ("/api/settings", "/api/settings/undo", "/api/start"):
        assert program.client.post(path).status_code == 401


def test_secrets_are_replaced_and_never_read(start) -> None:
    program = start()
    shown = program.value("mqtt.url")
    assert (shown["value"], shown["is_hidden"]) == ("mqtt://***@broker", True)
    program.change(mqtt__password_file="hunter two")
    assert program.value("mqtt.password_file") | {"help": ""} == {
        **program.value("mqtt.password_file"),
        "help": "",
        "kind": "secret",
        "value": True,
    }
    secret = program.file.parent / "mqtt-password"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("hunter two\n", 0o600)
    assert "hunter" not in program.client.get("/api/settings", headers=BEARER).text
    assert "hunter" not in program.file.read_text()
    program.change(mqtt__password_file="other", listen__smooth=0)
    assert secret.read_text() == "hunter two\n", "a refused change leaves no trace"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("on_change.command", "is set in the file only"),
        ("history.path", "is set in the file only"),
        ("web.host", "is set in the file only"),
        ("model.trusted_keys", "is set in the file only"),
        ("listen.windows", "is set by the command line"),
        ("listen.nothing", "unknown"),
        ("webhook.url", "unknown"),
    ],
)
def test_what_may_not_be_changed_here_says_why(start, key: str, reason: str) -> None:
    program = start()
    answer = program.change(**{key.replace(".", "__"): "x"})
    assert (answer.status_code, program.file.read_text()) == (422, MINE)
    assert answer.json["detail"].startswith(f"{key}: {reason}")


def test_a_model_that_is_not_there_is_refused(start) -> None:
    program = start()
    answer = program.change(model__model="nobody")
    assert (answer.status_code, program.file.read_text()) == (422, MINE)
    assert "model.model: nobody: no such model" in answer.json["detail"]


def test_what_the_program_cannot_use_is_taken_back(start) -> None:
    program = start()
    program.trouble = "mqtt: no room"
    answer = program.change(listen__smooth=7)
    assert (answer.status_code, answer.json["detail"]) == (422, "mqtt: no room")
    assert program.file.read_text() == MINE
    assert os.listdir(program.file.parent) == ["config.toml"]


def test_the_environment_is_shown_and_not_overridden(start, monkeypatch) -> None:
    program = start()
    monkeypatch.setenv("GENRE_EDGE_LISTEN_SMOOTH", "5")
    shown = program.value("listen.smooth")
    assert (shown["value"], shown["set_by"]) == (5, "environment")
    assert "set by the environment" in program.change(listen__smooth=7).json["detail"]


def test_a_link_and_the_permissions_of_its_file_stay(start, tmp_path: Path) -> None:
    program = start()
    real = tmp_path / "dotfiles.toml"
    program.file.rename(real)
    real.chmod(0o640)
    program.file.symlink_to(real)
    assert program.change(listen__smooth=7).status_code == 200
    assert program.file.is_symlink()
    assert "smooth = 7" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_file_that_cannot_be_written_says_so_before_anybody_types(start, monkeypatch) -> None:
    program = start()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    refusal = program.get()["refusal"]
    assert str(program.file.parent) in refusal
    assert "docs/configuration.md" in refusal
    assert program.change(listen__smooth=7).status_code == 403


def test_every_option_that_waits_for_the_next_start_is_known_to_the_program(start) -> None:
    from genre_edge.service.changed import need_restart
    from genre_edge.settings.load import load
    from genre_edge.settings.settings import all_sections

    start(None)
    reader = SettingsReader(kinds.sections())
    sections = {section.name: section for section in all_sections(reader.sections)}
    other = {"integer": 7, "number": 7.5, "switch": True, "list": ("07:00-22:00",), "text": "x"}
    for table in settings_tables(reader):
        for one in table.settings:
            if one.kind not in other or one.key.startswith(("mqtt.", "history.")):
                continue  # those have no say in it
            section, _, key = one.key.partition(".")
            old, _ = load(reader.sections, environment={})
            changed = replace(
                old.of(sections[section]),
                **{key: other[one.kind] if one.high is None or one.high > 8 else one.high},
            )
            waits = need_restart(old, old.replaced(sections[section], changed))
            assert at_once(section, key) == (not waits), one.key
