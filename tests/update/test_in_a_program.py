"""Updates and the program that listens, in one process, which may be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from genre_edge.update.bundle_store import BundleStore
from genre_edge.update.state import STATE, read_state

from tests.helpers.listening import Listening
from tests.helpers.steady_program import NEW, OLD
from tests.helpers.tiny_models import tiny_model
from tests.helpers.updates import PUBLIC
from tests.helpers.waiting import wait_for


def labels(record: dict) -> tuple[str, ...]:
    return tuple(record.get("scores", ()))


def first_window(program: Listening, wanted: tuple[str, ...]) -> None:
    """Wait for a window that is told in these labels."""
    program.wait_until(lambda record: labels(record) == wanted, f"a window of {wanted}")


@pytest.mark.slow
@pytest.mark.devices
def test_a_program_that_is_killed_during_a_trial_begins_with_the_model_before(
    address: str, folder: Path, publish: Callable[..., int], tmp_path: Path, demo_clip: Path
) -> None:
    new = tiny_model(tmp_path / "new.tflite", NEW, seconds=1.0)
    assert publish("model", new, to=folder) == 0
    config = tmp_path / "c.toml"
    config.write_text(
        f"[model]\nmodel = '{tiny_model(tmp_path / 'old.tflite', OLD)}'\n"
        f"[update]\nurl = '{address}'\ntrusted_keys = ['{PUBLIC}']\n"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    arguments = ("--config", config, "--source", f"file:{demo_clip}")
    state = tmp_path / "genre-edge" / "updates" / STATE
    program = Listening(environment, *arguments)
    try:
        first_window(program, OLD)
        first_window(program, NEW)
        program.process.send_signal(signal.SIGKILL)
        program.process.wait()
    finally:
        program.close()
    on_trial = read_state(state).on_trial
    assert on_trial is not None
    assert on_trial.name == "new"
    assert BundleStore(state.parent).path(on_trial.sha256).read_bytes() == Path(new).read_bytes()
    program = Listening(environment, *arguments)
    try:
        assert labels(program.wait_for(type="window")) == OLD
        first_window(program, NEW)  # it may have been a power cut
        wait_for(lambda: read_state(state).installed, "the end of the trial")
        program.stop()
    finally:
        program.close()
    program = Listening(environment, *arguments)
    try:
        assert labels(program.wait_for(type="window")) == NEW
        program.stop()
    finally:
        program.close()
