"""A first run of a model that came from elsewhere, in a process that may crash.

The interpreter trusts its models: a damaged or hostile one can end the process, or take
all its memory. So the first run of each is made by a child.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals

from ..console import harmless
from ..errors import BundleError, GenreEdgeError
from ..python_child import python_child
from ..settings.places import default_folder
from ..version import __version__
from .bundle import Bundle, shipped_models

_HARM = "the model is damaged or made to do harm"
_MOST_QUOTED = 200
"""Letters of an interpreter's words that a message quotes."""
_SECONDS = 60
"""Longest time for the first run; a second's audio takes milliseconds."""
_MOST_MEMORY = 4 << 30
"""Address space of the child, bytes: TensorFlow alone takes more than one GiB."""
_MOST_GROWTH = 512 << 20
"""Memory that the model may take beside its file, bytes."""
REFUSED = 3
"""Exit status of the child where the interpreter said why it does not load the
model."""
_GREEDY = 4
"""Exit status where the model took too much memory."""


def try_out(bundle: Bundle, runtime: str, threads: int) -> None:
    """Run a model once in a child, unless it is a shipped one or was tried before.

    Parameters
    ----------
    bundle
        The model.
    runtime
        The interpreter, one of classifier.RUNTIMES.
    threads
        Its threads.

    Raises
    ------
    BundleError
        If the child crashed, took too long or too much memory, or if the interpreter
        cannot load the model.
    GenreEdgeError
        If no child could be made.
    """
    if bundle.path in shipped_models().values():
        return
    mark = _mark(bundle, runtime)
    if os.path.exists(mark):  # Path.exists raises where a folder may not be entered
        return
    trouble = _trouble(bundle.flatbuffer, runtime, threads)
    if trouble:
        raise BundleError(f"{bundle.path}: the interpreter {trouble}")
    with suppress(OSError):  # without a place to write, it is tried again next time
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)


def _mark(bundle: Bundle, runtime: str) -> Path:
    """The empty file that says that a model has been tried."""
    return default_folder() / "tried" / f"{bundle.sha256}-{runtime}-{__version__}"


def _trouble(flatbuffer: bytes, runtime: str, threads: int) -> str:
    """What happened to the child; empty if it could run the model."""
    return run_child(python_child(__name__, runtime, str(threads)), flatbuffer, _SECONDS)[0]


def run_child(command: Sequence[str], content: bytes, seconds: float) -> tuple[str, bytes]:
    """Have a child try a model out.

    Parameters
    ----------
    command : sequence of str
        The child, which calls `limit_child` first.
    content : bytes
        What it reads from standard input.
    seconds : float
        Longest time, s.

    Returns
    -------
    trouble : str
        What happened to it, as the predicate of a sentence; empty if it ended well.
    said : bytes
        Its standard output.

    Raises
    ------
    GenreEdgeError
        If no child could be made.
    """
    try:
        done = subprocess.run(
            command,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {seconds:g} s for it; {_HARM}", b""
    except OSError as error:
        raise GenreEdgeError(f"the model cannot be tried out: {error.strerror}") from None
    if done.returncode < 0:
        with suppress(ValueError):
            return f"crashed on it ({Signals(-done.returncode).name}); {_HARM}", b""
        return f"crashed on it (signal {-done.returncode}); {_HARM}", b""
    if done.returncode == REFUSED:
        # The program itself has no such limits: it must not try.
        lines = done.stdout.decode(errors="replace").strip().splitlines() or [""]
        return f"cannot load it ({harmless(lines[-1])[:_MOST_QUOTED]})", b""
    if done.returncode:
        return f"failed on it, or ran out of memory; {_HARM}", b""
    return "", done.stdout


def limit_child(seconds: int) -> None:
    """Limit this process before it runs a model: its memory, its time, and no core."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _MOST_MEMORY)
    _limit(resource.RLIMIT_CPU, seconds)


def _limit(what: int, most: int) -> None:
    """Where this process is held to less already, that stays (an upload's process
    is)."""
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


def _run_once() -> int:
    """What the child does: a model on standard input, some windows through it."""
    import numpy as np

    from .classifier import interpreter_class

    limit_child(_SECONDS)
    runtime, threads = sys.argv[1:]
    _, interpreter = interpreter_class(runtime)
    content = sys.stdin.buffer.read()
    before = _peak()
    try:
        net = interpreter(model_content=content, num_threads=int(threads))
        net.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        print(" ".join(str(error).split()), flush=True)
        return REFUSED
    try:
        inputs = net.get_input_details()
        random = np.random.default_rng(0)
        for scale in (0.0, 1.0, 1e6):
            for one in inputs:
                values = scale * random.standard_normal(one["shape"])
                dtype = np.dtype(one["dtype"])
                if dtype.kind in "iu":
                    limits = np.iinfo(dtype)
                    values = np.clip(values, limits.min, limits.max)
                net.set_tensor(one["index"], values.astype(dtype))
            net.invoke()
        for one in net.get_output_details():
            net.get_tensor(one["index"])
    except (ValueError, RuntimeError):
        pass  # a window of noise may be none; what a real one is, the program says
    return _GREEDY if _peak() - before > _MOST_GROWTH else 0


def _peak() -> int:
    """The most memory that this process has had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    status = _run_once()
    os._exit(status)  # not through the interpreter's destructors
