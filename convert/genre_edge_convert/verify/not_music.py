"""What a model makes of sounds that are no music: it should be unsure.

The sounds differ from those that training may use: English sentences in voices of their
own, and noise of fixed colours.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig

_SENTENCES = (
    "Good evening. Here is the weather for the coast: clouds from the west, with some rain after "
    "midnight.",
    "Please take the second door on the left, walk down the stairs, and wait until somebody calls "
    "your name.",
    "The kettle has been on the stove for ten minutes, and nobody in this house seems to have "
    "noticed it.",
    "Trains to the north leave every half hour from platform four, except on Sundays and on "
    "holidays.",
    "When the garden was finished they sat under the old tree, and talked about the years that "
    "had gone.",
)
_VOICES = ("en-us", "en-us+f5", "en-us+m8", "en-gb-scotland", "en-us+klatt2", "da", "cs", "hu+f2")
_NOISE_SECONDS = 60
_COLOURS = {"white": 0.0, "pink": 0.5, "brown": 1.0}
"""Exponent of 1/f in amplitude."""


def measure(bundle: Path, uncertain_below: float) -> dict[str, Any]:
    """Share of windows of speech and of noise whose confidence stays below
    `uncertain_below`.

    {"speech": {"windows": n, "uncertain": share}, "noise": ...}; without espeak-ng,
    speech is left out.
    """
    engine = Engine(EngineConfig(str(bundle)))
    rate = engine.sample_rate
    sounds = {"noise": _noise(rate)}
    if shutil.which("espeak-ng"):
        sounds["speech"] = _speech(rate)
    found: dict[str, Any] = {}
    for name, samples in sorted(sounds.items()):
        windows = engine.stream(rate).push(samples[:, None])
        confidences = [engine.predict(window).confidence for window in windows]
        found[name] = {
            "windows": len(confidences),
            "uncertain": round(float(np.mean(np.array(confidences) < uncertain_below)), 4),
        }
    return found


def _speech(rate: int) -> Float32:
    spoken = []
    with tempfile.TemporaryDirectory() as folder:
        for voice in _VOICES:
            path = Path(folder) / "said.wav"
            subprocess.run(
                ["espeak-ng", "-v", voice, "-w", str(path), " ".join(_SENTENCES)],
                check=True,
                capture_output=True,
            )
            spoken.append(read_mono(path, rate))
    return np.concatenate(spoken)


def _noise(rate: int) -> Float32:
    rng = np.random.default_rng(1)
    n = _NOISE_SECONDS * rate
    made = []
    for exponent in _COLOURS.values():
        spectrum = np.fft.rfft(rng.standard_normal(n))
        tilt = np.maximum(np.arange(len(spectrum)), 20 * _NOISE_SECONDS) ** -exponent
        noise = np.fft.irfft(spectrum * tilt, n)
        made.append((0.03 * noise / noise.std()).astype(np.float32))
    return np.concatenate(made)
