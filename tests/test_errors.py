"""Errors: what they say, under which name, and that they travel between processes."""

from __future__ import annotations

import pickle

import pytest
from genre_edge.errors import AudioError, DeviceError, Fault, GenreEdgeError, UsageError


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("threads", 0, "must be at least 1"), "threads 0: must be at least 1"),
        (Fault("hop_seconds", 0.001, "must be a frame"), "hop_seconds 0.001: must be a frame"),
        (Fault("samples", "", "has no numbers"), "samples: has no numbers"),
    ],
)
def test_a_fault_names_the_parameter_its_value_and_the_remedy(fault: Fault, message: str) -> None:
    assert str(UsageError(fault)) == message


def test_several_faults_are_one_line() -> None:
    error = UsageError(Fault("smooth", 0, "must be at least 1"), Fault("windows", -1, "no"))
    assert str(error) == "smooth 0: must be at least 1; windows -1: no"


def test_a_command_names_its_flag_instead() -> None:
    error = UsageError(Fault("hop_seconds", 9.0, "too long"), Fault("colour", "red", "unknown"))
    error.rename({"hop_seconds": "--hop"})
    assert str(error) == "--hop 9: too long; colour red: unknown"
    plain = DeviceError("hop_seconds stays as it is in a text")
    plain.rename({"hop_seconds": "--hop"})
    assert str(plain) == "hop_seconds stays as it is in a text"


@pytest.mark.parametrize(
    "error", [AudioError("song.mp3", "is empty"), UsageError(Fault("jobs", 0, "too few"))]
)
def test_errors_survive_the_way_back_from_a_worker(error: GenreEdgeError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
