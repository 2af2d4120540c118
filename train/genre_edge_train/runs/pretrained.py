"""A whole run that starts from pretrained weights: teachers, soft labels, clips, the
fit, a calibrated classifier."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.errors import UsageError
from genre_edge.files import write_atomically
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.predictions import Predictions
from genre_edge.version import __version__

from ..augment.speech import make_speech
from ..data.pcm_cache import PcmCache
from ..data.recordings import Recording, labels_of
from ..network.temperature import apply_temperature, fit_temperature
from ..pretrained.batches import Batches, FitSpec, Targets
from ..pretrained.fit import fit
from ..pretrained.network import checked_start, classifier_of, put_start, student
from ..pretrained.soft_labels import Windows, components, heads_of, soft_labels
from ..pretrained.teachers import TeacherOutputs, TeacherSpec, listen_all
from ..pretrained.variants import NO_MUSIC, Clips, Pool, VariantSpec, make_clips
from ..pretrained.yamnet import FRONTEND, LICENCE
from ..results.data_sets import OnDataSet, on_data_set
from ..results.run_folder import Curves, HeldOut, write_results, write_tracks
from .with_teacher import ValidWindows, valid_windows

SPOKEN = 200
"""Utterances to draw speech from."""


@dataclass(frozen=True)
class PretrainedRun:
    """Where everything is and how much of it."""

    recordings: tuple[Recording, ...]
    """All data sets' recordings; the first one's data set is the one at home."""
    start: Path | None
    """YAMNet's TFLite file; None: random weights."""
    cut: int
    """The last of its layers that is kept."""
    teachers: tuple[TeacherSpec, ...]
    """Who soft labels are from; may be none."""
    variants: VariantSpec
    """How clips are changed."""
    clips: int
    """Clips to make, over all pools."""
    fit: FitSpec
    """How the network is fitted."""
    output: Path
    """Where the results go; a run that was stopped goes on from what is there."""
    cache: Path
    """Decoded audio, teachers' outputs and clips."""
    jobs: int = 1
    """Processes that make them."""
    even: bool = True
    """Whether labels at home are drawn evenly, and elsewhere by the root of their
    number; if not, labels at home by the root, and elsewhere as they come."""
    protocol: str = "csv"
    """How the recordings got their sides; for people."""


def run(plan: PretrainedRun) -> tuple[dict[str, Any], list[OnDataSet]]:
    """Make what is missing, train, write the results (see `write_results`).

    Returns
    -------
    tuple
        The metrics, on the valid tracks of all data sets together, and the figures of
        each data set, as recorded and in rooms.
    """
    labels = labels_of(plan.recordings)
    if len(labels) < 2:
        raise UsageError(f"--data: found {len(labels)} label(s), need at least 2")
    start = checked_start(plan.start) if plan.start is not None else None
    train = [r for r in plan.recordings if r.side == "train"]
    heard = listen_all(plan.teachers, train, plan.cache, plan.jobs)
    train = [r for r in train if r.path in heard and (r.label or plan.teachers)]
    targets, width = _targets(plan, train, heard, labels)
    pools, shares = _pools(plan, train)
    valid, groups = _valid(plan, labels)

    def judge(model: keras.Model) -> dict[str, float]:
        logits = model.predict(valid.clean, batch_size=64, verbose=0)["genre"]
        found = evaluate(Predictions.of_windows(labels, logits, valid.label, valid.track))
        return {"valid_windows": found.windows.accuracy, "valid_tracks": found.tracks.accuracy}

    keras.utils.set_random_seed(plan.fit.seed)
    model = student(FRONTEND.shape, plan.cut, len(labels), width)
    if start is not None:
        put_start(model, start)
    plan.output.mkdir(parents=True, exist_ok=True)
    fit(model, Batches(pools, shares, targets, plan.fit), plan.fit, plan.output, judge)
    classifier = classifier_of(model)
    clean, room = (classifier.predict(w, verbose=0) for w in (valid.clean, valid.room))
    even = _evenly(valid, groups)
    temperature = fit_temperature(
        np.log(np.concatenate([clean[even], room[even]]) + 1e-9), np.tile(valid.label[even], 2)
    )
    apply_temperature(classifier, temperature)
    in_rooms, recorded = (
        Predictions.of_windows(labels, classifier.predict(w, verbose=0), valid.label, valid.track)
        for w in (valid.room, valid.clean)
    )
    write_tracks(plan.output, [r.track() for r in plan.recordings if r.label])
    conditions = {
        condition: replace(predictions, groups=tuple(groups)).by_group()
        for condition, predictions in (("as recorded", recorded), ("in rooms", in_rooms))
    }
    found = [
        on_data_set(data, condition, of_data[data])
        for data in dict.fromkeys(groups)
        for condition, of_data in conditions.items()
    ]
    figures = json.dumps([one.to_dict() for one in found], indent=1)
    write_atomically(plan.output / "data_sets.json", figures + "\n")
    metrics = write_results(
        plan.output,
        classifier,
        {
            "labels": labels,
            "frontend": FRONTEND.to_dict(),
            "trained_on": _made_from(plan, train, temperature),
        },
        HeldOut(recorded, "valid", plan.protocol),
        _curves(plan.output / "history.jsonl"),
        in_rooms,
    )
    return metrics, found


