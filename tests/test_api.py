"""The Python interface: what is promised, and that it says what the command says."""

from __future__ import annotations

import ast
import json
import threading
from importlib import import_module
from pathlib import Path

import genre_edge
import numpy as np
import pytest
import soundfile
from genre_edge.audio.pcm import to_int16
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise
from tests.test_layers import loaded_after

PROMISED = [
    *("AudioError", "BundleError", "DeviceBusyError", "DeviceChoiceError", "DeviceError"),
    *("GenreEdgeError", "Model", "ModelError", "RuntimeMissing", "Stream", "UsageError"),
    *("Verdict", "Window", "__version__", "load"),
]
"""Removing a name, or what one does, is a change that users must be told of."""
STUB = Path(genre_edge.__file__).with_suffix(".pyi")


@pytest.fixture(scope="module")
def model() -> genre_edge.Model:
    return genre_edge.load()


@pytest.fixture(scope="module")
def overlapping() -> genre_edge.Model:
    return genre_edge.load(hop_seconds=1.0)


@pytest.fixture(scope="module")
def samples(demo_clip: Path) -> np.ndarray:
    return soundfile.read(demo_clip, dtype="float32")[0]


def as_records(verdict: genre_edge.Verdict) -> list[dict]:
    """A verdict in the form that the command prints, without the file's name."""
    windows = [
        {
            "type": "window",
            "start": window.start,
            "end": window.end,
            "genre": window.genre,
            "confidence": window.confidence,
            "scores": window.scores,
        }
        for window in verdict.windows
    ]
    whole = {
        "type": "file",
        "seconds": verdict.seconds,
        "windows": len(windows),
        "genre": verdict.genre,
        "confidence": verdict.confidence,
        "scores": verdict.scores,
    }
    return [*windows, whole]


def test_the_promised_names_are_these() -> None:
    assert sorted(genre_edge.__all__) == PROMISED
    assert dir(genre_edge) == PROMISED


def test_the_stub_promises_the_same_objects() -> None:
    stub = ast.parse(STUB.read_text())
    imported = {
        alias.asname: getattr(import_module(f"genre_edge.{node.module}"), alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {name: getattr(genre_edge, name) for name in PROMISED}
    (names,) = [ast.literal_eval(n.value) for n in stub.body if isinstance(n, ast.Assign)]
    assert sorted(names) == PROMISED


def test_a_name_that_is_not_promised_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'classify'"):
        _ = genre_edge.classify


def test_importing_and_catching_errors_loads_nothing_heavy() -> None:
    loaded = loaded_after(
        "import genre_edge; genre_edge.__version__, genre_edge.AudioError, dir(genre_edge)"
    )
    assert not loaded & {"numpy", "scipy", "soundfile", "soxr", "json", "argparse"}
    assert not {name for name in loaded if name.startswith("genre_edge.")} - {
        "genre_edge.version",
        "genre_edge.errors",
    }


def test_every_error_is_a_genre_edge_error() -> None:
    errors = [getattr(genre_edge, name) for name in PROMISED if name.endswith(("Error", "Missing"))]
    assert len(errors) == 9
    assert all(issubclass(error, genre_edge.GenreEdgeError) for error in errors)


def test_a_verdict_is_what_the_command_says(model, samples, demo_clip, cli) -> None:
    result = cli("classify", demo_clip, "--format", "json")
    expected = [json.loads(line) for line in result.stdout.splitlines()]
    for record in expected:
        assert record.pop("file") == str(demo_clip)
    assert as_records(model.classify_file(demo_clip)) == expected
    assert as_records(model.classify(samples, 22050)) == expected


def test_options_are_those_of_the_command(samples, demo_clip, cli) -> None:
    options = ("--model", "gtzan-two-block.int8", "--hop", "1.5", "--threads", "2")
    result = cli("classify", demo_clip, *options, "--format", "json", "--runtime", "litert")
    expected = [json.loads(line) for line in result.stdout.splitlines()]
    for record in expected:
        del record["file"]
    model = genre_edge.load("gtzan-two-block.int8", runtime="litert", threads=2, hop_seconds=1.5)
    assert as_records(model.classify(samples, 22050)) == expected
    assert model.name == "gtzan-two-block.int8"
    assert model.labels == tuple(expected[0]["scores"])


def test_a_path_names_a_model_too(model) -> None:
    path = Path(model._engine.bundle.path)
    assert genre_edge.load(path).name == genre_edge.load(str(path)).name == model.name


@pytest.mark.parametrize("rate", [22050, 16000, 48000])
def test_16_bits_and_channels_make_no_difference(model, rate: int) -> None:
    mono = noise(4.0, rate)
    verdict = model.classify(mono, rate)
    assert model.classify(np.stack([mono, mono], axis=1), rate) == verdict
    rounded = to_int16(mono)
    assert model.classify(rounded, rate) == model.classify(rounded / 32768, rate)


@given(
    cuts=st.lists(st.integers(0, 200_000), max_size=12),
    rate=st.sampled_from([8000, 22050, 44100]),
    seconds=st.sampled_from([0.5, 1.0, 3.0, 7.3]),
    dtype=st.sampled_from(["float32", "float64", "int16"]),
)
@settings(max_examples=40, deadline=None)
def test_a_stream_gives_the_windows_of_the_whole(
    overlapping, cuts: list[int], rate: int, seconds: float, dtype: str
) -> None:
    heard = noise(seconds, rate, channels=2)
    heard = to_int16(heard) if dtype == "int16" else heard.astype(dtype)
    stream = overlapping.stream(rate)
    parts = np.split(heard, sorted(min(cut, len(heard)) for cut in cuts))
    windows = [window for part in parts for window in stream.push(part)]
    windows += stream.finish()
    assert tuple(windows) == overlapping.classify(heard, rate).windows


def test_streams_and_verdicts_do_not_disturb_each_other(model, samples) -> None:
    whole = model.classify(samples, 22050)
    one, other = model.stream(22050), model.stream(22050)
    found: list = []
    for at in range(0, len(samples), 30_000):
        found += one.push(samples[at : at + 30_000])
        other.push(noise(1.0))
        assert model.classify(noise(0.5), 22050).seconds == 0.5
    assert (*found, *one.finish()) == whole.windows


def test_threads_may_share_a_model(model, samples) -> None:
    expected = model.classify(samples, 22050)
    found: list = []

    def work() -> None:
        stream = model.stream(22050)
        found.append(model.classify(samples, 22050) == expected)
        found.append((*stream.push(samples), *stream.finish()) == expected.windows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(100), 10, "sample_rate 10: must be between 8000 and 192000 Hz"),
        (np.zeros(100, np.int64), 22050, "samples of type int64: must be floats"),
        (np.zeros((2, 2, 2)), 22050, "samples of shape [2, 2, 2]: must be [n] or [n, channels]"),
        ([np.nan] * 22050, 22050, "samples: has NaN or infinite samples, the first at 0.000 s"),
        (np.zeros(2205), 22050, "samples: is too short: 0.10 s, need at least 0.5 s"),
        ([], 22050, "samples: is too short: 0.00 s"),
    ],
)
def test_what_is_no_recording_is_one_error_that_names_the_parameter(
    model, samples: object, rate: int, message: str
) -> None:
    def streamed() -> None:
        stream = model.stream(rate)
        stream.push(samples)
        stream.finish()

    for call in (lambda: model.classify(samples, rate), streamed):
        with pytest.raises((genre_edge.UsageError, genre_edge.AudioError)) as error:
            call()
        assert str(error.value).startswith(message)


