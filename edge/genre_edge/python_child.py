"""Starting this Python again for work that may crash, without anything of the current
directory in it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_SAFE_PATH = "PYTHONSAFEPATH"


def python_child(module: str, *arguments: str) -> list[str]:
    """The command line of a process of this Python that runs a module of this program.

    Python's isolated mode (-I) heeds neither the current directory nor the environment.
    The module is looked for where this process has its packages.

    Parameters
    ----------
    module
        Its full name.
    *arguments
        What it finds in sys.argv[1:].
    """
    return [sys.executable, "-I", "-c", _START, json.dumps(_search_path()), module, *arguments]


def _search_path() -> list[str]:
    """Where packages are looked for, without the current directory. If this program
    itself lies there, it is the last place."""
    own = str(Path(__file__).absolute().parents[1])
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it was removed
        here = ""
    places = [one for one in sys.path if os.path.isabs(one) and os.path.realpath(one) != here]
    return places if own in places else [*places, own]


@contextmanager
def without_current_directory() -> Iterator[None]:
    """While it lasts, processes that multiprocessing starts do not look for modules in
    the current directory."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before
