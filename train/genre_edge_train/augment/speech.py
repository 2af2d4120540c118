"""Synthetic speech: espeak-ng speaks made-up words in many voices.

A classifier that only learns from music names a genre even for the news. These clips
teach it to be unsure.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from genre_edge.errors import UsageError
from tqdm import tqdm

_ONSETS = (
    "",
    "b",
    "d",
    "f",
    "g",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "st",
    "tr",
    "pl",
    "sh",
)
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou", "ee")
_CODAS = ("", "", "n", "r", "s", "t", "l", "nd", "rk")
_VOICES = ("en-gb", "de", "fr", "es", "it", "pl", "nl", "pt", "sv", "ru", "tr", "fi")
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "croak", "whisper")


def make_speech(folder: Path, count: int, seed: int) -> list[Path]:
    """WAV files of a few seconds of speech; those that are missing are made.

    Parameters
    ----------
    folder
        Where they are kept.
    count
        How many.
    seed
        Seed of words and voices.

    Raises
    ------
    UsageError
        espeak-ng is not installed.
    """
    if shutil.which("espeak-ng") is None:
        raise UsageError(
            "espeak-ng is needed for speech that is no music: sudo apt install espeak-ng"
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in tqdm(range(count), desc="speech", unit="file", disable=None):
        path = folder / f"{seed}-{number:04d}.wav"
        if not path.exists():
            _speak(path, np.random.default_rng([seed, number]))
        paths.append(path)
    return paths


def _speak(path: Path, rng: np.random.Generator) -> None:
    words = [
        "".join(
            str(rng.choice(part))
            for _ in range(rng.integers(1, 4))
            for part in (_ONSETS, _VOWELS, _CODAS)
        )
        for _ in range(rng.integers(10, 18))
    ]
    text = " ".join(word + ("," if rng.random() < 0.15 else "") for word in words) + "."
    voice = f"{rng.choice(_VOICES)}+{rng.choice(_VARIANTS)}"
    options = ["-v", voice, "-s", str(rng.integers(120, 230)), "-p", str(rng.integers(20, 80))]
    subprocess.run(["espeak-ng", *options, "-w", str(path), text], check=True, capture_output=True)
