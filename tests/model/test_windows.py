"""From samples at any rate to windows: what the end of a stream makes of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.errors import AudioError
from genre_edge.model.frontend import LogMel, Window
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.windows import WindowStream

from tests.conftest import noise

SPEC = FrontendSpec()


def windows(samples: np.ndarray, rate: int = 22050, size: int = 5000) -> list[Window]:
    stream = WindowStream(LogMel(SPEC), rate, "some.wav")
    parts = [samples[at : at + size, None] for at in range(0, len(samples), size)]
    found = [window for part in parts for window in stream.push(part)]
    assert stream.seconds == pytest.approx(len(samples) / rate, abs=5e-4)
    return found + stream.finish()


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_the_resamplers_last_samples_complete_the_last_window(rate: int) -> None:
    assert [(w.start, w.end) for w in windows(noise(6.0, rate), rate)] == [(0, 3), (3, 6)]


def test_an_incomplete_last_window_is_left_out() -> None:
    assert [(w.start, w.end) for w in windows(noise(5.9))] == [(0.0, 3.0)]


def test_a_stream_shorter_than_a_window_is_repeated_to_fill_one() -> None:
    samples = noise(1.25)
    (window,) = windows(samples)
    assert (window.start, window.end) == (0.0, 1.25)
    np.testing.assert_array_equal(window.samples, np.resize(samples, SPEC.window_samples))
    np.testing.assert_array_equal(window.features, LogMel(SPEC).window(window.samples))


@pytest.mark.parametrize("seconds", [0.0, 0.49])
def test_less_than_half_a_second_is_too_short(seconds: float) -> None:
    message = rf"^some\.wav: is too short: {seconds:.2f} s, need at least 0\.5 s$"
    with pytest.raises(AudioError, match=message):
        windows(noise(seconds))


def test_a_new_stream_forgets_what_its_front_end_heard() -> None:
    logmel = LogMel(SPEC)
    WindowStream(logmel, 22050).push(noise(4.0, channels=2))
    stream = WindowStream(logmel, 22050)
    (window,) = stream.push(noise(3.0, channels=2, seed=1))
    np.testing.assert_array_equal(window.samples, noise(3.0, channels=2, seed=1).mean(axis=1))
