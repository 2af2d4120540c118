"""WAV from a pipe."""

from __future__ import annotations

import io
import random
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from genre_edge.audio.wav_stream import WavStreamSource
from genre_edge.errors import AudioError

from ..damage import damaged
from ..target import Target, check_line

_MOST_SAMPLES = 1_000_000


@cache
def _seeds() -> list[bytes]:
    noise = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32) * 0.1
    made = []
    for kind in ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW"):
        for form in ("WAV", "WAVEX", "RF64"):
            out = io.BytesIO()
            soundfile.write(out, noise, 8000, format=form, subtype=kind)
            made.append(out.getvalue())
    return made


def attempt(chance: random.Random, folder: Path) -> None:
    """Hear one stream to its end."""
    try:
        source = WavStreamSource(io.BytesIO(damaged(chance, _seeds())), "fuzzed")
        total = 0
        for block in source.blocks():
            total += block.samples.size
            if total > _MOST_SAMPLES:
                return
    except AudioError as error:
        check_line(error)


TARGET = Target("wav-pipe", attempt)
