"""A worker does not ask the kernel for the same memory again and again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import threading
from resource import RUSAGE_SELF, getrusage

import numpy as np

from genre_edge.library.memory import keep_memory


def work():
    for _ in range(3):
        np.ones(1 << 19) * 2
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(1 << 18) * 2
    print(getrusage(RUSAGE_SELF).ru_minflt - before)


keep_memory()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's mallopt")
def test_arrays_use_memory_again_though_dask_has_set_a_low_limit():
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000  # 25 000 pages without keep_memory
