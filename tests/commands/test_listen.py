"""The exit status of listening: whether something was lost."""

from __future__ import annotations

import pytest
from genre_edge.commands.listen import report_losses
from genre_edge.health import Health, SinkHealth


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (SinkHealth("history"), 0),
        (SinkHealth("history", failures=2, trouble="locked"), 0),
        (SinkHealth("history", dropped=1, trouble="is a directory"), 1),
        (SinkHealth("history", stopped="history: stopped by KeyError"), 1),
    ],
    ids=["all well", "written in the end", "lost", "stopped"],
)
def test_the_exit_status_tells_of_lost_records(entry: SinkHealth, status: int, capsys) -> None:
    assert report_losses(Health(sinks=[SinkHealth("mqtt"), entry])) == status
    told = capsys.readouterr().err.splitlines()
    assert len(told) == bool(entry.dropped or entry.failures)


def test_the_warning_of_a_password_is_printed_once(cli) -> None:
    url = "http://u:PW@127.0.0.1:1/x,name=r"
    done = cli("listen", "--source", url, "--duration", "0.1")
    assert done.stderr.count("other users see the password") == 1
