"""What torchaudio makes of a test signal, for tests/golden/torchaudio.json: it is too
large a package to install for a test.

python -m tests.helpers.torchaudio_golden       (written with torchaudio 2.11)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent.parent / "golden" / "torchaudio.json"
EVERY = 30
"""Frames that are kept: this many apart."""


def signal() -> np.ndarray:
    """3 s at 16 kHz: a chord that fades, over noise; float32."""
    t = np.arange(48_000) / 16_000
    chord = sum(np.sin(2 * np.pi * f * t) for f in (110, 440, 1318, 3520)) * np.exp(-t)
    rough = 0.05 * np.random.default_rng(7).standard_normal(len(t))
    return (0.1 * chord + rough).astype(np.float32)


def main() -> None:
    """Write the file."""
    import torch
    from torchaudio import transforms

    samples = torch.from_numpy(signal().astype(np.float64))
    mel = transforms.MelSpectrogram().double()(samples)
    mfcc = transforms.MFCC().double()(samples)
    found = {
        "torchaudio-mel-128": transforms.AmplitudeToDB()(mel),
        "torchaudio-mfcc-40": mfcc,
        "deltas of torchaudio-mfcc-40": torch.cat(
            [mfcc, transforms.ComputeDeltas(win_length=5)(mfcc)]
        ),
    }
    kept = {name: values.T[::EVERY].numpy().round(4).tolist() for name, values in found.items()}
    GOLDEN.write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
