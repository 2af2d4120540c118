"""genre-edge update where no program runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.cli import main
from genre_edge.statement import BundleOffer, Statement
from genre_edge.update.state import STATE, UpdateState, Version, read_state, write_state
from genre_edge.update.wishes import Wishes

MINE, BEFORE = Version(2, "mine", "0f" * 32, "more jazz"), Version(1, "mine", "aa" * 32)
BAD = Statement(3, 3, bundle=BundleOffer("bad", "bb" * 32, 1, "x"))


@pytest.fixture
def path(tmp_path: Path, monkeypatch) -> Path:
    """Where the state is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "genre-edge/updates" / STATE


def test_a_device_without_updates_says_so(path: Path, capsys) -> None:
    assert main(["update", "status"]) == 0
    assert "there were none yet" in capsys.readouterr().out
    assert main(["update", "rollback"]) == 2
    assert capsys.readouterr().err == (
        "genre-edge: no model has come as an update: there is nothing to take back\n"
    )
    assert not path.parent.exists()


def test_the_model_before_comes_back_one_after_the_other(path: Path, capsys) -> None:
    write_state(path, UpdateState(2, 0, MINE, BEFORE, "gtzan-edge.int8").refusing(BAD, "slow", 9.0))
    assert main(["update", "status"]) == 0
    said = capsys.readouterr().out
    for words in (
        "no program looks after updates now",
        "model       mine 0f0f0f0f (serial 2); more jazz",
        "instead of  gtzan-edge.int8",
        "before      mine aaaaaaaa",
        "refused     bad bbbbbbbb (serial 3), ",
        "because     slow",
        "serials     model 3, settings 0",
    ):
        assert words in said
    for installed in (BEFORE, None):
        assert main(["update", "rollback"]) == 0
        assert read_state(path).installed == installed
    assert main(["update", "rollback"]) == 2


def test_a_model_on_trial_is_not_yet_one_to_take_back(path: Path, capsys) -> None:
    write_state(path, UpdateState(1, 0, BEFORE, None, "gtzan-edge.int8").beginning(MINE))
    with Wishes(path.parent).alone():
        assert main(["update", "rollback"]) == 2
    assert capsys.readouterr().err == (
        "genre-edge: mine 0f0f0f0f is on trial: wait until that is over\n"
    )
    assert main(["update", "rollback"]) == 0, "what a program that has died was trying is over"


@pytest.mark.parametrize("text", ["", "[]", '{"form": 1}', '{"form": 2}', "{" * 9000, "\xff"])
def test_a_damaged_state_is_one_line(path: Path, text: str, capsys) -> None:
    write_state(path, UpdateState())
    path.write_text(text)
    assert main(["update", "status"]) == 1
    assert capsys.readouterr().err == (f"genre-edge: {path}: is damaged; remove it to begin anew\n")
