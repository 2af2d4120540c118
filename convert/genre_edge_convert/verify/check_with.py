"""Whether the front-end computes what the user's own code did, and where it strays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.classifier import arranged
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.scores import OutputReader

from ..read.frontends import as_input
from ..read.networks import Network

_TYPICAL = 0.01
"""Root mean square difference that passes, as a share of the features' deviation."""
_LARGEST = 0.1
"""Largest single difference that passes, likewise."""
_SCORE = 0.02
"""Largest difference of scores that passes: the clip may have been resampled."""
_OTHERS: tuple[dict[str, Any], ...] = (
    *({"padding": p, "frame_start": "window"} for p in ("none", "zeros", "reflect", "end")),
    *({"db_reference": reference} for reference in ("one", "max")),
    *({"top_db": top} for top in (80.0, 1000.0)),
    *({"power": power} for power in (1, 2)),
    *({"scale": scale} for scale in ("db", "db-amplitude", "none")),
    *({"scale": scale, "log_offset": 1e-6} for scale in ("ln", "log10")),
    *({"mel_filters": name} for name in ("slaney", "htk", "htk-hz", "htk-bins")),
    *({"mel_norm": name} for name in ("area", "height")),
    *({"normalise": name} for name in ("none", "window", "window-bands", "minmax")),
    {"normalise": "minmax", "minmax_high": 255.0},
    *({"taper": name} for name in ("hann", "hamming", "rectangular")),
    *({"dct_norm": name} for name in ("ortho", "none")),
    {"flip_bands": True},
    {"lifter": 22},
    {"preemphasis": 0.97},
)
"""What other people's code does otherwise, a change or two at a time."""


def check_with(
    clip: Path, expect: Path, network: Network, described: BundleInfo, layout: str, kind: str
) -> dict[str, Any]:
    """Compare the first window of a clip with what the user's own code made of it.

    Parameters
    ----------
    clip
        A recording.
    expect
        A .npy file: the features of its first window, in the front-end's order or the
        network's, or the network's scores for it, as it gives them or as probabilities.
    network, described, layout, kind
        The network, its description, the order of its input and what its output is.

    Returns
    -------
    dict
        What the bundle says of it: clip, what was compared, the largest difference.

    Raises
    ------
    ModelError
        They differ; the message says in what.
    UsageError
        The file holds something else.
    """
    spec = described.frontend
    expected = read_expected(expect)
    samples = first_window(clip, spec)
    features = LogMel(spec).window(samples)
    if expected.size == network.outputs and expected.size != features.size:
        raw = network.run(as_input(network, features[None], layout))[0]
        read = OutputReader(kind, described.output_names, {})
        # The user's code may end where the network does: at logits, say.
        ends = (expected.reshape(-1), read(expected.reshape(-1)))
        furthest = min(float(np.abs(read(raw) - end).max()) for end in ends)
        if furthest > _SCORE:
            raise ModelError(
                f"{expect}: the scores differ by up to {furthest:.3f}: the front-end strays; give "
                "the features of your code as --expect to see where"
            )
        return _said(clip, "scores", furthest)
    fits = [a for a in _orders(features, layout) if a.size == expected.size]
    wanted = _like(expected, fits)
    if wanted is None:
        raise UsageError(
            Fault(
                "expect",
                expect,
                f"holds {_sizes(expected)}, the front-end makes {_sizes(features)} (a window) and "
                f"the network {network.outputs} scores",
            )
        )
    for made in fits:
        if made.shape == wanted.shape and is_close(made, wanted):
            return _said(clip, "features", float(np.abs(made - wanted).max()))
    raise ModelError(f"{expect}: the front-end strays from it: {_where(spec, samples, wanted)}")


def is_close(made: Float32, wanted: Float32) -> bool:
    """Whether two windows are the same but for rounding and resampling."""
    spread = float(wanted.std()) + 1e-6
    apart = np.abs(made - wanted)
    typical = float(np.sqrt(np.mean(apart.astype(np.float64) ** 2)))
    return typical <= _TYPICAL * spread and float(apart.max()) <= _LARGEST * spread


def _said(clip: Path, compared: str, furthest: float) -> dict[str, Any]:
    return {"clip": clip.name, "compared": compared, "largest_difference": round(furthest, 6)}


