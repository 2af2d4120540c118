"""One declaration makes the file, the environment, the flags and their checks."""

from __future__ import annotations

import argparse
import os
import pwd
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from genre_edge.cli import main
from genre_edge.commands.listen import add_listening_options, loader
from genre_edge.errors import UsageError
from genre_edge.settings import places
from genre_edge.settings.load import load as load_sections
from genre_edge.settings.options import option_fields
from genre_edge.settings.places import expanded
from genre_edge.settings.settings import Settings, all_sections
from genre_edge.settings.tables import WebConfig
from genre_edge.settings.text import commented, effective
from genre_edge.sinks import history, kinds
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.sinks.webhook_settings import parse_webhook

SECTIONS = kinds.sections()


def load(*args, **values) -> tuple[Settings, dict[str, str]]:
    return load_sections(SECTIONS, *args, **values)


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_flags_stand_above_the_environment_above_the_file_above_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, "[listen]\nsmooth = 5\nsilence_dbfs = -50\nwindows = 7\n")
    environment = {"GENRE_EDGE_LISTEN_SMOOTH": "6", "GENRE_EDGE_LISTEN_SILENCE_DBFS": "-40"}
    found, origins = load(file, environment, {"listen": {"smooth": 9}})
    assert (found.listen.smooth, found.listen.silence_dbfs, found.listen.windows) == (9, -40.0, 7)
    assert found.listen.uncertain_below is None
    assert origins["listen.smooth"] == "--smooth 9"
    assert origins["listen.silence_dbfs"] == "GENRE_EDGE_LISTEN_SILENCE_DBFS=-40"
    assert origins["listen.windows"] == f"{file}:4: listen.windows"


@pytest.mark.parametrize(
    ("text", "environment", "enabled"),
    [
        ("", {}, True),
        ("[history]\nenabled = false", {}, False),
        ("", {"GENRE_EDGE_HISTORY_ENABLED": "off"}, False),
    ],
    ids=["default", "file", "environment"],
)
def test_the_defaults_of_the_service_stand_below_the_file(
    tmp_path: Path, monkeypatch, text: str, environment: dict[str, str], enabled: bool
) -> None:
    """genre-edge service run keeps a history unless it is told otherwise."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    parser = argparse.ArgumentParser()
    add_listening_options(parser)
    args = parser.parse_args(["--config", str(written(tmp_path, text))])
    read = loader(args, base={"history": {"enabled": True}})
    assert read().of(history.SECTION).enabled is enabled


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """\
[microphone]
gain_db = 100
chanel = 1

[listen]
smooth = "three"
silence_dbfs = true
unheard = 1

[history]
enabled = 1

[mqtt]
url = "http://broker"

[[webhook]]
url = "http://ok"

[[webhook]]
url = "https://x"
every = "hour"

