"""Sending one message by Apprise, in a child that ends afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import GenreEdgeError
from .message import Message
from .settings import service_of

_CHILD = "genre_edge.sinks.notify.apprise_child"
_START_SECONDS = 15.0
"""Time that a slow board gets to start the child and to load Apprise, s."""


@dataclass(frozen=True)
class Outcome:
    """What became of a message to one address."""

    url: str
    """The address; it is a secret."""
    trouble: str = ""
    """What went wrong; empty if nothing did."""
    is_final: bool = True
    """Whether another attempt is useless."""

    def __repr__(self) -> str:
        return f"Outcome({self.service}: {self.trouble or 'sent'})"  # no secret in any log

    @property
    def service(self) -> str:
        """The kind of service, for people."""
        return service_of(self.url)


def send(
    urls: Sequence[str], message: Message, timeout: float, sends: bool = True
) -> list[Outcome]:
    """Send a message to each address.

    Parameters
    ----------
    urls : sequence of str
        Apprise URLs; the child gets them through a pipe.
    message : Message
        What to send.
    timeout : float
        Longest time for all of them, s; then the child is killed.
    sends : bool
        False only looks whether Apprise knows the addresses.

    Returns
    -------
    list of Outcome
        One for each address, in their order.

    Raises
    ------
    GenreEdgeError
        If no child could be made.
    """
    import subprocess

    from ...python_child import python_child

    asked: dict[str, object] = {
        "urls": list(urls),
        "title": message.title,
        "body": message.body,
        "sends": sends,
    }
    asked["seconds"] = timeout
    try:
        child = subprocess.Popen(
            python_child(_CHILD),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise GenreEdgeError(f"no process to send it: {error.strerror}") from None
    trouble = f"not sent within {timeout:g} s"
    with child:
        try:
            said, _ = child.communicate(json.dumps(asked).encode(), timeout + _START_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            said, _ = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode > 0:
        trouble = "the process that sends it failed"
    found = _read(said)
    return [Outcome(url, *found.get(number, (trouble, False))) for number, url in enumerate(urls)]


def _read(said: bytes) -> dict[int, tuple[str, bool]]:
    """{number of the address: trouble, whether it is final}; a last line that was cut
    off says nothing."""
    found: dict[int, tuple[str, bool]] = {}
    for line in said.decode(errors="replace").splitlines():
        try:
            one = json.loads(line)
            found[int(one["number"])] = str(one["trouble"]), bool(one["is_final"])
        except (ValueError, KeyError, TypeError):
            continue
    return found
