"""One run with a teacher: augmented clips, a student, a calibrated classifier."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.pcm import from_int16
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.predictions import Predictions
from genre_edge.judge.tracks import Track, labels_of
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.mel import hz_to_mel, mel_to_hz
from genre_edge.model.scores import softmax
from genre_edge.version import __version__

from ..augment.audio import Augmenter, AugmentSpec
from ..augment.mels import Extra, MelAugmenter
from ..data.gtzan import REPEATS
from ..data.pcm_cache import PcmCache, readable
from ..data.splits import folds_of
from ..distil.batches import DistilSpec, Material, scores_norm
from ..distil.clips import ClipPlan, ClipSet, clips_folder, make_clips
from ..distil.linear_probes import FOLDS, fit_score_probe
from ..distil.student import classifier_of, distil
from ..network.temperature import apply_temperature, fit_temperature
from ..results.run_folder import Curves, HeldOut, write_results, write_tracks

STUDENT_MELS = 116
"""Bands that the student sees, of the default front-end's 128: those up to 8 kHz.
Above, lossy files differ from lossless ones, and in some collections the codec goes
with the genre."""

_VALID_ROOMS = 999
"""Seed of the rooms in which valid tracks are judged."""


@dataclass(frozen=True)
class Recipe:
    """What a run is made from."""

    data: Path
    """The folder of the recordings; may hold first3s_logmel.npz."""
    teacher: Path
    """YAMNet as TFLite."""
    output: Path
    """Where the results go; an interrupted run continues from what is there."""
    cache: Path
    """Decoded audio and clip sets."""
    clips: tuple[ClipPlan, ...]
    """The clip sets to train on, all of them in each epoch."""
    distil: DistilSpec
    """How the student is trained."""
    start_from: Path | None = None
    """A student.keras whose weights to start from; None: from random weights."""
    protocol: str = "csv"
    """How the sides of the tracks were made, for the record."""
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
    """The true labels, [n]."""
    track: npt.NDArray[np.int64]
    """A number for each window's track, [n]."""


def lower_bands(spec: FrontendSpec, mels: int) -> FrontendSpec:
    """The front-end whose bands are exactly the lowest `mels` bands of another one."""
    edges = mel_to_hz(np.linspace(hz_to_mel(spec.f_min), hz_to_mel(spec.f_max), spec.n_mels + 2))
    return replace(spec, n_mels=mels, f_max=float(edges[mels + 1]))


def valid_windows(
    tracks: Sequence[Track], labels: Sequence[str], cache: PcmCache, spec: FrontendSpec
) -> ValidWindows:
    """The windows that a network is judged on; the rooms have a fixed seed.

    Parameters
    ----------
    tracks
        The tracks.
    labels
        The labels, in the order of the outputs.
    cache
        Decoded tracks.
    spec
        The front-end.
    """
    logmel, length = LogMel(spec), spec.window_samples
    clean, room, label, numbers = [], [], [], []
    for number, track in enumerate(tracks):
        samples = from_int16(cache.get(track))
        if len(samples) < length:
            samples = np.resize(samples, length)
        augmenter = Augmenter(
            AugmentSpec(), spec.sample_rate, np.random.default_rng([_VALID_ROOMS, number])
        )
        for start in range(0, len(samples) - length + 1, length):
            clean.append(logmel.window(samples[start : start + length]))
            played = samples[max(0, start - spec.sample_rate) : start + length]
            room.append(logmel.window(augmenter.room(played, length)))
            label.append(labels.index(track.genre))
            numbers.append(number)
    return ValidWindows(
        np.stack(clean)[..., None], np.stack(room)[..., None], np.array(label), np.array(numbers)
    )


def _may_learn(name: str, tracks: Sequence[Track], protocol: str) -> bool:
    """Whether a track of first3s_logmel.npz may be learnt from.

    By the table's own sides every track may, unless it or a repeat of it is on another
    side than "train". Other protocols allow only their own training tracks.
    """
    side = {track.name: track.split for track in tracks}
    if protocol != "csv":
        return side.get(name) == "train"
    same = next((group for group in REPEATS if name in group), {name})
    return all(side.get(other, "train") == "train" for other in same)


def extras(data: Path, labels: Sequence[str], wanted: Callable[[str], bool]) -> Extra | None:
    """Log-mels without audio, from the file first3s_logmel.npz of a data set.

    Parameters
    ----------
    data
        The data set's folder.
    labels
        The labels, in the order of the outputs.
    wanted
        Whether to use a track, by its name.

    Returns
    -------
    Extra or None
        None if there is no such file, or no track in it is wanted.
    """
    path = data / "first3s_logmel.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        names = [str(name) for name in arrays["track"]]
        keep = [i for i, name in enumerate(names) if wanted(name)]
        if not keep:
            return None
        scale, offset = (arrays[key][keep].reshape(-1, 1, 1) for key in ("scale", "offset"))
        mel = arrays["mel_u8"][keep].astype(np.float32) * scale + offset
    # Frames 2 to 127 of a centred STFT are those of an uncentred one.
    features = mel[:, :, 2:128].transpose(0, 2, 1)
    # Loud tracks reach down to the floor, 80 dB below their peak, so the features span
    # 80 dB. The others nearly do.
    decibels = np.clip(80 / np.ptp(mel, axis=(1, 2)), 9, 20)
    genres = [names[i].split(".")[0] for i in keep]
    return Extra(features, decibels, np.array([labels.index(genre) for genre in genres]))


