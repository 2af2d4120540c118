"""Requests that take long: a crowd of them leaves the service to others."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import requests
from genre_edge.settings.tables import WebConfig
from genre_edge.web import history_routes
from genre_edge.web.admission import Admission
from genre_edge.web.app import create_app
from genre_edge.web.problems import Problem
from genre_edge.web.server import Server
from genre_edge.web.turns import Turns

from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for
from tests.web.conftest import service_state


def test_few_work_few_wait_and_the_others_are_told_to_come_again() -> None:
    turns, go_on, working = Turns("busy", 2, 1), threading.Event(), list[int]()

    def work() -> None:
        with turns:
            working.append(1)
            go_on.wait(BACKSTOP_SECONDS)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(working) == 2 and turns._admitted._value == 0, "two work, one waits")
    with pytest.raises(Problem, match="busy; try again") as told, turns:
        pass
    assert (told.value.status, told.value.retry_after) == (429, 5)
    go_on.set()
    for thread in threads:
        thread.join()
    with turns:
        assert len(working) == 3


def test_a_crowd_that_reads_a_long_history_silences_nobody(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "history.db").touch()
    go_on, asked = threading.Event(), list[int]()

    def long(*_: object) -> list[object]:
        go_on.wait(BACKSTOP_SECONDS)
        return []

    monkeypatch.setattr(history_routes, "summarise", long)
    config = WebConfig(port=0, viewers=1, uploads=1)
    state = service_state(config, tmp_path)
    server = Server(create_app(state), config, Admission(state.guard, config), print)

    def ask() -> None:
        asked.append(requests.get(f"{server.url}/api/history").status_code)

    threads = [threading.Thread(target=ask) for _ in range(60)]
    try:
        for thread in threads:
            thread.start()
        wait_for(lambda: len(asked) == 56, "all but four are told to come again")
        assert requests.get(f"{server.url}/healthz", timeout=BACKSTOP_SECONDS).ok
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
        server.close()
    assert sorted(set(asked)) == [200, 429]
