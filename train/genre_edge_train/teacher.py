"""A large network that listens along: what YAMNet's layers and its class scores say of a clip, as training targets."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import soxr
from genre_edge.errors import ModelError
from genre_edge.frontend import Float32
from genre_edge.quiet import quiet_stderr

TEACHER_RATE = 16_000
"""Sample rate YAMNet takes, Hz."""
PATCH = 15_600
"""Samples YAMNet hears at once (0.975 s)."""
LAYERS = {9: 512, 12: 512, 14: 1024}
"""Layers that are listened to, and their channels. The last one alone knows AudioSet's classes best; earlier ones keep more of a
recording's timbre, and a linear head on all three is right about more tracks that it has not met."""
EMBEDDING = 2 * sum(LAYERS.values())
SCORES = 521
_TENSOR = "yamnet_frames/layer{}/pointwise_conv/relu/Relu"


class Teacher:
    """YAMNet as a TFLite file, one thread."""

    def __init__(self, path: Path) -> None:
        """Load `path`; ModelError if it is not YAMNet."""
        from ai_edge_litert.interpreter import Interpreter

        try:
            with quiet_stderr(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # The embedding is an inner tensor, readable only if the interpreter keeps them all.
                self._net = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
                self._net.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: not a TFLite model ({error})") from None
        inner = {t["name"].split(";")[0]: t["index"] for t in self._net.get_tensor_details()}
        self._input = self._net.get_input_details()[0]
        wanted = [_TENSOR.format(layer) for layer in LAYERS]
        if any(name not in inner for name in wanted) or int(np.prod(self._input["shape"])) != PATCH:
            raise ModelError(f"{path}: not YAMNet (expected {PATCH} samples in and its layers inside)")
        self._layers = [inner[name] for name in wanted]
        self._scores = self._net.get_output_details()[0]["index"]

    def listen(self, samples: Float32, sample_rate: int) -> tuple[Float32, Float32]:
        """Embedding (float32 [EMBEDDING]) and scores (float32 [521], 0 to 1) of a clip, from overlapping patches.

        The embedding is the square root of each channel's mean and of its standard deviation over time, bands and patches, layer
        after layer: activations are skewed, and their roots much less.
        """
        heard = soxr.resample(samples, sample_rate, TEACHER_RATE, quality="HQ")
        peak = float(np.max(np.abs(heard))) + 1e-9
        heard = heard * np.float32(0.5 / peak)
        layers: list[list[Float32]] = [[] for _ in self._layers]
        scores = []
        for start in range(0, max(1, len(heard) - PATCH // 2), PATCH // 2):
            patch = heard[start : start + PATCH]
            if len(patch) < PATCH:
                patch = np.pad(patch, (0, PATCH - len(patch)))
            self._net.set_tensor(self._input["index"], patch.reshape(self._input["shape"]).astype(np.float32))
            self._net.invoke()
            for seen, index in zip(layers, self._layers, strict=True):
                seen.append(self._net.get_tensor(index)[0])
            scores.append(self._net.get_tensor(self._scores).reshape(-1))
        parts = []
        for seen in layers:
            channels = np.stack(seen).reshape(-1, seen[0].shape[-1])
            parts += [channels.mean(axis=0), channels.std(axis=0)]
        embedding: Float32 = np.sqrt(np.concatenate(parts))
        return embedding, np.mean(scores, axis=0)
