"""The front-end as a TFLite graph of builtin operators, in float32: samples in, what
the network takes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import tensorflow as tf
from genre_edge.errors import ModelError
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.mel import POWER_FLOOR, hann, mel_filterbank, mel_groups
from genre_edge.model.window_features import QUIETEST, STD_FLOOR

from .traced import traced

_UNDERSTOOD = {
    *("sample_rate", "window_seconds", "n_fft", "frame_length", "hop_length", "power"),
    *("n_mels", "f_min", "f_max", "mel_filters", "mel_norm", "padding", "frame_start"),
    *("db_reference", "fixed_frames"),
    *("scale", "top_db", "log_factor", "log_offset", "window_level", "normalise"),
}
"""Fields of FrontendSpec that the graph has. Any other must have its default."""
_VALUES = {"scale": ("db", "ln", "log10"), "normalise": ("window", "none")}
"""Values that the graph has, of fields with more."""


def check_frontend(spec: FrontendSpec, name: str) -> None:
    """Check that a front-end can be put into a graph.

    Parameters
    ----------
    spec
        The front-end.
    name
        What a message calls the model.

    Raises
    ------
    ModelError
        It uses what the graph does not have; each field is named.
    """
    unknown = [
        f"{field.name} = {getattr(spec, field.name)!r}"
        for field in fields(spec)
        if field.name not in _UNDERSTOOD and getattr(spec, field.name) != field.default
    ]
    unknown += [
        f"{name} = {getattr(spec, name)!r}"
        for name, values in _VALUES.items()
        if getattr(spec, name) not in values
    ]
    if spec.scale == "db" and spec.window_level:
        unknown.append(f"window_level = {spec.window_level:g} with scale 'db'")
    if spec.n_fft & (spec.n_fft - 1):
        unknown.append(f"n_fft = {spec.n_fft} (must be a power of two)")
    if unknown:
        raise ModelError(
            f"{name}: its front-end cannot be put into the graph: {', '.join(unknown)}; such "
            "a model has no audio-in file (docs/anywhere.md says what can be put in)"
        )


def frontend_flatbuffer(spec: FrontendSpec, shape: Sequence[int], transposed: bool) -> bytes:
    """A TFLite model that turns one window of samples into the network's input.

    It computes what `LogMel.window` does. The Fourier transform is TFLite's RFFT2D,
    which wants a power of two. The filterbank is multiplied by groups of bands, each
    with the bins that it uses: in float32 that is less than the whole bank in float16.

    Parameters
    ----------
    spec
        The front-end, which `check_frontend` has passed.
    shape
        Shape of the network's input, the batch's 1 included.
    transposed
        Whether the network takes mels before frames.

    Returns
    -------
    bytes
        The flatbuffer: float32 [1, window_samples] to float32 `shape`.
    """

    def frontend(samples: Any) -> Any:
        features = _scaled(_mel(_frames(samples, spec), spec), samples, spec)
        if spec.fixed_frames:
            missing = max(0, spec.fixed_frames - spec.whole_frames)
            features = tf.pad(features[: spec.fixed_frames], [[0, missing], [0, 0]])
        if spec.normalise == "window":
            features = _normalised(features)
        return tf.reshape(tf.transpose(features) if transposed else features, shape)

    return traced(frontend, [1, spec.window_samples])


def _frames(samples: Any, spec: FrontendSpec) -> Any:
    """Overlapping frames, float32 [frames, frame_samples].

    They are gathered from pieces as long as the greatest common divisor of frame and
    hop, so that the table of indices is small.
    """
    if spec.padding != "none":
        mode = "REFLECT" if spec.padding == "reflect" else "CONSTANT"
        samples = tf.pad(samples, [[0, 0], spec.pad_samples], mode)
    length, hop, count = spec.frame_samples, spec.hop_length, spec.whole_frames
    piece = math.gcd(length, hop)
    used = (count - 1) * hop + length
    pieces = tf.reshape(samples[:, :used], [used // piece, piece])
    rows = np.arange(count)[:, None] * (hop // piece) + np.arange(length // piece)[None]
    return tf.reshape(tf.gather(pieces, rows.astype(np.int32)), [count, length])


def _mel(frames: Any, spec: FrontendSpec) -> Any:
    """Mel bands, float32 [frames, n_mels]."""
    spectrum = tf.signal.rfft(frames * hann(spec.frame_samples), [spec.n_fft])
    real, imaginary = tf.math.real(spectrum), tf.math.imag(spectrum)
    power = real * real + imaginary * imaginary
    if spec.power == 1:
        power = tf.sqrt(power)
    bank = mel_filterbank(spec)
    groups = [
        tf.linalg.matmul(power[:, bins.start : bins.stop], bank[bins, bands])
        for bins, bands in mel_groups(bank)
    ]
    return tf.concat(groups, axis=1)


def _scaled(mel: Any, samples: Any, spec: FrontendSpec) -> Any:
    """The mel bands on the spec's scale, as `window_features.scaled`
    does."""
    if spec.scale == "db":
        decibels = tf.math.log(tf.maximum(mel, POWER_FLOOR)) * np.float32(10.0 / math.log(10.0))
        top = tf.reduce_max(decibels)
        floored = tf.maximum(decibels, top - spec.top_db)
        return floored - top if spec.db_reference == "max" else floored
    factor: Any = np.float32(spec.log_factor)
    if spec.window_level:
        rms = tf.sqrt(tf.reduce_mean(samples * samples))
        gain = spec.window_level / tf.maximum(rms, QUIETEST)
        factor = factor * (gain if spec.power == 1 else gain * gain)
    logarithm = tf.math.log(mel * factor + spec.log_offset)
    return logarithm * np.float32(1.0 / math.log(10.0)) if spec.scale == "log10" else logarithm


def _normalised(features: Any) -> Any:
    """Zero mean and unit variance; a constant window is only centred."""
    centred = features - tf.reduce_mean(features)
    deviation = tf.sqrt(tf.reduce_mean(centred * centred))
    gain = tf.where(deviation > STD_FLOOR, 1.0 / tf.maximum(deviation, STD_FLOOR), 1.0)
    return centred * gain