def _targets(
    plan: PretrainedRun,
    train: Sequence[Recording],
    heard: dict[Path, tuple[TeacherOutputs, ...]],
    labels: Sequence[str],
) -> tuple[Targets, int]:
    """What the network should say, and how many components it answers with."""
    if not plan.teachers:
        alone = np.eye(len(labels), dtype=np.float32)[[labels.index(r.label) for r in train]]
        at = Windows(np.arange(len(train)), np.zeros(len(train), dtype=np.float32), [])
        nothing = np.zeros((len(train), 0), dtype=np.float32)
        return Targets(train, labels, at, alone, nothing, plan.fit), 0
    windows = Windows.of(train, heard, plan.teachers)
    soft = soft_labels(windows, heads_of(plan.teachers), train, labels)
    parts = components(windows, plan.teachers, plan.fit.components)
    return Targets(train, labels, windows, soft, parts, plan.fit), parts.shape[1]


def _pools(plan: PretrainedRun, train: Sequence[Recording]) -> tuple[list[Clips], list[float]]:
    """Clips of the data set at home, of the others' labelled and unlabelled recordings,
    and of no music; and the share of a batch that each has."""
    cache, home = PcmCache(plan.cache, FRONTEND.sample_rate), train[0].data
    numbers: dict[str, list[int]] = {}
    for number, recording in enumerate(train):
        at_home = recording.data == home and recording.label
        name = "home" if at_home else "labelled" if recording.label else "unlabelled"
        numbers.setdefault(name, []).append(number)
    others = [name for name in ("labelled", "unlabelled") if name in numbers]
    rest = plan.fit.no_music_share
    home_share = plan.fit.home_share if others else 1 - rest
    shares = {"home": home_share}
    for name in others:
        shares[name] = (1 - rest - home_share) / len(others)
    pools, kept = [], []
    for name, share in shares.items():
        weights = _weights([train[n] for n in numbers[name]], name == "home", plan.even)
        files = tuple(cache.file(train[n].track()) for n in numbers[name])
        count = max(1, round(plan.clips * share))
        pools.append(Pool(name, files, tuple(numbers[name]), weights, count))
        kept.append(share)
    if rest:
        speech = tuple(make_speech(plan.cache / "speech", SPOKEN, plan.variants.seed))
        pools.append(
            Pool("no-music", speech, (NO_MUSIC,), (1.0,), max(1, round(plan.clips * rest)))
        )
        kept.append(rest)
    made = [make_clips(pool, plan.variants, FRONTEND, plan.cache, plan.jobs) for pool in pools]
    return made, kept


def _weights(recordings: Sequence[Recording], at_home: bool, even: bool) -> tuple[float, ...]:
    """How often each recording is drawn: each track alike, but labels at home evenly,
    and elsewhere a label or a collection of n tracks by the square root of n. Without
    `even` labels at home by the square root, and elsewhere collections alone."""
    one_of_each = {(r.data, r.name): r for r in recordings}.values()
    excerpts = Counter((r.data, r.name) for r in recordings)
    of_label = Counter(r.label for r in one_of_each)
    of_source = Counter((r.data, r.source) for r in one_of_each)

    def weight(recording: Recording) -> float:
        label = of_label[recording.label]
        if at_home:
            return float(1.0 / label if even else label**-0.5)
        share = label**-0.5 if even and recording.label else 1.0
        return float(share * of_source[recording.data, recording.source] ** -0.5)

    return tuple(weight(r) / excerpts[r.data, r.name] for r in recordings)


def _valid(plan: PretrainedRun, labels: Sequence[str]) -> tuple[ValidWindows, list[str]]:
    """The windows of all data sets' valid recordings, and the data set of each track;
    excerpts of one track are one track."""
    valid = [r for r in plan.recordings if r.side == "valid" and r.label]
    if not valid:
        raise UsageError("--data: no valid tracks (10 % of each label are kept for it)")
    cache = PcmCache(plan.cache, FRONTEND.sample_rate)
    found = valid_windows([r.track() for r in valid], labels, cache, FRONTEND)
    names = [(r.data, r.name) for r in valid]
    order = sorted(set(names), key=names.index)
    number = np.array([order.index(name) for name in names])
    merged = ValidWindows(found.clean, found.room, found.label, number[found.track])
    return merged, [data for data, _ in order]


def _evenly(valid: ValidWindows, groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """Numbers of windows, of each data set as many: those of smaller ones
    repeatedly."""
    data = np.array(groups)[valid.track]
    sets = [np.flatnonzero(data == name) for name in dict.fromkeys(groups)]
    return np.concatenate([np.resize(one, max(map(len, sets))) for one in sets])


def _made_from(
    plan: PretrainedRun, train: Sequence[Recording], temperature: float
) -> dict[str, Any]:
    tracks = {(r.data, r.name): bool(r.label) for r in train}
    return {
        "architecture": f"yamnet-cut-{plan.cut}",
        "start": f"{plan.start.name}, {LICENCE}" if plan.start else "random weights",
        "tracks": sum(tracks.values()),
        "unlabelled tracks": len(tracks) - sum(tracks.values()),
        "clips": plan.clips,
        "teachers": [spec.name for spec in plan.teachers],
        "augmentation": json.dumps(asdict(plan.variants)),
        "fit": json.dumps(asdict(plan.fit)),
        "temperature": round(temperature, 2),
        "version": __version__,
    }


def _curves(path: Path) -> Curves:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    judged = [row for row in rows if "valid_windows" in row]
    return {
        "loss": {"all outputs": [row["loss"] for row in rows]},
        "valid accuracy": {
            name: [row[f"valid_{name}"] for row in judged] for name in ("windows", "tracks")
        },
    }
