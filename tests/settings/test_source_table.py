"""The table [[source]] and the flag --source; nothing shows a password."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.settings.credentials import without_credentials
from genre_edge.settings.load import load
from genre_edge.settings.source_table import SourceConfig, parse_source
from genre_edge.settings.text import effective

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("http://h/a", {"url": "http://h/a"}),
        ("http://h/a,b,c", {"url": "http://h/a,b,c"}),
        ("http://h/a?x=1,2,name=n,gain-db=3", {"url": "http://h/a?x=1,2", "name": "n"}),
        ("fifo:/tmp/f,rate=48000,channels=1", {"url": "fifo:/tmp/f", "rate": 48000, "channels": 1}),
        ("rtsp://u:p,q@h/,audio-only=false", {"url": "rtsp://u:p,q@h/", "audio_only": False}),
    ],
)
def test_a_flag_is_a_url_and_keys(text: str, values: dict) -> None:
    found = parse_source(text)
    assert {key: found[key] for key in values} == values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"ftp://joe:{SECRET}@h/", "must begin with one of http"),
        (f"http://joe:{SECRET}@", "must name a host"),
        ("http:///a", "must name a host"),
        (f"http://joe:{SECRET}@h/,nmae=x", "nmae is none of name="),
        (f"http://joe:{SECRET}@h/,rate=9000", "rate is for fifo: and alsa: alone"),
        (f"http://joe:{SECRET}@h/\n,name=x", "control characters"),
        (f"http://joe:{SECRET}@h/,channel=3", "must be between 1 and 2"),
        ("fifo:", "must be fifo:PATH"),
        ("", "must begin with"),
    ],
)
def test_a_fault_is_named_without_the_password(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_source(text)
    assert says in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"http://joe:{SECRET}@h:8000/a", "http://***@h:8000/a"),
        (f"http://joe:{SECRET}@x@h/a", "http://***@h/a"),
        (f"rtsp://h/a?user=joe&password={SECRET}", "rtsp://h/a?***"),
        (f"failed: 'http://{SECRET}@h/' is gone", "failed: 'http://***@h/' is gone"),
        ("http://h/a@b", "http://h/a@b"),
        (f"rtsp://joe:pa/{SECRET}@h/a", "rtsp://***@h/a"),
        (f"rtsp://joe:pa?{SECRET}@h/a", "rtsp://***@h/a"),
        (f"rtsp://joe:pa#{SECRET}@h:554/a?b=1", "rtsp://***@h:554/a?***"),
        (f"failed: 'rtsp://joe:a/{SECRET}@h/a': gone", "failed: 'rtsp://***@h/a': gone"),
        (f"rtsp://h/user=joe&password={SECRET}&channel=1", "rtsp://h/***"),
        (f"rtsp://h/user=joe_password={SECRET}_channel=1_stream=0.sdp", "rtsp://h/***"),
        (f"rtsp://h/live/Pwd={SECRET}", "rtsp://h/live/***"),
        (f"http://h/a;token={SECRET}", "http://h/a;***"),
        (f"http://h/a#key={SECRET}", "http://h/a#***"),
        (
            f"'http://h/a': refused, 'rtsp://h/auth={SECRET}'",
            "'http://h/a': refused, 'rtsp://h/***'",
        ),
        ("http://h:8000/jazz/monkey=1.mp3", "http://h:8000/jazz/monkey=1.mp3"),
        ("file:/music/what?.wav", "file:/music/what?.wav"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_the_settings_in_force_hide_a_password(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[[source]]\nurl = "http://joe:{SECRET}@h/radio"\n')
    settings, origins = load((), file, {})
    assert settings.sources == (SourceConfig(f"http://joe:{SECRET}@h/radio"),)
    shown = effective((), settings, origins)
    assert 'url = "http://***@h/radio"' in shown
    assert SECRET not in shown


def test_a_loop_of_a_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--source: .*none\.wav: no such file"):
        load((), None, {}, {"source": [parse_source(f"file:{tmp_path}/none.wav")]})


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        (("http://a/,name=x", "http://b/"), "http://b/: needs a name"),
        (("http://a/,name=x", "http://b/,name=x"), "name x: is given to several sources"),
        (("http://a/,name=x y", "http://b/,name=x_y"), "is given to several sources"),
        (("microphone,name=x", "microphone,name=y"), "microphone: can be one of the sources only"),
    ],
)
def test_several_sources_are_told_apart(sources: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=f"^--source: .*{says}"):
        load((), None, {}, {"source": [parse_source(text) for text in sources]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("microphone:1", "must be microphone and a name"),
        ("microphone,gain-db=3", r"all else about it is set in \[microphone\]"),
        ("http://h/,name=a/b", "must be 60 letters"),
        (f"http://h/,name={'x' * 61}", "must be 60 letters"),
    ],
)
def test_a_name_is_a_part_of_topics_and_a_microphone_is_set_elsewhere(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_source(text)


def test_the_microphone_may_be_one_of_the_sources() -> None:
    texts = ("microphone,name=hall", "http://h/,name=radio")
    settings, _ = load((), None, {}, {"source": [parse_source(text) for text in texts]})
    assert [source.is_microphone for source in settings.sources] == [True, False]