def test_what_is_mixed_up_is_named_with_its_remedy(model, demo_clip) -> None:
    with pytest.raises(genre_edge.UsageError, match=r"^path of type NoneType: must be a path"):
        model.classify_file(None)
    with pytest.raises(genre_edge.UsageError, match="classify_file takes a path"):
        model.classify(demo_clip, 22050)
    with pytest.raises(genre_edge.UsageError, match=r"8-bit audio: \(samples - 128\.0\) / 128"):
        model.classify(np.zeros(22050, np.uint8), 22050)
    with pytest.raises(genre_edge.UsageError, match="divide by full scale"):
        model.classify([0, 1, 2], 22050)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads 0: must be between 1 and 64"),
        ({"runtime": "abacus"}, "runtime abacus: must be litert or tflite or tensorflow"),
        (
            {"hop_seconds": 0.015, "model": "gtzan-two-block.int8"},
            "hop_seconds 0.015: must be at least one frame",
        ),
        ({"model": 5}, "model 5: must be a text"),
        ({"model": "no-such"}, "no-such: no such model"),
    ],
)
def test_a_model_that_cannot_be_is_one_error(options: dict, message: str) -> None:
    with pytest.raises((genre_edge.UsageError, genre_edge.BundleError)) as error:
        genre_edge.load(**options)
    assert str(error.value).startswith(message)


def test_bad_samples_leave_a_stream_as_it_was(model) -> None:
    stream = model.stream(22050)
    stream.push(noise(2.0))
    with pytest.raises(genre_edge.AudioError, match=r"the first at 2\.500 s"):
        stream.push([0.0] * 11025 + [float("nan")])
    windows = [*stream.push(noise(2.0)), *stream.finish()]
    assert tuple(windows) == model.classify(np.tile(noise(2.0), 2), 22050).windows


def test_a_finished_stream_takes_no_more(model) -> None:
    stream = model.stream(22050)
    stream.push(noise(1.0))
    stream.finish()
    for call in (lambda: stream.push(noise(1.0)), stream.finish):
        with pytest.raises(genre_edge.UsageError, match="this stream is finished"):
            call()
