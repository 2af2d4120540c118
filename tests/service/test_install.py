"""genre-edge service install --config: a file that is checked becomes the service's."""

from __future__ import annotations

from pathlib import Path

import genre_edge.cli
import pytest
from genre_edge.settings.elsewhere import Elsewhere, seen_from_here
from genre_edge.settings.tomlfile import parse_toml
from genre_edge.sinks import kinds

SECRET = "/etc/genre-edge.secrets/mqtt-password"
GIVEN = f"""\
[listen]
smooth = 4

[mqtt]
url = "mqtt://kitchen@broker"
password_file = "{SECRET}"

[web]
enabled = true
host = "0.0.0.0"
"""


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "kitchen.toml"
    path.write_text(GIVEN)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    (path / "etc").mkdir(parents=True)
    return path


def install(image: Path, *arguments: object) -> int:
    command = ["service", "install", "--root", image, *arguments]
    return genre_edge.cli.main([str(word) for word in command])


def files(folder: Path) -> dict[Path, tuple[str, int]]:
    """Text and time of each file."""
    return {
        path: (path.read_text(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_again_changes_nothing_and_says_so(image: Path, given: Path, capsys) -> None:
    config = image / "etc/genre-edge.toml"
    assert install(image, "--config", given) == 0
    first = capsys.readouterr().out
    assert f"wrote {config}\n" in first
    assert "nothing has changed" not in first
    assert config.read_text() == GIVEN
    assert config.stat().st_mode & 0o777 == 0o644, "a user that systemd makes up reads it"
    before = files(image)
    assert install(image, "--config", given) == 0
    again = capsys.readouterr().out
    assert f"kept {config}\n" in again
    assert "nothing has changed\n" in again
    assert files(image) == before


def test_another_configuration_is_replaced_when_told_and_kept_beside(
    image: Path, given: Path, capsys
) -> None:
    config = image / "etc/genre-edge.toml"
    assert install(image, "--config", given) == 0
    config.write_text("[listen]\nsmooth = 9\n")
    before = files(image)
    assert install(image, "--config", given) == 2
    assert "holds another configuration; --replace puts" in capsys.readouterr().err
    assert files(image) == before
    assert install(image, "--config", given, "--replace") == 0
    assert f"replaced {config}\n" in capsys.readouterr().out
    assert config.read_text() == GIVEN
    (beside,) = config.parent.glob("genre-edge.toml.before-*")
    assert beside.read_text() == "[listen]\nsmooth = 9\n"


def test_a_faulty_file_writes_nothing(image: Path, given: Path, capsys) -> None:
    given.write_text(GIVEN.replace("= 4", "= 0").replace("url =", "ur ="))
    assert install(image, "--config", given, "--replace") == 2
    assert capsys.readouterr().err.splitlines() == [
        f"genre-edge: {given}:2: listen.smooth: must be between 1 and 1000",
        f"genre-edge: {given}:5: mqtt.ur: unknown; did you mean url?",
    ]
    assert files(image) == {}


def test_secrets_of_an_image_may_come_later_and_are_checked_once_they_are_there(
    image: Path, given: Path, capsys
) -> None:
    assert install(image, "--config", given) == 0
    assert f"{SECRET}: is not there yet, and the service needs it" in capsys.readouterr().out
    secret = image / SECRET.lstrip("/")
    secret.parent.mkdir()
    secret.write_text("a password\n")
    token = secret.with_name("web-token")
    token.write_text("short\n")
    assert install(image, "--config", given) == 2
    assert f"token_file {token}: holds less than" in capsys.readouterr().err
    token.write_text("long enough for an access token\n")
    assert install(image, "--config", given) == 0
    assert "is not there yet" not in capsys.readouterr().out


def test_replace_goes_with_config(image: Path, capsys) -> None:
    assert install(image, "--replace") == 2
    assert "--replace: goes with --config" in capsys.readouterr().err


def test_paths_lead_to_the_files_that_a_configuration_means(tmp_path: Path) -> None:
    text = """\
[history]
path = "/var/lib/h.db"
[mqtt]
url = "mqtt://b"
password_file = "$CREDENTIALS_DIRECTORY/mqtt-password"
ca = "/etc/ca.pem"
[[webhook]]
url = "https://x/"
secret_file = "/etc/secret"
"""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ca.pem").write_text("")
    where = Elsewhere(tmp_path, Path("/run/secrets"), tmp_path / "stand-in")
    seen, missing = seen_from_here(parse_toml(Path("c"), text), kinds.sections(), where)
    assert seen.values["history"]["path"] == f"{tmp_path}/var/lib/h.db"
    assert seen.values["mqtt"]["ca"] == f"{tmp_path}/etc/ca.pem"
    assert seen.values["mqtt"]["password_file"] == f"{tmp_path}/stand-in"
    assert seen.values["webhook"][0]["secret_file"] == f"{tmp_path}/stand-in"
    assert missing == ["/etc/secret", "$CREDENTIALS_DIRECTORY/mqtt-password"]