[colours]
red = 1
""",
    )
    with pytest.raises(UsageError) as error:
        load(file, {"GENRE_EDGE_MODEL_THREADS": "many", "GENRE_EDGE_LISTEN_SMOTH": "1"})
    lines = str(error.value).splitlines()
    for line in (
        f"{file}:2: microphone.gain_db: must be between -60 and 60",
        f"{file}:3: microphone.chanel: unknown; did you mean channel?",
        f"{file}:6: listen.smooth: must be a whole number, not 'three'",
        f"{file}:7: listen.silence_dbfs: must be a number, not true",
        f"{file}:11: history.enabled: must be true or false, not 1",
        f"{file}:21: webhook[1].every: must be change or window",
        "GENRE_EDGE_MODEL_THREADS=many: must be a whole number, not 'many'",
        "GENRE_EDGE_LISTEN_SMOTH: unknown; did you mean GENRE_EDGE_LISTEN_SMOOTH?",
    ):
        assert line in lines
    assert any(line.startswith(f"{file}:8: listen.unheard: unknown; known are") for line in lines)
    assert any(line.startswith(f"{file}:23: colours: unknown") for line in lines)
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[mqtt]\nurl = "http://broker"', r":2: mqtt.url: url http://broker: must be mqtt://HOST"),
        (
            '[mqtt]\nurl = "mqtt://b"\npassword_file = "/nowhere"',
            "password file /nowhere: No such file",
        ),
        (
            '[on_change]\ncommand = "genre-edge-nonesuch"',
            ":2: on_change.command: genre-edge-nonesuch: no such",
        ),
        ('[[webhook]]\nurl = "ftp://x"', ":1: webhook: url ftp://x: must begin with http"),
        ("[listen\nsmooth = 1", ":1: Expected"),
        ("microphone = 3", ":1: microphone must be a table"),
        ("[webhook]\nurl = 'http://x'", ":1: webhook must be an array of tables"),
    ],
)
def test_what_values_alone_do_not_show_is_found_before_anything_starts(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        load(written(tmp_path, text), {})


def test_the_commented_file_names_every_key_and_says_the_defaults(tmp_path: Path) -> None:
    text = commented(SECTIONS)
    assert load(written(tmp_path, text), {})[0] == load(None, {})[0]
    for section in all_sections(SECTIONS):
        for one in option_fields(section.options):
            assert f"# {one.name} = " in text, (section.name, one.name)
    # Every commented key is valid TOML of the right type, and every example is allowed.
    bare = re.sub(r"(?m)^# (\[\[\w+\]\]|\w+ = )", r"\1", text)
    for path in (
        "~/.config/genre-edge/password",
        "~/.config/genre-edge/secret",
        "~/.config/genre-edge/token",
    ):
        bare = bare.replace(path, str(tmp_path / "secret"))
    (tmp_path / "secret").write_text("key")
    bare = re.sub(r'(?m)^(ca|cert|key) = ".*"', r'\1 = "/etc/hostname"', bare).replace(
        "mqtt://", "mqtts://"
    )
    bare = bare.replace("mpc volume", "echo volume")
    (tmp_path / "urls").write_text("json://127.0.0.1\n")
    bare = bare.replace("~/.config/genre-edge/notify-urls", str(tmp_path / "urls"))
    assert set(tomllib.loads(bare)) == {section.name for section in all_sections(SECTIONS)}
    load(written(tmp_path, bare), {})


def test_what_is_shown_as_in_force_is_a_file_that_says_the_same(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '[microphone]\ngain_db = 3\n[[webhook]]\nurl = "http://x"\nretries = 5\n',
    )
    found, origins = load(file, {})
    shown = effective(SECTIONS, found, origins)
    assert f"gain_db = 3.0  # {file}:2: microphone.gain_db" in shown
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert load(again, {})[0] == found


def test_the_users_file_goes_before_the_systems(tmp_path: Path, monkeypatch) -> None:
    system = tmp_path / "system.toml"
    monkeypatch.setattr(places, "SYSTEM_FILE", system)
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert places.find_file(None, environment) is None
    system.write_text("")
    assert places.find_file(None, environment) == system
    users = tmp_path / "genre-edge" / "config.toml"
    users.parent.mkdir()
    users.write_text("")
    assert places.find_file(None, environment) == users
    assert places.find_file(None, {**environment, "GENRE_EDGE_CONFIG": "/x"}) == Path("/x")
    assert places.find_file(Path("/y"), environment) == Path("/y")


def test_the_state_folder_is_systemds_where_it_gives_one() -> None:
    assert places.default_folder({"STATE_DIRECTORY": "/var/lib/genre-edge"}) == Path(
        "/var/lib/genre-edge"
    )
    assert places.default_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/genre-edge")


def test_a_user_without_a_home_can_run_it(monkeypatch, capsys) -> None:
    """As one that systemd made up: no HOME, no entry in the user database."""

    def unknown(_: int) -> None:
        raise KeyError("no such user")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as left:
        main(["listen", "--help"])
    assert left.value.code == 0
    assert "/nonexistent" in capsys.readouterr().out
    monkeypatch.setattr(places, "SYSTEM_FILE", Path("/nonexistent/genre-edge.toml"))
    assert places.find_file(None, {}) is None
    assert load(None, {"STATE_DIRECTORY": "/var/lib/genre-edge"})[0].of(
        history.SECTION
    ).path.parent == Path("/var/lib/genre-edge")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv"
)
@pytest.mark.parametrize("words", [["classify"], ["config", "show"], ["history"], ["info"]])
def test_a_home_that_may_not_be_entered_is_no_traceback(tmp_path: Path, demo_clip, words) -> None:
    """As with sudo -u, or a container with a user of its own."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    os.chown(home, 65534, 65534)
    rights = "-dac_override,-dac_read_search"
    given = [str(demo_clip)] if words == ["classify"] else []
    as_other = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
    changed = ["env", "-u", "XDG_STATE_HOME", "-u", "XDG_CONFIG_HOME", f"HOME={home}"]
    program = [sys.executable, "-m", "genre_edge", *words, *given]
    done = subprocess.run([*as_other, *changed, *program], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == (2 if words == ["history"] else 0), done.stderr


def test_the_command_begins_checks_and_shows(tmp_path: Path, cli) -> None:
    file = tmp_path / "sub" / "c.toml"
    assert cli("config", "init", "--output", file).returncode == 0
    assert cli("config", "check", "--config", file).stdout == f"{file}: ok\n"
    refused = cli("config", "init", "--output", file)
    assert (refused.returncode, refused.stderr) == (
        2,
        f"genre-edge: {file}: already exists; --force replaces it\n",
    )
    file.write_text("[listen]\nsmooth = 0\nsilence_dbfs = 7\n")
    broken = cli("config", "check", "--config", file)
    assert broken.returncode == 2
    assert broken.stderr.splitlines() == [
        f"genre-edge: {file}:2: listen.smooth: must be between 1 and 1000",
        f"genre-edge: {file}:3: listen.silence_dbfs: must be between -120 and 0",
    ]
    started = cli("listen", "--config", file)
    assert (started.returncode, started.stderr) == (2, broken.stderr)
    assert cli("listen", "--config", tmp_path / "none").stderr == (
        f"genre-edge: {tmp_path / 'none'}: No such file or directory\n"
    )


# --- secrets


def test_what_is_in_force_is_shown_without_secrets(tmp_path: Path, cli) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        '[mqtt]\nname = "kitchen"\n'
        '[[webhook]]\nurl = "https://h.example/T0/topsecret?k=topsecret"\n'
        'headers = { "X-Key" = "topsecret" }\n'
        '[[source]]\nurl = "rtsp://me:topsecret@camera/live?k=topsecret"\n'
    )
    environment = {**os.environ, "GENRE_EDGE_MQTT_URL": "mqtts://topsecret@broker"}
    done = cli("config", "show", "--config", file, env=environment)
    assert done.returncode == 0, done.stderr
    assert "topsecret" not in done.stdout
    assert 'url = "https://h.example/***"' in done.stdout
    assert '"X-Key" = "***"' in done.stdout
    faulty = {**os.environ, "GENRE_EDGE_MQTT_URL": "mqtt://me:topsecret@broker:x"}
    for values in (environment, faulty):
        done = cli("config", "check", "--config", "/nowhere.toml", env=values)
        assert "topsecret" not in done.stderr + done.stdout


