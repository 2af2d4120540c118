"""Dask's workers: processes of this machine, or a cluster that is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from multiprocessing import resource_tracker
from typing import Any

from ..errors import Fault, UsageError
from ..interrupt import interrupts_later
from ..python_child import without_current_directory

_QUIET = dict.fromkeys(("distributed", "distributed.client", "tornado.application"), "critical")
"""Dask tells of workers that come and go, and Tornado of what Ctrl-C interrupts in
Dask; what matters to a user is in the rows."""
_SETTINGS = {
    # A task waits at the scheduler until a worker is free, so that a worker's death
    # concerns the one task that it was working on.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": 0,
    # By default a worker is given up that is just starting again some seconds after it
    # died, until there are none.
    "distributed.deploy.lost-worker-timeout": "3650 days",
    "distributed.nanny.pre-spawn-environ": {"DASK_LOGGING__DISTRIBUTED": "critical"},
}


def has_dashboard() -> bool:
    """Whether Dask can show its dashboard, a web page."""
    return find_spec("bokeh") is not None


@contextmanager
def own_workers(count: int) -> Iterator[Any]:
    """Start worker processes of one thread each; yields Dask's client.

    Other users of this machine cannot talk to them: they use TLS with a key that is in
    memory only. They end with this program, however it ends.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="genre-edge-"))
        stack.enter_context(without_current_directory())
        distributed = stack.enter_context(_dask(_SETTINGS | {"temporary-directory": folder}))
        resource_tracker.ensure_running()  # its start would let SIGINT through again
        with interrupts_later():  # Ctrl-C is for this process
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                security=True,
                dashboard_address="127.0.0.1:0",
            )
            stack.enter_context(cluster)
            client = stack.enter_context(distributed.Client(cluster))
        yield client


@contextmanager
def their_workers(address: str) -> Iterator[Any]:
    """Use the cluster of a scheduler; yields Dask's client.

    Raises
    ------
    UsageError
        If no scheduler answers there.
    """
    with _dask({}) as distributed:
        try:
            with interrupts_later():
                client = distributed.Client(address)
        except (OSError, TimeoutError, ValueError) as error:
            reason = f"no Dask scheduler answers there ({' '.join(str(error).split())})"
            raise UsageError(Fault("scheduler", address, reason)) from None
        with client:
            yield client


@contextmanager
def _dask(settings: dict[str, Any]) -> Iterator[Any]:
    """Dask's module distributed, set up. It reads what it logs when it is imported."""
    import dask

    with dask.config.set({"logging": _QUIET} | settings):
        import distributed

        yield distributed
