"""No password, query or header of the command line can be read by others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from genre_edge.command_line_secrets import without_secrets


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (b"rtsp://me:pass@camera/live", b"rtsp://*******@camera/live"),
        (b"--source=http://u:p@h/x?key=1,name=a", b"--source=http://***@h/x?*****,name=a"),
        (b"https://h/x,header=Authorization:Bearer t", b"https://h/x,header=" + b"*" * 22),
        (b"song@home.mp3", b"song@home.mp3"),
        (b"mqtt://broker/genre", b"mqtt://broker/genre"),
    ],
)
def test_secrets_become_stars(word: bytes, shown: bytes) -> None:
    assert without_secrets([word]) == [shown]
    assert len(word) == len(shown)


def test_the_path_of_a_webhook_is_a_secret() -> None:
    assert without_secrets([b"--webhook", b"https://hooks.example/T0/B1,every=window"]) == [
        b"--webhook",
        b"https://hooks.example/*****,every=window",
    ]
    assert without_secrets([b"--webhook=https://h/T0"]) == [b"--webhook=https://h/**"]
    assert without_secrets([b"--webh", b"https://h/T0"]) == [b"--webh", b"https://h/**"]
    assert without_secrets([b"--webh=https://h/T0"]) == [b"--webh=https://h/**"]
    assert without_secrets([b"--webhook=https://h/T 0"]) == [b"--webhook=https://h/***"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_others_see_stars_where_a_running_program_had_secrets() -> None:
    program = (
        "import sys; from genre_edge.cli import main\n"
        "try: main()\n"
        "finally: print(open('/proc/self/cmdline').read().split(chr(0)), sys.argv)"
    )
    words = ["listen", "--source", "rtsp://me:pass@camera/live?k=v", "--nonsense"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    seen, meant = done.stdout.split("] [")
    assert "rtsp://*******@camera/live?***" in seen
    assert "pass" not in seen
    assert "rtsp://me:pass@camera/live?k=v" in meant, "the program still knows them"
