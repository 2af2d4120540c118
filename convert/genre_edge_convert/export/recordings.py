"""The windows of recordings that an exported model is checked on, as `genre-edge
classify` takes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.folders import SkippedFiles, find_audio
from genre_edge.errors import AudioError, ModelError
from genre_edge.model.bundle import Bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.windows import file_windows
from tqdm import tqdm

LEAST_TOP1 = 0.99
"""Smallest share of windows on which an export must name the bundle's genre."""
FLOAT_TOLERANCE = 1e-3
"""Largest difference of a score, where bundle and export compute in float32."""
INT8_TOLERANCE = 0.1
"""The same for an int8 network: a value of its input that lies between two steps may
fall to either, and its scores have steps of 1/256."""


@dataclass(frozen=True)
class CheckWindow:
    """One window of a recording."""

    features: Float32
    """What the front-end makes of it, float32 [frames, n_mels]."""
    samples: Float32
    """As many samples as a window has, from its first frame on: float32
    [window_samples]."""


@dataclass(frozen=True)
class Comparison:
    """How an exported model's scores compare with the bundle's."""

    windows: int
    """Windows compared."""
    top1: float
    """Share of them on which the most probable label is the same."""
    largest_difference: float
    """Largest difference of a score."""

    def to_dict(self) -> dict[str, float]:
        """JSON-ready values."""
        return {
            "windows": self.windows,
            "top1": round(self.top1, 4),
            "largest_difference": round(self.largest_difference, 6),
        }

    def line(self, path: Path) -> str:
        """A line about the file that was checked."""
        return (
            f"{path.stat().st_size / 1000:>6.0f} KB  names the bundle's genre on {self.top1:.2%} "
            f"of {self.windows} windows, scores differ by at most {self.largest_difference:.2g}"
        )


def windows_of_recordings(paths: Iterable[str], logmel: LogMel) -> Iterator[CheckWindow]:
    """All windows of files and of the audio in folders; what cannot be read is named on
    standard error.

    Frames lie on a grid, so a window's first frame may begin under one frame hop before
    it (see `LogMel`). `CheckWindow.samples` begin with that frame.
    """
    found = list(find_audio(paths))
    for path in tqdm(found, desc="checking", unit="file", leave=False, disable=None):
        if isinstance(path, str):
            try:
                yield from _aligned(path, logmel)
            except AudioError as error:
                tqdm.write(f"genre-convert: skipped {error}", file=sys.stderr)
        elif not isinstance(path, SkippedFiles):
            tqdm.write(f"genre-convert: {path}", file=sys.stderr)


def frame_grid(spec: FrontendSpec) -> int:
    """A window's first frame begins at the last multiple of this many samples that is
    not after the window."""
    return spec.hop_length if spec.frame_start == "stream" else 1


def _aligned(path: str, logmel: LogMel) -> Iterator[CheckWindow]:
    spec = logmel.spec
    before = np.zeros(spec.window_samples, dtype=np.float32)
    for window in file_windows(path, logmel):
        early = round(window.start * spec.sample_rate) % frame_grid(spec)
        both = np.concatenate([before, window.samples])
        start = spec.window_samples - early
        yield CheckWindow(window.features, both[start : start + spec.window_samples])
        before = window.samples


def checked(
    bundle: Bundle, recordings: Iterable[str], scores: Callable[[CheckWindow], Float32]
) -> Comparison:
    """How an export's `scores` of the windows of recordings, float32 [labels] each,
    compare with its bundle's. ModelError if they disagree."""
    classifier = Classifier(bundle)
    expected, found = [], []
    for window in windows_of_recordings(recordings, LogMel(bundle.info.frontend)):
        expected.append(classifier.scores(window.features))
        found.append(scores(window))
    comparison = compare(expected, found)
    check(comparison, bundle)
    return comparison


def compare(expected: list[Float32], found: list[Float32]) -> Comparison:
    """Compare scores on the same windows, float32 [labels] each. ModelError if there
    are none, or not as many numbers."""
    if not expected:
        raise ModelError("no recordings to check the model with (--check-with)")
    theirs, ours = np.stack(expected), np.stack(found)
    if theirs.shape != ours.shape:
        reason = f"gives {ours.shape[1]} numbers, the bundle has {theirs.shape[1]} labels"
        raise ModelError(f"what was made {reason}; nothing was written")
    same = float((theirs.argmax(axis=1) == ours.argmax(axis=1)).mean())
    return Comparison(len(expected), same, float(np.abs(theirs - ours).max()))


def check(comparison: Comparison, bundle: Bundle) -> None:
    """ModelError if an export disagrees with its bundle."""
    quantised = bundle.info.quantisation.get("input", {}).get("dtype") != "float32"
    tolerance = INT8_TOLERANCE if quantised else FLOAT_TOLERANCE
    if comparison.top1 < LEAST_TOP1 or comparison.largest_difference > tolerance:
        raise ModelError(
            f"{bundle.info.name}: what was made from it names the same genre on "
            f"{comparison.top1:.2%} of {comparison.windows} windows, and its scores differ by up "
            f"to {comparison.largest_difference:.2g} (allowed: {tolerance:g}); nothing was written"
        )
