"""The recipe of the shipped edge model: augmented clips, a teacher, a student, a calibrated classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.frontend import Float32, FrontendSpec, LogMel, hz_to_mel, mel_to_hz
from genre_edge.tracks import Track, labels_of
from genre_edge.version import __version__

from .augment import Augmenter, AugmentSpec
from .clips import ClipPlan, ClipSet, clips_folder, make_clips, softmax
from .data import PcmCache
from .distil import DistilSpec, Extra, classifier_of, distil
from .evaluate import by_track, report

STUDENT_MELS = 116
"""Bands the student sees of the default front-end's 128, up to 8 kHz. Above, lossy files and lossless ones differ by their
codec, and in some collections the codec goes with the genre."""

_VALID_ROOMS = 999
"""Seed of the rooms in which the valid tracks are judged after each epoch."""


@dataclass(frozen=True)
class Recipe:
    """Where everything is and how much of it."""

    data: Path
    """The folder of the recordings; may hold first3s_logmel.npz."""
    teacher: Path
    """YAMNet as TFLite."""
    output: Path
    """Where the results go; an interrupted run goes on from what is there."""
    cache: Path
    """Decoded audio and clip sets."""
    clips: tuple[ClipPlan, ...]
    """The clip sets to train on, one after the other in each epoch."""
    distil: DistilSpec
    """How the student is trained."""
    start_from: Path | None = None
    """A trained student to go on from; None: from random weights."""
    jobs: int = 1
    """Processes that make clips."""


@dataclass(frozen=True)
class ValidWindows:
    """The valid tracks' windows, as recorded and in one random room each."""

    clean: Float32
    """float32 [n, frames, mels, 1]."""
    room: Float32
    """float32 [n, frames, mels, 1]."""
    label: npt.NDArray[np.int64]
    """[n]"""
    track: npt.NDArray[np.int64]
    """[n]"""


def lower_bands(spec: FrontendSpec, mels: int) -> FrontendSpec:
    """The front-end whose bands are the lowest `mels` of the given one's, exactly."""
    edges = mel_to_hz(np.linspace(hz_to_mel(spec.f_min), hz_to_mel(spec.f_max), spec.n_mels + 2))
    return replace(spec, n_mels=mels, f_max=float(edges[mels + 1]))


def valid_windows(
    tracks: Sequence[Track], labels: Sequence[str], cache: PcmCache, spec: FrontendSpec
) -> ValidWindows:
    """Decode and prepare; rooms are drawn by a fixed seed."""
    logmel, length = LogMel(spec), spec.window_samples
    clean, room, label, numbers = [], [], [], []
    for number, track in enumerate(tracks):
        samples = cache.get(track).astype(np.float32) / np.float32(32768)
        augmenter = Augmenter(AugmentSpec(), spec.sample_rate, np.random.default_rng([_VALID_ROOMS, number]))
        for start in range(0, len(samples) - length + 1, length):
            clean.append(logmel.window(samples[start : start + length]))
            heard = samples[max(0, start - spec.sample_rate) : start + length]
            room.append(logmel.window(augmenter.room(heard, length)))
            label.append(labels.index(track.genre))
            numbers.append(number)
    return ValidWindows(
        np.stack(clean)[..., None], np.stack(room)[..., None], np.array(label), np.array(numbers)
    )


def extras(data: Path, labels: Sequence[str], leave_out: set[str]) -> Extra | None:
    """first3s_logmel.npz without the tracks named, as normalised features; None if there is no such file."""
    path = data / "first3s_logmel.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        names = [str(name) for name in arrays["track"]]
        keep = [i for i, name in enumerate(names) if name not in leave_out]
        scale, offset = (arrays[key][keep].reshape(-1, 1, 1) for key in ("scale", "offset"))
        mel = arrays["mel_u8"][keep].astype(np.float32) * scale + offset
    # Frames 2 to 127 of a centred STFT are those of an uncentred one.
    features = mel[:, :, 2:128].transpose(0, 2, 1)
    genres = [names[i].split(".")[0] for i in keep]
    return Extra(features, np.array([labels.index(genre) for genre in genres]))


def probabilities(model: keras.Model, windows: Float32, temperature: float = 1.0) -> Float32:
    """The student's genre probabilities, float32 [n, labels]."""
    logits = model.predict(windows, batch_size=128, verbose=0)["genre"] / temperature
    return softmax(logits)


def best_temperature(model: keras.Model, valid: ValidWindows) -> float:
    """The temperature with the least mean negative log-likelihood on the valid windows, clean and in rooms."""
    logits = np.concatenate(
        [model.predict(w, batch_size=128, verbose=0)["genre"] for w in (valid.clean, valid.room)]
    )
    label = np.concatenate([valid.label, valid.label])

    def cost(temperature: float) -> float:
        z = logits / temperature
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), label]))

    return min((float(t) for t in np.arange(0.4, 2.5, 0.02)), key=cost)


def run(recipe: Recipe, tracks: Sequence[Track]) -> dict[str, Any]:
    """Make what is missing, train, and write model.keras, model.json, metrics.json; returns the metrics."""
    labels = labels_of(tracks)
    train = [track for track in tracks if track.split == "train"]
    valid_tracks = [track for track in tracks if track.split == "valid"]
    spec = lower_bands(recipe.clips[0].frontend, STUDENT_MELS)
    sets: list[ClipSet] = [
        make_clips(plan, train, clips_folder(plan, recipe.cache), recipe.cache, recipe.teacher, recipe.jobs)
        for plan in recipe.clips
    ]
    valid = valid_windows(valid_tracks, labels, PcmCache(recipe.cache, spec.sample_rate), spec)

    def judge(model: keras.Model) -> dict[str, float]:
        measured = {}
        for name, windows in (("clean", valid.clean), ("room", valid.room)):
            scores = probabilities(model, windows)
            mean, truth = by_track(scores, valid.label, valid.track)
            measured[f"{name}_windows"] = round(float((scores.argmax(1) == valid.label).mean()), 4)
            measured[f"{name}_tracks"] = round(float((mean.argmax(1) == truth).mean()), 4)
        return measured

    extra = extras(recipe.data, labels, {track.name for track in valid_tracks})
    model = distil(sets, extra, STUDENT_MELS, recipe.distil, recipe.output, judge, recipe.start_from)
    temperature = best_temperature(model, valid)
    metrics = report(probabilities(model, valid.clean, temperature), valid.label, valid.track, labels)
    metrics["room"] = report(probabilities(model, valid.room, temperature), valid.label, valid.track, labels)
    classifier_of(model, temperature).save(recipe.output / "model.keras")
    description = {
        "labels": labels,
        "frontend": spec.to_dict(),
        "trained_on": {
            "architecture": "edge",
            "tracks": len(train),
            "clips": sum(plan.count for plan in recipe.clips),
            "first-three-seconds log-mels": 0 if extra is None else len(extra.label),
            "teacher": recipe.teacher.name,
            "distillation": json.dumps(asdict(recipe.distil)),
            "temperature": round(temperature, 2),
            "version": __version__,
        },
    }
    (recipe.output / "model.json").write_text(json.dumps(description, indent=1) + "\n")
    (recipe.output / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return metrics
