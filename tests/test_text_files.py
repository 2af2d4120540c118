"""Text and tables of other people: the clear is read, the rest named by its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.judge.tracks import load_tracks
from genre_edge.settings.tables import WebConfig
from genre_edge.settings.tomlfile import read_toml
from genre_edge.sinks.webhook_settings import secret_in
from genre_edge.text_files import read_table, read_text

TABLE = "track,genre,file,split\r\nfado,latin,Café.wav,train\r\n\r\nb,rock,b.wav,valid\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_in_any_encoding_and_with_any_delimiter(
    tmp_path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "tracks.csv"
    path.write_bytes(TABLE.replace(",", delimiter).encode(encoding))
    tracks = load_tracks(tmp_path)
    assert [(t.name, t.genre, t.path.name, t.split) for t in tracks] == [
        ("fado", "latin", "Café.wav", "train"),
        ("b", "rock", "b.wav", "valid"),
    ]


def test_values_that_a_row_lacks_are_empty_and_padding_is_ignored(tmp_path) -> None:
    path = written(tmp_path, "a,b,c\n1,2\n3,4,5,,\n")
    assert read_table(path, ("a",)) == [
        {"a": "1", "b": "2", "c": ""},
        {"a": "3", "b": "4", "c": "5"},
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3\n", ":3: has no b"),
        ("a,b\n1,2\n3,4,5\n", ":3: 3 values under 2 names"),
        ("a,x\n1,2\n", ": lacks the column b"),
        ("", ": lacks the column a, b"),
    ],
)
def test_what_is_not_clear_is_named_by_its_line(tmp_path, text: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as error:
        read_table(path, ("a", "b"))
    assert str(error.value) == f"{path}{reason}"


@pytest.mark.parametrize("content", [b"\xff\xfea", b"a\0b", b"caf\xe9"])
def test_what_is_no_text_is_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.txt: is not UTF-8 text"):
        read_text(path)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize("read", [read_text, read_toml, secret_in, lambda p: read_table(p, ())])
def test_a_pipe_or_a_device_is_refused_and_holds_nobody_up(tmp_path, read) -> None:
    pipe, device = tmp_path / "pipe", tmp_path / "device"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(UsageError) as error:
            read(path)
        assert str(error.value) == f"{path}: is a pipe or a device; copy its text to a regular file"
    with pytest.raises(UsageError, match=f"{tmp_path}: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(("read", "size"), [(read_toml, "1 MiB"), (secret_in, "64 KiB")])
def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path, read, size: str) -> None:
    path = tmp_path / "a"
    path.touch()
    os.truncate(path, 1 << 40)  # no memory has room for it
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value) == f"{path}: has more than {size}; name the file that was meant"


def test_a_token_file_that_is_a_pipe_is_named(tmp_path) -> None:
    os.mkfifo(tmp_path / "token")
    with pytest.raises(UsageError, match="token: is a pipe or a device"):
        WebConfig(token_file=tmp_path / "token").token()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_settings_or_secrets(tmp_path, encoding: str) -> None:
    path = tmp_path / "a"
    path.write_bytes("key = 'secret'\n".encode(encoding))
    assert read_toml(path).values == {"key": "secret"}
    assert secret_in(path) == "key = 'secret'"


def written(folder: Path, text: str) -> Path:
    path = folder / "tracks.csv"
    path.write_text(text)
    return path


def test_notes_of_other_systems_are_no_labels(tmp_path) -> None:
    for folder in ("jazz", "rock", "__MACOSX", ".hidden"):
        (tmp_path / folder).mkdir()
        for name in ("a.wav", "b.wav", "._a.wav"):
            (tmp_path / folder / name).touch()
    tracks = load_tracks(tmp_path)
    assert {track.name for track in tracks} == {
        "jazz/a.wav",
        "jazz/b.wav",
        "rock/a.wav",
        "rock/b.wav",
    }