def run(recipe: Recipe, tracks: Sequence[Track]) -> dict[str, Any]:
    """Make what is missing, train, and write the results (see `write_results`).

    The figures are on the test tracks, or on the valid tracks if there are none.

    Parameters
    ----------
    recipe
        What the run is made from.
    tracks
        The tracks, each on its side.

    Returns
    -------
    dict
        The content of metrics.json.
    """
    labels = labels_of(tracks)
    spec = lower_bands(recipe.clips[0].frontend, STUDENT_MELS)
    cache = PcmCache(recipe.cache, spec.sample_rate)
    decoded, bad = readable(tracks, cache)
    for line in bad:
        print(f"genre-train: skipped {line}", file=sys.stderr)
    train, valid_tracks, test_tracks = (
        [track for track in decoded if track.split == side] for side in ("train", "valid", "test")
    )
    files = {track: decoded[track] for track in train}
    sets: list[ClipSet] = [
        make_clips(
            plan,
            files,
            clips_folder(plan, train, recipe.teacher, recipe.cache),
            recipe.cache,
            recipe.teacher,
            recipe.jobs,
        )
        for plan in recipe.clips
    ]
    valid = valid_windows(valid_tracks, labels, cache, spec)
    given = (
        extras(recipe.data, labels, partial(_may_learn, tracks=tracks, protocol=recipe.protocol))
        if recipe.distil.extra
        else None
    )
    extra = None
    if given is not None:
        plan = recipe.clips[0]
        room_share = recipe.distil.room_share
        extra = MelAugmenter(given, len(labels), plan.frontend, plan.augment, room_share)
    material = Material(
        sets, extra, STUDENT_MELS, folds_of(train, FOLDS) if recipe.distil.soft_share else None
    )
    model = distil(
        material,
        recipe.distil,
        recipe.output,
        partial(_valid_accuracy, valid=valid, labels=labels),
        recipe.start_from,
    )
    keras.utils.set_random_seed(
        recipe.distil.seed
    )  # the same head after a run that went on from its middle
    classifier = classifier_of(model, fit_score_probe(sets, scores_norm(sets)))
    answers = np.concatenate([classifier.predict(w, verbose=0) for w in (valid.clean, valid.room)])
    temperature = fit_temperature(
        np.log(answers + 1e-9), np.concatenate([valid.label, valid.label])
    )
    apply_temperature(classifier, temperature)
    held = valid_windows(test_tracks, labels, cache, spec) if test_tracks else valid
    clean, in_rooms = (
        Predictions.of_windows(labels, classifier.predict(w, verbose=0), held.label, held.track)
        for w in (held.clean, held.room)
    )
    held_out = HeldOut(clean, "test" if test_tracks else "valid", recipe.protocol)
    trained_on = {
        "architecture": "edge",
        "tracks": len(train),
        "skipped": len(bad),
        "clips": sum(plan.count for plan in recipe.clips),
        "first-three-seconds log-mels": 0 if given is None else len(given.label),
        "teacher": recipe.teacher.name,
        "augmentation": json.dumps(asdict(recipe.clips[0].augment)),
        "distillation": json.dumps(asdict(recipe.distil)),
        "temperature": round(temperature, 2),
        "version": __version__,
    }
    write_tracks(recipe.output, tracks)
    return write_results(
        recipe.output,
        classifier,
        {"labels": labels, "frontend": spec.to_dict(), "trained_on": trained_on},
        held_out,
        _curves(recipe.output / "history.jsonl"),
        in_rooms,
    )


def _valid_accuracy(
    model: keras.Model, valid: ValidWindows, labels: Sequence[str]
) -> dict[str, float]:
    """Accuracy of the genre head on the valid tracks, for history.jsonl."""
    measured = {}
    for name, windows in (("clean", valid.clean), ("room", valid.room)):
        scores = softmax(model.predict(windows, batch_size=128, verbose=0)["genre"])
        found = evaluate(Predictions.of_windows(labels, scores, valid.label, valid.track))
        measured[f"{name}_windows"] = round(found.windows.accuracy, 4)
        measured[f"{name}_tracks"] = round(found.tracks.accuracy, 4)
    return measured


def _curves(path: Path) -> Curves:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {
        "loss": {
            name: [row[key] for row in rows]
            for name, key in (("all heads", "loss"), ("genre", "genre_loss"))
        },
        "valid accuracy": {
            name.replace("_", ", "): [row[name] for row in rows]
            for name in ("clean_windows", "clean_tracks", "room_windows", "room_tracks")
        },
    }