def test_a_secret_comes_from_systemd_where_no_file_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "web-token").write_text("correct horse\n")
    assert WebConfig(host="0.0.0.0").token() == "correct horse"
    (tmp_path / "web-token").write_text("-")
    assert WebConfig().token() is None, "systemd's stand-in for a file that is not there"
    (tmp_path / "web-token").write_text("short")
    with pytest.raises(UsageError, match="credential web-token"):
        WebConfig().token()
    assert expanded("$CREDENTIALS_DIRECTORY/hook") == tmp_path / "hook"


def test_a_list_is_read_from_file_environment_and_flag(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[web]\nallowed_hosts = ["a.example", "b.example"]\n')
    settings, _ = load(file, {})
    assert settings.web.allowed_hosts == ("a.example", "b.example")
    settings, _ = load(file, {"GENRE_EDGE_WEB_ALLOWED_HOSTS": "c.example, d"})
    assert settings.web.allowed_hosts == ("c.example", "d")
    file.write_text("[web]\nallowed_hosts = [1]\n")
    with pytest.raises(UsageError, match="allowed_hosts: its values must be texts"):
        load(file, {})


@pytest.mark.parametrize("url", ["http://[", "http://[\x10]/", "https://host:x/", "http://h:99999"])
def test_an_address_that_is_none_is_one_line(url: str) -> None:
    for parse, scheme in ((parse_webhook, "http"), (lambda text: mqtt_of(text), "mqtt")):
        with pytest.raises(UsageError, match="cannot be read as an address"):
            parse(url.replace("https", "http").replace("http", scheme))


def mqtt_of(text: str) -> object:
    return mqtt_config(parse_mqtt(text), Path("/nowhere"))


def test_a_number_beyond_all_floats_is_one_line(tmp_path: Path) -> None:
    file = written(tmp_path, f"[listen]\nsilence_dbfs = -1{'0' * 400}\n")
    with pytest.raises(UsageError, match="silence_dbfs: must be between -120 and 0"):
        load(file, {})


@pytest.mark.parametrize(
    "text",
    [
        '[[notify]]\nurls = "json://u:hunter2@h"\n',
        '[[webhook]]\nurl = ["http://h/hunter2"]\n',
        '[[webhook]]\nurl = "http://h/"\nheaders = "Authorization: hunter2"\n',
        '[mqtt]\nurl = ["mqtt://u:hunter2@h"]\n',
        '[[source]]\nurl = ["http://u:hunter2@h/"]\n',
    ],
)
def test_a_secret_of_the_wrong_type_is_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="must be ") as error:
        load(written(tmp_path, text), {})
    assert "hunter2" not in str(error.value)
