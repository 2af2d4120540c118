"""Networks as tutorials build them, trained, converted and judged: does a bundle keep
what Keras says?

    python -m benchmarks.tutorials --data ~/gtzan --work ~/tutorials

Each network is trained for a few passes on features that librosa computes, as a
tutorial would. `genre-convert` makes bundles of it, and checks the front-end against
librosa's features of one window. Then Keras hears librosa's features of the valid
tracks, and the bundles hear the files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import genre_edge
import keras
import librosa
import numpy as np
import numpy.typing as npt
import soundfile
from genre_edge.arrays import Float32
from genre_edge.judge.tracks import Track, labels_of, load_tracks
from genre_edge_convert import cli as convert
from keras import layers
from tqdm import tqdm

RATE, LENGTH = 22_050, 66_150
"""Tutorials cut a track of 30 s into ten pieces of 3 s."""
LEARNT = 3
"""Pieces of a track that are learnt from: the first ones."""


def mfcc(y: Float32) -> Float32:
    """13 coefficients of 130 frames."""
    found: Float32 = librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=13, n_fft=2048, hop_length=512)
    return found.T


def mel(y: Float32) -> Float32:
    """128 bands of 130 frames, in dB below the loudest."""
    db: Float32 = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=RATE), ref=np.max)
    return db


def picture(y: Float32) -> Float32:
    """The same from 0 to 255, as a picture has it, in three channels."""
    db = mel(y)
    grey = 255 * (db - db.min()) / (db.max() - db.min())
    return np.stack([grey] * 3, axis=-1)


def _convolutions(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    for filters in (16, 32, 32):
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
        x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.3)(layers.Dense(64, activation="relu")(layers.Flatten()(x)))
    return layers.Dense(classes, activation="softmax")(x)


def _recurrent(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    x = layers.LSTM(64)(layers.LSTM(64, return_sequences=True)(x))
    x = layers.Dropout(0.3)(layers.Dense(64, activation="relu")(x))
    return layers.Dense(classes, activation="softmax")(x)


@dataclass(frozen=True)
class Tutorial:
    """A network and what it takes."""

    name: str
    features: Callable[[Float32], Float32]
    """Of one piece, as the network takes it."""
    shape: tuple[int, ...]
    """Of the input."""
    build: Callable[[keras.KerasTensor, int], keras.KerasTensor]
    """From the input and the number of classes to the output."""
    options: tuple[str, ...]
    """What genre-convert is told of it."""
    passes: int


MELS_FIRST = ("--layout", "mels-frames")
TUTORIALS = (
    Tutorial("mfcc-cnn", mfcc, (130, 13, 1), _convolutions, ("--frontend", "librosa-mfcc-13"), 12),
    Tutorial(
        "mel-cnn",
        mel,
        (128, 130, 1),
        _convolutions,
        ("--frontend", "librosa-mel-128", *MELS_FIRST),
        10,
    ),
    Tutorial(
        "picture-cnn",
        picture,
        (128, 130, 3),
        lambda x, classes: _convolutions(layers.Rescaling(1 / 255)(x), classes),
        ("--frontend", "librosa-mel-128-picture", *MELS_FIRST),
        25,
    ),
    Tutorial("mfcc-lstm", mfcc, (130, 13), _recurrent, ("--frontend", "librosa-mfcc-13"), 8),
)


def pieces(tutorial: Tutorial, tracks: Sequence[Track], most: int) -> list[Float32]:
    """Features of the first pieces of each track, float32 [pieces, *input]."""
    found = []
    for track in tqdm(tracks, desc=tutorial.name, unit="track", leave=False, disable=None):
        y, _ = librosa.load(track.path, sr=RATE, duration=most * LENGTH / RATE)
        starts = range(0, len(y) - LENGTH + 1, LENGTH)
        made = [tutorial.features(y[at : at + LENGTH]) for at in starts]
        found.append(np.array(made, np.float32).reshape(len(made), *tutorial.shape))
    return found


def trained(tutorial: Tutorial, x: list[Float32], label: npt.NDArray[np.int64]) -> keras.Model:
    """The network, fitted to the pieces of tracks with these labels, [tracks]."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(tutorial.shape)
    model = keras.Model(inputs, tutorial.build(inputs, int(label.max()) + 1))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    every = np.concatenate(x)
    model.fit(every, np.repeat(label, [len(one) for one in x]), 32, tutorial.passes, verbose=2)
    return model


def converted(tutorial: Tutorial, data: Path, labels: Sequence[str], work: Path) -> list[Path]:
    """The bundles float32 and int8 of the trained network."""
    samples, _ = soundfile.read(work / "clip.wav", dtype="float32")
    np.save(work / "expected.npy", tutorial.features(samples))
    given = [work / f"{tutorial.name}.keras", "--labels", ",".join(labels), *tutorial.options]
    given += ["--check-with", work / "clip.wav", "--expect", work / "expected.npy"]
    given += ["--calibrate", data, "-o", work / tutorial.name]
    if convert.main([str(word) for word in given]) != 0:
        raise SystemExit(f"{tutorial.name}: was not converted")
    return [work / f"{tutorial.name}.{kind}.tflite" for kind in ("float32", "int8")]


def right(scores: list[Float32], label: npt.NDArray[np.int64]) -> str:
    """How many windows and tracks are right, in per cent, of scores [windows, labels]
    and the label of each track."""
    both = list(zip(scores, label, strict=True))
    windows = np.concatenate([one.argmax(axis=1) == k for one, k in both])
    tracks = [one.mean(axis=0).argmax() == k for one, k in both]
    return f"{windows.mean():.1%}, {np.mean(tracks):.1%}"


def judged(tutorial: Tutorial, tracks: Sequence[Track], data: Path, work: Path) -> list[str]:
    """The right answers of Keras and of each bundle on the valid tracks, as text."""
    labels = labels_of(tracks)
    train, valid = ([t for t in tracks if t.split == side] for side in ("train", "valid"))
    of_train, of_valid = (np.array([labels.index(t.genre) for t in s]) for s in (train, valid))
    file = work / f"{tutorial.name}.keras"
    if file.exists():
        model = keras.models.load_model(file)
    else:
        model = trained(tutorial, pieces(tutorial, train, LEARNT), of_train)
        model.save(file)
    heard = [model.predict(one, verbose=0) for one in pieces(tutorial, valid, 10)]
    found = [right(heard, of_valid)]
    for bundle in converted(tutorial, data, labels, work):
        program = genre_edge.load(str(bundle))
        verdicts = [program.classify_file(track.path) for track in valid]
        scores = [np.array([list(w.scores.values()) for w in v.windows]) for v in verdicts]
        found.append(right(scores, of_valid))
    return found


def main() -> None:
    """Train, convert, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where models are kept")
    parser.add_argument("--only", choices=[t.name for t in TUTORIALS], action="append")
    args = parser.parse_args()
    args.work.mkdir(exist_ok=True)
    tracks = load_tracks(args.data)
    first = next(track for track in tracks if track.split == "valid")
    y, _ = librosa.load(first.path, sr=RATE, duration=LENGTH / RATE)
    soundfile.write(args.work / "clip.wav", y, RATE, subtype="FLOAT")
    for tutorial in TUTORIALS:
        if not args.only or tutorial.name in args.only:
            found = judged(tutorial, tracks, args.data, args.work)
            print(f"| {tutorial.name} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
