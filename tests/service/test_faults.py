"""The table of injected faults: nothing is lost that nobody counted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.faults import FAULTS
from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.devices
def test_no_fault_costs_a_record_that_nobody_counted() -> None:
    command = [sys.executable, "-m", "benchmarks.faults", "--tries", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("|").split("|") for line in done.stdout.splitlines()[2:]]
    assert len(rows) == len(FAULTS) == 17
    assert all(int(row[-1]) == 0 for row in rows)


@pytest.mark.slow
def test_days_by_a_fast_clock_miss_no_window() -> None:
    command = [sys.executable, "-m", "benchmarks.year", "--days", "3"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 windows missing" in done.stdout
    assert "2026-10-25 has 25 hours in the history" in done.stdout
