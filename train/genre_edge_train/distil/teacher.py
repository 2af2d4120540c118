"""The teacher: YAMNet, whose embedding and class scores are training targets."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import soxr
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.quiet import quiet_stderr

TEACHER_RATE = 16_000
"""Sample rate that YAMNet takes, Hz."""
PATCH = 15_600
"""Samples that YAMNet takes at once: 0.975 s."""
EMBEDDING = 1024
SCORES = 521
_EMBEDDING_TENSOR = "yamnet_frames/global_average_pooling2d/Mean"


class Teacher:
    """YAMNet from a TFLite file, on one thread.

    Raises
    ------
    ModelError
        The file is not YAMNet.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with quiet_stderr(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # The embedding is an inner tensor; only an interpreter that keeps all
                # tensors can read it.
                self._net = Interpreter(
                    str(path), num_threads=1, experimental_preserve_all_tensors=True
                )
                self._net.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: not a TFLite model ({error})") from None
        inner = {t["name"]: t["index"] for t in self._net.get_tensor_details()}
        self._input = self._net.get_input_details()[0]
        if _EMBEDDING_TENSOR not in inner or int(np.prod(self._input["shape"])) != PATCH:
            raise ModelError(
                f"{path}: not YAMNet (expected {PATCH} samples in and its embedding inside)"
            )
        self._embedding = inner[_EMBEDDING_TENSOR]
        self._scores = self._net.get_output_details()[0]["index"]

    def listen(self, samples: Float32, sample_rate: int) -> tuple[Float32, Float32]:
        """YAMNet's opinion of some audio.

        Parameters
        ----------
        samples
            float32 [n], of any level and length.
        sample_rate
            Their rate, Hz.

        Returns
        -------
        tuple
            Embedding, float32 [1024], and class scores, float32 [521], 0 to 1: means
            over overlapping patches.
        """
        audio = soxr.resample(samples, sample_rate, TEACHER_RATE, quality="HQ")
        peak = float(np.max(np.abs(audio))) + 1e-9
        audio = audio * np.float32(0.5 / peak)
        embeddings, scores = [], []
        for start in range(0, max(1, len(audio) - PATCH // 2), PATCH // 2):
            patch = audio[start : start + PATCH]
            if len(patch) < PATCH:
                patch = np.pad(patch, (0, PATCH - len(patch)))
            self._net.set_tensor(
                self._input["index"], patch.reshape(self._input["shape"]).astype(np.float32)
            )
            self._net.invoke()
            embeddings.append(self._net.get_tensor(self._embedding).reshape(-1))
            scores.append(self._net.get_tensor(self._scores).reshape(-1))
        return np.mean(embeddings, axis=0), np.mean(scores, axis=0)
