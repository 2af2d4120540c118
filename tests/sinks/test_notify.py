"""Messages that are really sent, by Apprise in a child, to servers on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from genre_edge.cli import main
from genre_edge.errors import UsageError
from genre_edge.health import Health
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.service.outputs import Outputs
from genre_edge.settings.load import load
from genre_edge.settings.settings import Settings
from genre_edge.settings.tables import DEFAULT_MODEL
from genre_edge.settings.text import effective
from genre_edge.sinks import kinds
from genre_edge.sinks.notify import send as send_module
from genre_edge.sinks.notify.apprise_child import told
from genre_edge.sinks.notify.message import Message
from genre_edge.sinks.notify.send import send
from genre_edge.sinks.notify.settings import NotifyConfig

from tests.helpers.broker import free_port
from tests.helpers.ntfy_server import PASSWORD, TOPIC, USER, NtfyServer
from tests.helpers.waiting import wait_for
from tests.helpers.windows import live

MESSAGE = Message("hall: jazz", "jazz since 18:02")


@pytest.fixture
def ntfy() -> Iterator[NtfyServer]:
    server = NtfyServer()
    yield server
    server.close()


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "c.toml"
    file.write_text(text)
    return load(kinds.sections(), file, {})[0]


def test_a_message_reaches_ntfy_and_a_webhook(ntfy: NtfyServer) -> None:
    urls = [ntfy.url, f"json://{ntfy.host}/hook"]
    assert [one.trouble for one in send(urls, MESSAGE, 30.0)] == ["", ""]
    first, second = ntfy.messages
    assert first == {"topic": TOPIC, "title": "hall: jazz", "message": "jazz since 18:02"}
    assert (second["title"], second["message"]) == ("hall: jazz", "jazz since 18:02")
    pictures = [name for headers in ntfy.headers for name in headers if "icon" in name.lower()]
    assert pictures == [], "no telephone fetches a picture from elsewhere"


def test_a_password_is_sent_and_a_wrong_one_is_final(ntfy: NtfyServer) -> None:
    ntfy.needs_password = True
    right, wrong = (f"ntfy://{USER}:{word}@{ntfy.host}/{TOPIC}" for word in (PASSWORD, "guess"))
    found = send([right, wrong], MESSAGE, 30.0)
    assert [(one.trouble, one.is_final) for one in found] == [("", True), ("HTTP 401", True)]
    assert len(ntfy.messages) == 1
    assert "guess" not in repr(found)


def test_a_server_that_is_away_or_overloaded_may_come_back(ntfy: NtfyServer) -> None:
    ntfy.answers = [503]
    found = send([ntfy.url, f"ntfy://127.0.0.1:{free_port()}/{TOPIC}"], MESSAGE, 30.0)
    told_of = [(one.service, one.trouble, one.is_final) for one in found]
    assert told_of == [("ntfy", "HTTP 503", False), ("ntfy", "connection refused", False)]


def test_a_server_that_hangs_takes_no_time_from_the_next(ntfy: NtfyServer) -> None:
    ntfy.hangs = True
    other = NtfyServer()
    try:
        found = send([f"{ntfy.url}?rto=60", other.url], MESSAGE, 8.0)
    finally:
        other.close()
    assert [(one.trouble, one.is_final) for one in found] == [
        ("not sent within 8 s", False),
        ("", True),
    ]
    assert len(other.messages) == 1


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):
        def __init__(self, command: list[str], **options: object) -> None:
            super().__init__([sys.executable, "-c", "import time; time.sleep(600)"], **options)
            seen.append(self)

    monkeypatch.setattr(send_module, "_START_SECONDS", 0.2)
    monkeypatch.setattr(subprocess, "Popen", Noted)
    (found,) = send(["json://127.0.0.1"], MESSAGE, 0.1)
    assert (found.trouble, found.is_final) == ("not sent within 0.1 s", False)
    assert seen[0].returncode == -9


def test_no_secret_is_on_the_childs_command_line_nor_in_its_environment(
    ntfy: NtfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[list[str], dict[str, object]]] = []
    real = subprocess.Popen

    def noted(command: list[str], **options: object) -> object:
        made.append((command, options))
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", noted)
    send([f"ntfy://{USER}:{PASSWORD}@{ntfy.host}/{TOPIC}"], MESSAGE, 30.0)
    ((command, options),) = made
    assert not any(word in part for part in command for word in (PASSWORD, TOPIC, "jazz"))
    assert "env" not in options
    assert not any(PASSWORD in value for value in os.environ.values())


def test_an_address_that_apprise_does_not_know_is_final() -> None:
    (found,) = send(["nfty://x"], MESSAGE, 30.0, sends=False)
    assert (found.trouble, found.is_final) == ("Apprise does not understand this URL", True)


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("Failed to send to topic 'abcde': error=429.", "HTTP 429"),
        ("Socket Exception: [Errno -2] Name or service not known", "host not found"),
        ("Socket Exception: Read timed out. (read timeout=4.0)", "no answer in time"),
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "the server's certificate is not trusted"),
        (
            "Failed to send e-mail to bob%40 by s3cr3t pass word",
            "Failed to send e-mail to ***%40 by *** *** ***",
        ),
    ],
)
def test_what_is_told_has_nothing_of_the_address(line: str, trouble: str) -> None:
    assert told([line], "mailto://bob:s3cr3t@abcde/pass%20word")["trouble"] == trouble


# --- in the program


RULE = '[[notify]]\nname = "a"\nurls = ["{url}"]\nstay_seconds = 3\ncool_down_minutes = 0\n'


def outputs(settings: Settings, health: Health, lines: list[str]) -> Outputs:
    info = read_bundle(find_model(DEFAULT_MODEL)).info
    return Outputs(settings, health, info, True, lines.append)


def test_the_program_sends_says_what_fails_and_reloads(
    ntfy: NtfyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    health, lines = Health(), list[str]()
    ntfy.answers = [401]
    sinks = outputs(loaded(tmp_path, RULE.format(url=ntfy.url)), health, lines)
    sinks.write(live(0, "jazz"))
    wait_for(lambda: lines, "the failure")
    assert lines == ["notify a: ntfy: HTTP 401; given up"]
    sinks.write(live(1, "rock"))
    wait_for(lambda: ntfy.messages, "a message")
    wait_for(lambda: len(lines) == 2, "the end of the failure")
    assert lines[1] == "notify a: works again"
    (entry,) = health.sinks
    assert (entry.name, entry.written, entry.failures, entry.dropped) == ("notify a", 1, 1, 1)
    text = RULE.format(url=ntfy.url) + 'template = "{label}!"\n'
    sinks.replace(loaded(tmp_path, text))
    sinks.write(live(2, "rock"))
    sinks.write(live(3, "pop"))
    wait_for(lambda: len(ntfy.messages) == 2, "the message of the new rule")
    assert ntfy.messages[-1]["message"] == "pop!"
    sinks.replace(loaded(tmp_path, ""))
    sinks.write(live(4, "jazz"))
    sinks.close()
    assert health.sinks == []
    assert len(ntfy.messages) == 2
    assert set(json.loads((tmp_path / "genre-edge" / "notify.json").read_text())) == {"a"}


def test_a_label_that_the_model_has_not_is_named(ntfy: NtfyServer, tmp_path: Path) -> None:
    lines = list[str]()
    text = RULE.format(url=ntfy.url) + 'labels = ["jaz", "silence"]\n'
    outputs(loaded(tmp_path, text), Health(), lines).close()
    (line,) = lines
    assert line.startswith("notify a: the model has no label jaz; it has blues, ")


def test_addresses_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text(f"# mine\nntfy://{TOPIC}\n\nmailto://{USER}:{PASSWORD}@example.org\n")
    text = RULE.format(url=f"ntfy://{TOPIC}") + f'urls_file = "{file}"\n'
    settings = loaded(tmp_path, text)
    (config,) = settings.all_of(kinds.notify.SECTION)
    assert len(config.addresses()) == 3
    shown = effective(kinds.sections(), settings, {})
    assert 'urls = ["ntfy://***"]' in shown
    assert not any(secret in shown for secret in (TOPIC, PASSWORD))
    file.write_text(f"{PASSWORD}\n")
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, text)
    assert f"urls_file {file}: number 1 is no Apprise URL" in str(error.value)
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "notify every genre: needs urls or urls_file"),
        ('urls = ["topic"]', "urls: number 1 is no Apprise URL"),
        (
            'urls = ["json://h"]\nstates = ["broken"]',
            "states: broken is none of waiting, listening",
        ),
        ('urls = ["json://h"]\nquiet_hours = ["22-7"]', "quiet_hours: 22-7: must be like"),
        ('urls = ["json://h"]\ntemplate = "{label.x}"', "template: {label.x} is none of label, "),
        ('urls = ["json://h"]\ntemplate = "{label:.0%}"', "every field is a text"),
        ('urls = ["json://h"]\ntemplate = "{label"', "template: expected '}'"),
        ('urls = ["json://h"]\n[[notify]]\nurls = ["json://h"]', "two rules are called so"),
        ('urls_file = "/nowhere"', "/nowhere: No such file"),
    ],
)
def test_faults_are_found_before_anything_runs(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, f"[[notify]]\n{lines}\n")
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_without_apprise_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"notify needs apprise: .*pip install .*notify"):
        loaded(tmp_path, RULE.format(url="json://h"))


def test_rules_are_tried_out(ntfy: NtfyServer, tmp_path: Path, capsys) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        RULE.format(url=ntfy.url)
        + f'[[notify]]\nname = "b"\nurls = ["json://127.0.0.1:{free_port()}", "nfty://{TOPIC}"]\n'
    )

    def notify(*words: str) -> tuple[int, str, str]:
        status = main(["notify", *words, "--config", str(file)])
        said = capsys.readouterr()
        assert TOPIC not in said.out + said.err
        return status, said.out, said.err

    status, listed, _ = notify()
    assert (status, listed.splitlines()) == (
        1,
        ["a: ntfy: ok", "b: json: ok", "b: nfty: Apprise does not understand this URL"],
    )
    assert ntfy.messages == []
    assert notify("--test", "a") == (0, "a: ntfy: sent\n", "")
    assert "the rule 'a' reaches you here" in ntfy.messages[0]["message"]
    status, failed, _ = notify("--test", "b")
    assert (status, failed.splitlines()[0]) == (1, "b: json: connection refused")
    unknown = "genre-edge: c: no rule is called so; there are a, b\n"
    assert notify("--test", "c") == (2, "", unknown)
    file.write_text("")
    assert notify() == (2, "", f"genre-edge: {file}: has no table [[notify]]\n")


def test_files_are_no_occasion(ntfy: NtfyServer, tmp_path: Path) -> None:
    from tests.helpers.windows import window

    sinks = outputs(loaded(tmp_path, RULE.format(url=ntfy.url)), Health(), [])
    sinks.write(window(0))
    sinks.close()
    assert ntfy.messages == []


def test_a_rule_is_named_by_what_it_is_about() -> None:
    assert NotifyConfig(labels=("jazz",), states=("lost",)).title == "jazz, lost"
