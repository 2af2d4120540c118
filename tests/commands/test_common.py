"""What commands share: a message of the library names the flag that was given."""

from __future__ import annotations

import argparse

import pytest
from genre_edge.cli import main
from genre_edge.commands.common import flags_of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "classify {clip} --model gtzan-two-block.int8 --hop 0.015",
            "--hop 0.015: must be at least one frame (0.023 s)",
        ),
        ("classify {clip} --threads 0", "--threads 0: must be"),
        ("history --since yesterday", "--since yesterday: must be a number and m, h, d or w"),
    ],
)
def test_a_message_names_the_flag(
    arguments: str, message: str, demo_clip, capsys: pytest.CaptureFixture
) -> None:
    assert main(arguments.format(clip=demo_clip).split()) == 2
    assert capsys.readouterr().err.startswith(f"genre-edge: {message}")


def test_what_the_command_line_did_not_give_keeps_its_name() -> None:
    args = argparse.Namespace(min_agreement=90, **{"microphone.device": "yeti"})
    assert flags_of(args) == {"min_agreement": "--min-agreement", "device": "--device"}
