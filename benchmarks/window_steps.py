"""Where the time of one window goes: each step of the log-mel and of the inference, in
turns.

python -m benchmarks.window_steps [--rounds 300] [--model gtzan-tiny.int8]
"""

from __future__ import annotations

import argparse

import numpy as np
import scipy.fft
from genre_edge.bench.cost import interleaved, milliseconds
from genre_edge.model.engine import Engine
from genre_edge.model.mel import _FRAMES
from genre_edge.model.window_features import WindowFeatures
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model))
    spec, steps, net = engine.logmel.spec, engine.logmel._spectrogram, engine.classifier._net
    assert steps is not None  # the model takes log-mels
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(spec.window_samples).astype(np.float32)
    length = len(steps._taper)
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[:: spec.hop_length]
    frames = frames[: spec.whole_frames]
    padded = np.pad(frames, ((0, 0), (0, spec.n_fft - length)))
    blocks = [frames[at : at + _FRAMES] for at in range(0, len(frames), _FRAMES)]
    room = np.zeros((_FRAMES, spec.n_fft), np.float32)
    parts = [
        scipy.fft.rfft(b, spec.n_fft, axis=1).view(np.float32)[:, : steps._parts].copy()
        for b in blocks
    ]
    squares = [part**2 for part in parts]
    mel = np.empty((_FRAMES, spec.n_mels), np.float32)
    power = np.abs(rng.standard_normal((spec.frames, spec.n_mels))).astype(np.float32)
    features = engine.logmel.window(samples)
    finish = WindowFeatures(spec)

    def transform(_: int) -> None:
        for block in blocks:
            np.multiply(block, steps._taper, out=room[: len(block), :length])
            scipy.fft.rfft(room[: len(block)], axis=1)

    def square(_: int) -> None:
        for part, out in zip(parts, squares, strict=True):
            np.multiply(part, part, out=out)

    def filterbank(_: int) -> None:
        for square_ in squares:
            for bins, bands, weights in steps._groups:
                np.matmul(square_[:, bins], weights, out=mel[: len(square_), bands])

    arms = {
        "bare rfft": lambda _: scipy.fft.rfft(padded, axis=1),
        "Hann and rfft, in blocks": transform,
        "squares": square,
        "mel filterbank": filterbank,
        "logarithm, normalisation": lambda _: finish(power, samples),
        "whole log-mel": lambda _: engine.logmel.window(samples),
        "bare invoke": lambda _: net.invoke(),
        "whole inference": lambda _: engine.classifier.scores(features),
    }
    for name, seconds in interleaved(arms, args.rounds).items():
        print(f"{name:<26} {milliseconds(seconds)['median']:.3f} ms")


if __name__ == "__main__":
    main()
