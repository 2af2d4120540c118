"""genre-edge provision: what a run leaves, what a second changes, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import genre_edge.cli
import pytest
from genre_edge.provision.passwords import PasswordFile, fits, hashed
from hypothesis import given
from hypothesis import strategies as st

COMMON = """\
# everywhere
[listen]
smooth = 5

[mqtt]
url = "mqtts://broker.example.org/music"
ca = "/etc/ssl/fleet.pem"
"""


def provision(folder: Path, *arguments: object) -> int:
    return genre_edge.cli.main(["provision", "--to", str(folder / "fleet"), *map(str, arguments)])


def contents(folder: Path) -> dict[str, str]:
    """Every file, by its path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in found}


@pytest.fixture
def common(tmp_path: Path) -> Path:
    path = tmp_path / "common.toml"
    path.write_text(COMMON)
    return path


def test_each_device_has_a_configuration_and_a_password_for_its_owner_alone(
    tmp_path: Path, common: Path, capsys
) -> None:
    listed = tmp_path / "devices.csv"
    listed.write_text("name;microphone.device;listen.smooth\nkitchen;usb mic;\nküche;;3\n")
    assert provision(tmp_path, "--template", common, "--devices", listed, "cellar") == 0
    fleet = tmp_path / "fleet"
    found = contents(fleet)
    assert found["devices/cellar/genre-edge.toml"] == COMMON.replace(
        'url = "mqtts://', 'name = "cellar"\nurl = "mqtts://cellar@'
    )
    assert 'device = "usb mic"' in found["devices/kitchen/genre-edge.toml"]
    assert "smooth = 3" in found["devices/kuche_f08d3c12/genre-edge.toml"]
    secrets = {name: text for name, text in found.items() if name.endswith("/mqtt-password")}
    assert len(set(secrets.values())) == len(secrets) == 7
    for path in fleet.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, f"{path} is for its owner alone"
    printed = "".join(capsys.readouterr())
    assert not any(text.strip() in printed for text in secrets.values())
    hashes = dict(line.split(":") for line in found["mosquitto/passwords"].splitlines())
    assert {name.split("/")[1] for name in secrets} == set(hashes)
    for name, text in secrets.items():
        assert fits(text.strip(), hashes[name.split("/")[1]])


