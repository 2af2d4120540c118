"""Each table of the settings checks its own values."""

from __future__ import annotations

import pytest
from genre_edge.errors import UsageError
from genre_edge.settings.tables import CaptureConfig, ListenConfig


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            lambda: ListenConfig(smooth=0, silence_dbfs=5, windows=0),
            ["smooth 0", "silence_dbfs 5", "windows 0"],
        ),
        (
            lambda: ListenConfig(uncertain_below=2.0, duration=-1.0),
            ["uncertain_below 2", "duration -1"],
        ),
        (lambda: CaptureConfig(gain_db=float("nan"), channel=0), ["gain_db nan", "channel 0"]),
    ],
)
def test_all_faults_of_a_configuration_are_named_at_once(make, named: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        make()
    for words in named:
        assert words in str(error.value)
