"""Which connections count as stalled, on a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from genre_edge.web.stalls import StallDetector

SEND, RECEIVE, HEADERS, CROWD = 20.0, 300.0, 15.0, 10


@dataclass(eq=False)
class Request:
    """What waitress's parser says of a request that arrives."""

    headers_finished: bool = True


@dataclass(eq=False)
class Connection:
    """What waitress's channel says of one client."""

    total_outbufs_len: int = 0
    last_activity: float = 0.0
    request: Request | None = None
    requests: tuple[object, ...] = ()


@pytest.fixture
def detector() -> StallDetector:
    return StallDetector(SEND, RECEIVE, HEADERS, CROWD)


def stalled_at(detector: StallDetector, connection: Connection, now: float) -> bool:
    return detector.stalled([connection], now) == [connection]


def test_a_client_that_takes_nothing_has_stalled(detector) -> None:
    client = Connection(total_outbufs_len=1000)
    assert not stalled_at(detector, client, 0.0)
    assert not stalled_at(detector, client, SEND)
    assert stalled_at(detector, client, SEND + 1)


def test_a_slow_client_that_takes_a_little_has_not_stalled(detector) -> None:
    client = Connection(total_outbufs_len=1000)
    for second in range(200):
        client.total_outbufs_len += 10  # the answer grows faster than it is taken
        client.last_activity += 1.0
        assert not stalled_at(detector, client, float(second))


def test_a_quiet_event_stream_has_not_stalled_when_something_comes(detector) -> None:
    client = Connection()
    assert not stalled_at(detector, client, 0.0)
    assert not stalled_at(detector, client, 1000.0)
    client.total_outbufs_len = 1
    assert not stalled_at(detector, client, 1001.0)
    assert not stalled_at(detector, client, 1000.0 + SEND)
    assert stalled_at(detector, client, 1001.0 + SEND)


def test_a_request_that_never_ends_has_stalled_however_many_bytes_come(detector) -> None:
    client = Connection(request=Request())
    for second in range(int(RECEIVE) + 1):
        client.last_activity += 1.0
        assert not stalled_at(detector, client, float(second))
    assert stalled_at(detector, client, RECEIVE + 1)


def test_a_connection_may_live_long_and_begin_a_new_request(detector) -> None:
    client = Connection()
    for second in range(0, 2000, 100):
        client.request = Request()
        assert not stalled_at(detector, client, float(second))
        client.request = None
        assert not stalled_at(detector, client, second + 50.0)


def test_each_connection_is_judged_alone_and_closed_ones_are_forgotten(detector) -> None:
    stuck, idle = Connection(total_outbufs_len=1), Connection()
    assert detector.stalled([stuck, idle], 0.0) == []
    assert detector.stalled([stuck, idle], SEND + 1) == [stuck]
    assert detector.stalled([idle], SEND + 2) == []
    assert detector.stalled([stuck], SEND + 3) == [], "seen for the first time again"


def test_headers_that_never_end_have_stalled_sooner(detector) -> None:
    client = Connection(request=Request(headers_finished=False))
    assert not stalled_at(detector, client, 0.0)
    assert not stalled_at(detector, client, HEADERS)
    assert stalled_at(detector, client, HEADERS + 1)


def test_in_a_crowd_those_make_room_that_have_waited_longest(detector) -> None:
    viewers = [Connection(requests=(object(),)) for _ in range(CROWD - 2)]
    uploading = Connection(request=Request())
    dripping = [Connection(request=Request(headers_finished=False)) for _ in range(3)]
    assert detector.stalled([*viewers, uploading, dripping[0]], 0.0) == []
    assert detector.stalled([*viewers, uploading, *dripping], 1.0) == dripping[:2]
    assert detector.stalled([*viewers, uploading, dripping[2]], 2.0) == []
