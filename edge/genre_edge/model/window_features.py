"""What is done with one window's rows: scale, coefficients, shape, normalisation."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float32
from .cepstrum import cepstral_matrix, delta_matrices
from .frontend_spec import FrontendSpec
from .mel import decibels, in_decibels

STD_FLOOR = 1e-3
"""A window whose log-mel varies by less (dB) is constant: it is centred and not scaled
up."""
QUIETEST = 1e-5
"""Level (-100 dBFS) below which a window is not scaled up further: less than the
rounding of 16-bit audio. A waveform that varies by less is constant."""


class WindowFeatures:
    """Turns a window's rows of the spectrogram into what the model sees."""

    def __init__(self, spec: FrontendSpec) -> None:
        self._spec = spec
        self._cepstral = cepstral_matrix(spec) if spec.kind == "mfcc" else None
        self._deltas = delta_matrices(spec, spec.whole_frames) if spec.deltas else ()
        # What is kept of a plain log-mel needs none of the later steps.
        self._plain = spec.kind != "waveform" and spec.shape == (spec.whole_frames, spec.n_mels)
        self._plain &= self._cepstral is None and not self._deltas and not spec.flip_bands

    def __call__(self, rows: Float32, samples: Float32) -> Float32:
        """Features, float32 [*spec.shape], of the window's rows, float32
        [whole_frames, columns], and its samples, float32 [window_samples]; both are
        left as they are. Of kind "waveform" the rows are the samples.
        """
        spec = self._spec
        values = scaled(rows, samples, spec)
        if self._plain:
            return normalised(values, spec)
        if self._cepstral is not None:
            values = _coefficients(values, self._cepstral, spec)
        if self._deltas:
            parts = [values, *(matrix @ values for matrix in self._deltas)]
            as_channels = spec.delta_axis == "channels"
            values = np.stack(parts, axis=-1) if as_channels else np.concatenate(parts, axis=1)
        if spec.kind != "waveform" and spec.frames != len(values):
            values = _resized(values, spec.frames)
        values = normalised(values, spec)
        if spec.flip_bands:
            values = values[:, ::-1]
        if spec.channels > 1:
            values = np.repeat(values[..., None], spec.channels, axis=-1)
        return np.ascontiguousarray(values)


def scaled(rows: Float32, samples: Float32, spec: FrontendSpec) -> Float32:
    """Rows on the scale that the spec asks for, at its level; a new array.

    The level is set by a factor on the bands, not on the samples, so that windows which
    overlap can share frames.
    """
    factor = level_factor(samples, spec)
    if spec.kind == "waveform":
        return rows * np.float32(factor)
    if in_decibels(spec):
        return _floored(rows, spec)
    values: Float32 = rows * np.float32(spec.log_factor * factor**spec.power)
    if spec.scale.startswith("db"):
        return _floored(decibels(values, spec), spec)
    if spec.scale == "none":
        return values
    if spec.log_floor:
        np.maximum(values, np.float32(spec.log_floor), out=values)
    values += np.float32(spec.log_offset)
    np.log(values, out=values)
    if spec.scale == "log10":
        values *= np.float32(1.0 / math.log(10.0))
    return values


def _floored(db: Float32, spec: FrontendSpec) -> Float32:
    """DB at least `top_db` below the window's maximum, and relative to it if it is the
    reference; a new array."""
    top = db.max()
    floored: Float32 = np.maximum(db, top - np.float32(spec.top_db))
    if spec.db_reference == "max":
        floored -= top
    return floored


def level_factor(samples: Float32, spec: FrontendSpec) -> float:
    """What brings a window's samples to `window_level`."""
    if not spec.window_level:
        return 1.0
    if spec.level_of == "peak":
        level = float(np.abs(samples).max())
    else:
        level = math.sqrt(float(np.dot(samples, samples)) / len(samples))
    return spec.window_level / max(level, QUIETEST)


def _coefficients(values: Float32, matrix: Float32, spec: FrontendSpec) -> Float32:
    """Cepstral coefficients, float32 [frames, n_mfcc], of scaled bands; the energy is
    their last column where there is one."""
    found: Float32 = values[:, : spec.n_mels] @ matrix
    if spec.frame_energy:
        found[:, 0] = values[:, spec.n_mels]
    return found


def _resized(values: Float32, frames: int) -> Float32:
    """The first frames, or all of them and zeros."""
    kept = values[:frames]
    rest = [(0, frames - len(kept)), *[(0, 0)] * (values.ndim - 1)]
    return np.pad(kept, rest)


def normalised(values: Float32, spec: FrontendSpec) -> Float32:
    """A window, float32 [frames, bands(, channels)], normalised in place."""
    if spec.normalise == "none":
        return values
    if spec.normalise == "minmax":
        values -= values.min()
        high = float(values.max())
        values *= np.float32(spec.minmax_high / high if high > 0 else 0.0)
        return values
    if spec.normalise == "stored":
        # Channels, if there are any, share their band's numbers.
        shape = (-1,) + (1,) * (values.ndim - 2) if values.ndim > 1 else (-1,)
        values -= np.array(spec.band_mean, np.float32).reshape(shape)
        values /= np.array(spec.band_deviation, np.float32).reshape(shape)
        return values
    if spec.normalise == "window-bands":
        values -= values.mean(axis=0, dtype=np.float64).astype(np.float32)
        values /= np.maximum(values.std(axis=0), np.float32(STD_FLOOR))
        return values
    values -= values.mean(dtype=np.float64).astype(np.float32)
    flat = values.reshape(-1)
    deviation = float(np.sqrt(np.dot(flat, flat) / flat.size))
    if deviation > (QUIETEST if spec.kind == "waveform" else STD_FLOOR):
        values *= np.float32(1.0 / deviation)
    return values