def first_window(clip: Path, spec: FrontendSpec) -> Float32:
    """The samples of a recording's first window; a short one is repeated.
    AudioError."""
    samples = read_mono(clip, spec.sample_rate)
    samples = np.resize(samples, max(len(samples), spec.window_samples))
    return np.ascontiguousarray(samples[: spec.window_samples])


def read_expected(path: Path) -> Float32:
    """The numbers that the user's own code made, from a .npy file. Nothing in it is
    run. UsageError."""
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            expected = np.asarray(found, dtype=np.float32) if _is_numbers(found) else None
    except OSError as error:
        raise UsageError(Fault("expect", path, (error.strerror or str(error)).lower())) from None
    except (ValueError, EOFError, MemoryError, BadZipFile):
        expected = None
    if expected is None or not expected.size:
        reason = "no .npy file of numbers: write it with np.save(file, array)"
        raise UsageError(Fault("expect", path, reason))
    if not np.isfinite(expected).all():
        reason = "holds NaN or infinity: look for their cause in your own code first"
        raise UsageError(Fault("expect", path, reason))
    return expected


def _is_numbers(found: object) -> bool:
    return isinstance(found, np.ndarray) and found.dtype.kind in "fiu"


def _sizes(array: Float32) -> str:
    return " x ".join(str(n) for n in array.shape if n != 1) or "one number"


def _orders(features: Float32, layout: str) -> list[Float32]:
    """The features in the front-end's order and in the network's."""
    return [np.squeeze(features), np.squeeze(arranged(features, layout))]


def _like(expected: Float32, made: list[Float32]) -> Float32 | None:
    """What was expected, without axes of one; None if it has another shape."""
    squeezed = np.squeeze(expected)
    return squeezed if any(a.shape == squeezed.shape for a in made) else _turned(squeezed, made)


def _turned(squeezed: Float32, made: list[Float32]) -> Float32 | None:
    return squeezed.T if any(a.shape == squeezed.T.shape for a in made) else None


def _where(spec: FrontendSpec, samples: Float32, wanted: Float32) -> str:
    """What would make the front-end equal to `wanted`, or how they differ."""
    heard = LogMel(spec).window(samples)
    if heard.shape != wanted.shape:
        heard, wanted = (heard, wanted.T) if heard.shape == wanted.T.shape else (heard, heard)
    if wanted.ndim == 2 and wanted.shape[0] == wanted.shape[1] and is_close(heard, wanted.T):
        return "the order: yours is turned, bands before frames; give --layout"
    closest: tuple[float, str] | None = None
    for changes, other in _variants(spec):
        made = LogMel(other).window(samples)
        if made.shape == wanted.shape and is_close(made, wanted):
            said = ", ".join(f"{name} = {_toml(value)}" for name, value in changes.items())
            apart = float(np.abs(made - wanted).mean())
            closest = min(closest or (apart, said), (apart, said))
    if closest:
        return f"it is equal with {closest[1]} in the front-end's file"
    return _statistics(heard, wanted)


def _variants(spec: FrontendSpec) -> Iterator[tuple[dict[str, Any], FrontendSpec]]:
    for changes in _OTHERS:
        try:
            other = replace(spec, **changes)
        except UsageError:
            continue  # does not go with the rest
        if other != spec:
            yield changes, other


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _statistics(heard: Float32, wanted: Float32) -> str:
    if not wanted.std():
        return f"yours is {wanted.flat[0]:.3g} everywhere: it holds no features"
    together = float(np.corrcoef(heard.reshape(-1), wanted.reshape(-1))[0, 1])
    apart = np.abs(heard - wanted).reshape(len(heard), -1).mean(axis=1)
    edge = max(1, len(apart) // 20)
    inside = float(apart[edge:-edge].mean()) if len(apart) > 2 * edge else float(apart.mean())
    parts = [
        f"level: yours is {wanted.mean() - heard.mean():+.3g} on average",
        f"scale: yours varies {wanted.std() / max(float(heard.std()), 1e-9):.3g} times as much",
        f"correlation {together:.3f}",
    ]
    if inside < 0.1 * float(apart.max()):
        parts.append("centring: only frames at the ends differ (padding)")
    if together < 0.5:
        parts.append("another order, or another kind of features")
    return "; ".join(parts)
