"""What each kind of bundle costs the networks of tutorials, and where it disagrees.

    python -m benchmarks.tutorials --data ~/gtzan --work ~/tutorials --only mel-cnn
    python -m benchmarks.tutorial_kinds --data ~/gtzan --work ~/tutorials mel-cnn

The first trains the network and keeps it, even if it then refuses to convert it. The
second calibrates on pieces of every twelfth training track, and asks each kind of model
about nine pieces of each valid track. A disagreement matters less where Keras itself
was undecided, so the gap between its two highest scores is shown as well.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from genre_edge.arrays import Float32
from genre_edge.judge.tracks import labels_of, load_tracks
from genre_edge.model.classifier import dequantise, quantise
from genre_edge_convert.quantise.flatbuffers import flatbuffers, write_saved_model
from genre_edge_convert.quantise.float_fallback import mixed
from genre_edge_convert.read.networks import load_network

from .tutorials import TUTORIALS, pieces

EVERY, MOST, FEW = 12, 300, 100
"""One training track of so many is calibrated on, with at most so many pieces."""
PIECES = 9
"""Of each valid track."""


def answers(flatbuffer: bytes, windows: Float32) -> Float32:
    """Scores of each window, float32 [n, labels]."""
    net = Interpreter(model_content=flatbuffer)
    net.allocate_tensors()
    (given,), (made,) = net.get_input_details(), net.get_output_details()
    found = []
    for window in windows[:, None]:
        if given["dtype"] != np.float32:
            scale, zero_point = given["quantization"]
            window = quantise(window, scale, zero_point, given["dtype"])
        net.set_tensor(given["index"], window)
        net.invoke()
        raw = net.get_tensor(made["index"])[0]
        found.append(raw if raw.dtype == np.float32 else dequantise(raw, *made["quantization"]))
    return np.stack(found)


def line(name: str, scores: Float32, keras: Float32, label: npt.NDArray[np.int64]) -> str:
    """A row, of scores [tracks * PIECES, labels] and the tracks' labels."""
    of_tracks = scores.reshape(len(label), PIECES, -1).mean(axis=1).argmax(axis=1)
    windows = float((scores.argmax(axis=1) == np.repeat(label, PIECES)).mean())
    differs = scores.argmax(axis=1) != keras.argmax(axis=1)
    ordered = np.sort(keras, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    there = f"{np.median(gap[differs]):.2f}" if differs.any() else ""
    right = f"{windows:.1%}, {(of_tracks == label).mean():.1%}"
    return f"| {name} | {1 - differs.mean():.1%} | {right} | {there} of {np.median(gap):.2f} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[t.name for t in TUTORIALS])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where tutorials kept it")
    args = parser.parse_args()
    tutorial = next(t for t in TUTORIALS if t.name == args.name)
    tracks = load_tracks(args.data)
    train, valid = ([t for t in tracks if t.split == side] for side in ("train", "valid"))
    label = np.array([labels_of(tracks).index(track.genre) for track in valid])
    windows = np.concatenate([one[:PIECES] for one in pieces(tutorial, valid, 10)])
    learnt = np.concatenate(pieces(tutorial, train[::EVERY], 10))
    some = learnt[np.random.default_rng(0).permutation(len(learnt))[:MOST]]
    network = load_network(args.work / f"{args.name}.keras")
    assert network.export is not None
    keras = network.run(windows)
    print(line("Keras", keras, keras, label))
    with tempfile.TemporaryDirectory() as folder:
        model = write_saved_model(network.export, Path(folder) / "saved")
        made: dict[str, Callable[[], bytes]] = {
            "int8": lambda: flatbuffers(model, ("int8",), some, "tflite")["int8"],
            "int8, few": lambda: flatbuffers(model, ("int8",), some[:FEW], "tflite")["int8"],
            "dynamic": lambda: flatbuffers(model, ("dynamic",), some, "tflite")["dynamic"],
            "int16x8": lambda: flatbuffers(model, ("int16x8",), some[:FEW], "tflite")["int16x8"],
            "three in float32": lambda: mixed(model, some[:FEW], 3),
        }
        for name, make in made.items():
            print(line(name, answers(make(), windows), keras, label), flush=True)


if __name__ == "__main__":
    main()
