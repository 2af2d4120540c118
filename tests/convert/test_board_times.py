"""What a window may take on a Raspberry Pi, by the times that are published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.flatbuffer import Graph, Operator, Tensor, read_graph
from genre_edge.model.frontend import LogMel
from genre_edge_convert import cli as convert
from genre_edge_convert.pack.card import card
from genre_edge_convert.read.board_times import board_times, too_slow
from genre_edge_convert.read.named_frontends import named
from keras import layers


def network(millions: float, *dtypes: str) -> Graph:
    """Convolutions in these types, each of so many multiply-accumulates."""
    tensors = tuple(Tensor(f"t{i}", dtype, (1, 8)) for i, dtype in enumerate(dtypes))
    macs = round(millions * 1e6)
    operators = tuple(Operator("CONV_2D", 1, (i,), (i,), macs) for i in range(len(dtypes)))
    return Graph(tensors, operators, (0,), (len(dtypes) - 1,))


def shipped(name: str) -> Graph:
    bundle = read_bundle(find_model(name))
    return read_graph(bundle.flatbuffer, name)


def times(graph: Graph, threads: int) -> dict[str, tuple[float, float]]:
    return {t.board: t.milliseconds for t in board_times(graph) if t.threads == threads}


@pytest.mark.parametrize(
    ("dtype", "board", "v1", "v2"),
    [
        ("int8", "Pi 3 B+", 46, 30),
        ("int8", "Pi 4", 24, 17),
        ("float32", "Pi 3 B+", 115, 79),
        ("float32", "Pi 4", 75, 44),
    ],
)
def test_the_published_times_of_mobilenet_are_within_its_ranges(
    dtype: str, board: str, v1: float, v2: float
) -> None:
    """The lowest estimate is the better of the two rates; the highest allows for twice
    the worse."""
    for millions, published in ((569, v1), (300, v2)):
        low, high = times(network(millions, dtype), 4)[board]
        assert low <= published * 1.000001
        assert high >= 2 * published * 0.999999


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gtzan-edge.int8",
            {"Zero 2 W": (21, 52), "Pi 3 B+": (15, 37), "Pi 4": (8, 21), "Pi 5": (2, 13)},
        ),
        (
            "gtzan-tiny.int8",
            {"Zero 2 W": (10, 24), "Pi 3 B+": (7, 17), "Pi 4": (4, 10), "Pi 5": (1, 6)},
        ),
    ],
)
def test_shipped_models_take_what_the_documentation_says(
    name: str, expected: dict[str, tuple[int, int]]
) -> None:
    found = times(shipped(name), 4)
    assert {board: (round(low), round(high)) for board, (low, high) in found.items()} == expected


def test_one_thread_takes_twice_to_four_times_as_long_as_four() -> None:
    graph = network(100, "int8")
    one, four = times(graph, 1), times(graph, 4)
    for board, (low, high) in four.items():
        assert one[board] == pytest.approx((2 * low, 4 * high))


def test_a_network_of_two_types_takes_the_time_of_both() -> None:
    both = times(network(100, "int8", "float32"), 1)
    parts = [times(network(100, dtype), 1) for dtype in ("int8", "float32")]
    for board, found in both.items():
        assert found == pytest.approx([sum(p[board][i] for p in parts) for i in (0, 1)])


def test_of_int16_no_rate_is_known() -> None:
    assert board_times(network(100, "int16")) == ()
    assert too_slow(network(1e6, "int16"), 3.0) is None


def test_boards_that_may_not_keep_up_are_named_with_the_estimate() -> None:
    """10 000 million at 7.1 million a millisecond, twice, on one of four cores."""
    said = too_slow(network(10_000, "int8"), 10.0)
    assert said == (
        "may be too slow to listen live, where a window of 10 s comes as often: estimated with "
        "one thread on Zero 2 W (2264 to 11200 ms)"
    )
    assert too_slow(network(10_000, "int8"), 11.3) is None
    assert too_slow(shipped("gtzan-edge.int8"), 3.0) is None


def test_the_card_has_the_estimate() -> None:
    bundles = {"int8": read_bundle(find_model("gtzan-edge.int8"))}
    (line,) = [s for s in card("mine", bundles, {"int8": 1}).splitlines() if "estimated" in s]
    assert "42 to 209 ms on a Zero 2 W, 30 to 149 ms on a Pi 3 B+" in line


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own
@pytest.mark.parametrize(("filters", "slow"), [(4, False), (128, True)])
def test_conversion_warns_of_a_network_that_may_not_keep_up(
    filters: int, slow: bool, demo_clip: Path, tmp_path: Path, capsys
) -> None:
    """Windows of 0.1 s, so that a network of 94 million is too much for a Zero 2 W."""
    spec = replace(named("librosa-mel-128"), window_seconds=0.1)
    heard = LogMel(spec, 0.1).push(read_mono(demo_clip, spec.sample_rate))
    windows = np.stack([window.features for window in heard])
    np.savez(tmp_path / "w.npz", calibration=windows[::2], held_out=windows[1::2])
    (tmp_path / "f.toml").write_text('base = "librosa-mel-128"\nwindow_seconds = 0.1\n')
    inputs = keras.Input((*spec.shape, 1))
    x = layers.Conv2D(filters, 3, padding="same")(inputs)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(filters, 3, padding="same")(x))
    keras.Model(inputs, layers.Dense(3)(x)).save(tmp_path / "m.keras")
    given = [tmp_path / "m.keras", "--labels", "ape,bear,cat", "--frontend", tmp_path / "f.toml"]
    given += ["--calibrate", tmp_path / "w.npz", "--to", "float32", "-o", tmp_path / "n"]
    assert convert.main([str(word) for word in given]) == 0
    said = capsys.readouterr().err
    warning = "n.float32: may be too slow to listen live, where a window of 0.1 s comes as often"
    assert (warning in said) == slow
    assert ("Zero 2 W (" in said) == slow