def test_a_second_run_adds_devices_and_leaves_all_else_as_it_was(
    tmp_path: Path, common: Path, capsys
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("# upstairs\nkitchen\n\ncellar  # damp\n")
    assert provision(tmp_path, "--template", common, "--devices", names) == 0
    first = contents(tmp_path / "fleet")
    assert provision(tmp_path, "--template", common, "--devices", names) == 0
    assert capsys.readouterr().out.endswith("fleet: nothing has changed\n")
    assert contents(tmp_path / "fleet") == first
    # A password that is on the device alone, and a line of somebody else.
    (tmp_path / "fleet/devices/cellar/mqtt-password").unlink()
    for name, line in (("passwords", "radio:$7$1$AA==$AA==\n"), ("acl", "user radio\ntopic #\n")):
        path = tmp_path / "fleet/mosquitto" / name
        path.write_text(line + path.read_text())
    assert provision(tmp_path, "--broker", "mqtts://broker.example.org/music", "bar") == 0
    second = contents(tmp_path / "fleet")
    assert "devices/cellar/mqtt-password" not in second
    for name, text in second.items():
        if name.startswith(("devices/kitchen", "devices/cellar", "services")):
            assert text == first[name]
    assert set(first["mosquitto/passwords"].splitlines()) < set(
        second["mosquitto/passwords"].splitlines()
    )
    assert second["mosquitto/passwords"].startswith("radio:$7$")
    assert second["mosquitto/acl"].startswith("user radio\ntopic #\n# ---")
    assert "user bar\n" in second["mosquitto/acl"]


def test_a_configuration_that_is_there_is_written_anew_when_told(
    tmp_path: Path, common: Path, capsys
) -> None:
    assert provision(tmp_path, "--template", common, "kitchen") == 0
    path = tmp_path / "fleet/devices/kitchen/genre-edge.toml"
    secret = path.with_name("mqtt-password").read_text()
    common.write_text(COMMON.replace("= 5", "= 7"))
    assert provision(tmp_path, "--template", common, "kitchen") == 0
    assert "kitchen: kept, though it is not what was asked for" in capsys.readouterr().out
    assert "smooth = 5" in path.read_text()
    assert provision(tmp_path, "--template", common, "kitchen", "--replace") == 0
    assert "smooth = 7" in path.read_text()
    assert path.with_name("mqtt-password").read_text() == secret


def test_a_revoked_device_leaves_nothing(tmp_path: Path, common: Path, capsys) -> None:
    assert provision(tmp_path, "--template", common, "kitchen", "cellar") == 0
    assert provision(tmp_path, "--revoke", "cellar") == 0
    assert "cellar" not in "".join(contents(tmp_path / "fleet"))
    assert not any("cellar" in text for text in contents(tmp_path / "fleet").values())
    assert provision(tmp_path, "--revoke", "cellar") == 2
    assert "--revoke cellar: there is no such device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.b", "a_b"], "device a_b: is in topics the same as a.b"),
        (["bar", "bar"], "device bar: is there twice"),
        (["collector"], "device collector: means something else at the broker"),
        (["fleet"], "device fleet: means something else at the broker"),
        (["a/b"], "device a/b: may have letters, digits, '.', '-' and '_' only in its name"),
        (["kitchen_room"], "device kitchen_room: is music_kitchen_room in Home Assistant"),
        (["bar", "--broker", "mqtt://me:secret@b"], "broker: must be mqtt://HOST or mqtts://HOST"),
        (["bar", "--broker", "http://b"], "broker http://b: must be mqtt://HOST"),
        (["x", "--broker", "mqtt://b/music/kitchen"], "its topics lie below those of kitchen"),
        (["bar", "--revoke", "bar"], "--revoke bar: is also a device to be made ready"),
        (["--devices", "url.csv"], "device x: mqtt.url: follows from its name and the broker"),
        (["--devices", "name.csv"], "device x: mqtt.name: follows from its name and the broker"),
        ([], "name devices, or give --devices FILE or --revoke NAME"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    tmp_path: Path, common: Path, capsys, monkeypatch, arguments: list[str], said: str
) -> None:
    rooms = common.with_name("rooms.toml")
    rooms.write_text(f'{COMMON}[[source]]\nurl = "microphone"\nname = "room"\n')
    assert provision(tmp_path, "--template", rooms, "kitchen") == 0
    for key, value in (("url", "mqtt://thief"), ("name", "fleet")):
        (tmp_path / f"{key}.csv").write_text(f"name,mqtt.{key}\nx,{value}\n")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    broker = [] if "--broker" in arguments else ["--broker", "mqtts://b/music"]
    assert provision(tmp_path, *arguments, *broker) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "secret" not in told
    assert contents(tmp_path) == before


def test_each_fault_of_a_template_is_named_with_its_line(
    tmp_path: Path, common: Path, capsys
) -> None:
    common.write_text(COMMON.replace("= 5", "= 0") + 'nam = "x"\n')
    assert provision(tmp_path, "--template", common, "kitchen") == 2
    assert capsys.readouterr().err.splitlines() == [
        f"genre-edge: {common}:3: listen.smooth: must be between 1 and 1000",
        f"genre-edge: {common}:8: mqtt.nam: unknown; did you mean name?",
    ]
    assert not (tmp_path / "fleet").exists()


def test_a_source_that_is_no_more_may_still_be_taken_back(tmp_path: Path, common: Path) -> None:
    rooms = common.with_name("rooms.toml")
    rooms.write_text(f'{COMMON}[[source]]\nurl = "http://radio/"\nname = "radio"\n')
    assert provision(tmp_path, "--template", rooms, "kitchen") == 0
    assert provision(tmp_path, "--template", common, "kitchen", "kitchen_2", "--replace") == 0
    rights = (tmp_path / "fleet/mosquitto/acl").read_text()
    own = "topic readwrite homeassistant/device/music_kitchen"
    user, other = re.findall(r"user kitchen(?:_2)?\n(?:topic .*\n)+", rights)
    assert f"{own}_radio/config" in user
    assert f"{own}_2/config" in other
    assert f"{own}_2" not in user, "another device's"


@given(st.text(max_size=40), st.binary(min_size=1, max_size=30))
def test_a_password_fits_its_own_hash_alone(password: str, salt: bytes) -> None:
    kept = hashed(password, salt, 2)
    assert fits(password, kept)
    assert not fits(password + "x", kept)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_hash(text: str) -> None:
    assert not fits("secret", text)


def test_a_line_that_is_no_password_is_named() -> None:
    with pytest.raises(Exception, match="passwords:2: is no line USER:HASH"):
        PasswordFile("a:b\nnonsense\n", "passwords")
