"""Settings that are published to a real broker, in a program that listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from genre_edge.cli import main
from genre_edge.records import GapRecord, LiveRecord
from genre_edge.service import pipeline
from genre_edge.settings.reader import SettingsReader
from genre_edge.settings.settings import Settings
from genre_edge.settings.signed import SignedSettings, signed_file
from genre_edge.settings.tables import LISTEN
from genre_edge.sinks import kinds

from tests.helpers.broker import Broker
from tests.helpers.steady_program import TWO, Running, Steady
from tests.helpers.updates import PUBLIC
from tests.helpers.waiting import wait_for


class Kitchen(Running):
    """A program that listens and takes updates from a broker."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        layer = SignedSettings(signed_file(), lambda line: self.said.append(line))
        self.reader = SettingsReader(kinds.sections(), folder / "c.toml", signed=layer)
        text = (
            f"[mqtt]\nurl = 'mqtt://127.0.0.1:{broker.port}'\nname = 'kitchen'\n"
            f"[update]\nurl = 'mqtt'\ntrusted_keys = ['{PUBLIC}']\n"
            "[listen]\nsilence_dbfs = -40\n"
        )
        super().__init__(folder, text + TWO, reader=self.reader)

    def load(self) -> Settings:
        return self.reader()

    def hears(self, words: str) -> None:
        """Wait for a line with these words."""
        wait_for(lambda: any(words in one for one in self.said), f"{words!r} in {self.said}")

    def wait_for_silence(self, is_silent: bool) -> None:
        """Wait until three new windows in a row are silence, or none of them is."""
        already = len(self.records)

        def agree() -> bool:
            last = [one for one in self.records[already:] if isinstance(one, LiveRecord)][-3:]
            return len(last) == 3 and all((one.label == "silence") == is_silent for one in last)

        wait_for(agree, "windows of silence" if is_silent else "windows of music")


@pytest.fixture
def kitchen(tmp_path, monkeypatch, broker) -> Iterator[Callable[[], Kitchen]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pipeline, "StreamSource", Steady)
    running: list[Kitchen] = []

    def start() -> Kitchen:
        running.append(Kitchen(tmp_path, broker))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def test_settings_come_into_force_while_it_listens_last_and_are_revoked(
    broker, kitchen, publish
) -> None:
    to = f"mqtt://127.0.0.1:{broker.port}"
    program = kitchen()
    program.wait_for_silence(False)
    before = program.reader.read()
    publish("settings", "listen.silence_dbfs=0", "listen.smooth=1", "--serial", 1, to=to)
    program.hears("update installed: listen.silence_dbfs")
    program.wait_for_silence(True)
    assert program.reader.fixed_by(LISTEN, "smooth") == "signed settings"
    program.stop()
    assert not any(isinstance(one, GapRecord) for one in program.records), "no audio was lost"
    again = kitchen()
    again.wait_for_silence(True)
    publish("settings", "--revoke", "--serial", 2, to=to)
    again.hears("signed settings revoked")
    again.wait_for_silence(False)
    assert again.reader.read() == before
    assert not signed_file().exists()


def test_one_setting_that_cannot_be_and_none_comes_into_force(
    broker, kitchen, publish, monkeypatch
) -> None:
    """The publisher's version of the program may know better than the device's."""
    program = kitchen()
    program.wait_for_silence(False)
    monkeypatch.setattr(
        "genre_edge.update.setting_words.settings_of_words",
        lambda words: {"listen.silence_dbfs": 0, "mqtt.url": "mqtt://thief"},
    )
    publish("settings", "whatever", to=f"mqtt://127.0.0.1:{broker.port}")
    program.hears("mqtt.url: is set on the device itself only")
    program.wait_for_silence(False)
    assert not signed_file().exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("listen.smooth=5 listen.smooth=7", "listen.smooth: is given twice"),
        ("mqtt.url=mqtt://thief", "mqtt.url: is set on the device itself only"),
        ("update.url=http://thief/", "update.url: is set on the device itself only"),
        ("history.keep_days=1", "history.keep_days: is set on the device itself only"),
        ("listen.smoth=5", "listen.smoth: unknown; did you mean listen.smooth?"),
        ("listen.smooth=0", "listen.smooth: must be between 1 and 1000"),
        ("listen.hours=late", "listen.hours"),
        ("listen.smooth", "listen.smooth: must be SECTION.OPTION=VALUE"),
    ],
)
def test_what_no_device_would_take_is_not_published(publish, tmp_path, capsys, words, fault):
    assert publish("settings", *words.split(), to=tmp_path) == 2
    assert capsys.readouterr().err.startswith(f"genre-edge: {fault}")
    assert not (tmp_path / "settings.signed").exists()


def test_config_show_tells_what_came_signed(publish, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = tmp_path / "c.toml"
    file.write_text(f"[update]\nurl = 'http://h/'\ntrusted_keys = ['{PUBLIC}']\n")
    publish("settings", "listen.smooth=5", to=tmp_path)
    signed_file().parent.mkdir(parents=True)
    signed_file().write_bytes((tmp_path / "settings.signed").read_bytes())
    capsys.readouterr()
    assert main(["config", "show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert f"# signed settings: {signed_file()}; without that file" in shown
    assert "smooth = 5  # signed settings: listen.smooth\n" in shown
    file.write_text("")
    assert main(["config", "show", str(file)]) == 0
    assert "signed" not in json.dumps(capsys.readouterr().out)
