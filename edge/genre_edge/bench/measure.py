"""One benchmark: models are loaded, asked about tracks and timed; bench.json holds the
result."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..errors import Fault, UsageError
from ..judge.evaluation import evaluate
from ..judge.predict import Answers, LabelledSource, predict
from ..judge.predictions import Predictions
from ..judge.tracks import Track, check_genres
from ..model.bundle import Bundle, find_model, read_bundle
from ..model.bundle_info import BundleInfo
from ..model.classifier import Classifier
from ..model.engine import Engine
from ..model.flatbuffer import read_graph
from ..model.frontend import LogMel
from ..model.frontend_spec import FrontendSpec
from ..model.windows import WindowStream, windows_of
from ..settings.tables import EngineConfig
from ..version import __version__
from . import board
from .cost import alone, interleaved, milliseconds
from .differences import difference

SCHEMA_VERSION = 1
_PACKAGES = ("numpy", "scipy", "ai-edge-litert", "tflite-runtime", "tensorflow")
_COST_WINDOWS = 32
"""Windows that the cost is measured on, in turn."""


@dataclass(frozen=True)
class BenchConfig:
    """What is measured, and how long."""

    models: tuple[str, ...]
    """Bundles, or names of shipped ones."""
    runtimes: tuple[str | None, ...] = (None,)
    """Interpreters; None: the first that is installed."""
    threads: tuple[int, ...] = (1,)
    """Numbers of interpreter threads to measure the cost with."""
    rounds: int = 200
    """How often each cost is measured."""

    def __post_init__(self) -> None:
        if self.rounds < 10:
            raise UsageError(Fault("rounds", self.rounds, "must be at least 10"))


@dataclass(frozen=True)
class BenchModel:
    """One model in one interpreter."""

    model: str
    """The bundle's name, or its path where two have one name."""
    engine: Engine
    """The loaded model and its front-end."""

    @property
    def name(self) -> str:
        """Model and interpreter."""
        return f"{self.model} ({self.engine.classifier.runtime})"

    @property
    def bundle(self) -> Bundle:
        """The model's bundle."""
        return self.engine.bundle

    @property
    def spec(self) -> FrontendSpec:
        """Its front-end."""
        return self.engine.logmel.spec


def load_models(config: BenchConfig) -> list[BenchModel]:
    """Every model in every interpreter.

    Raises
    ------
    UsageError
        The models do not have the same labels and window length.
    """
    bundles = [read_bundle(find_model(model)) for model in config.models]
    first = bundles[0]
    for bundle in bundles[1:]:
        fault = _not_comparable(first.info, bundle.info)
        if fault:
            reason = fault.format(first=first.path)
            raise UsageError(f"{bundle.path}: {reason}: measure them one at a time")
    names = [bundle.info.name for bundle in bundles]
    return [
        BenchModel(
            name if names.count(name) == 1 else bundle.path,
            Engine(EngineConfig(bundle.path, None, runtime, 1)),
        )
        for name, bundle in zip(names, bundles, strict=True)
        for runtime in config.runtimes
    ]


def _not_comparable(first: BundleInfo, other: BundleInfo) -> str | None:
    """Why two models cannot be measured on the same windows; None if they can."""
    if set(other.labels) != set(first.labels):
        return "its labels are not those of {first}"
    if other.labels != first.labels:
        return "has the labels of {first} in another order"
    if other.frontend.window_seconds != first.frontend.window_seconds:
        return "its windows are not as long as {first}'s"
    return None


def measure(
    config: BenchConfig,
    tracks: Sequence[Track],
    split: str,
    progress: Callable[[Iterable[Track]], Iterable[Track]] = iter,
) -> dict[str, Any]:
    """Accuracy and cost of models on labelled tracks.

    Parameters
    ----------
    config
        What is measured, and how long.
    tracks
        The recordings; their genres must be labels of the models.
    split
        What the choice of tracks is called, for the record.
    progress
        Wraps the tracks while they are classified, to show how far it is.

    Returns
    -------
    dict
        The content of bench.json, as docs/bench.schema.json declares it.

    Raises
    ------
    UsageError
        The models cannot be compared, a genre is none of their labels, or no track can
        be read.
    """
    models = load_models(config)
    check_genres(tracks, models[0].engine.classifier.labels)
    before = board.temperature()
    answers = predict([one.engine for one in models], map(LabelledSource.of, progress(tracks)))
    costs = _costs(config, models, answers.sources)
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": _data(answers, split),
        "board": {
            **board.describe(),
            "temperature": {"before": before, "after": board.temperature()},
            "throttled": board.throttled(),
        },
        "packages": _packages(),
        "models": [
            {
                **_described(model),
                "accuracy": {**evaluate(found).to_dict(), "top1": found.top1.tolist()},
                "cost": cost,
            }
            for model, found, cost in zip(models, answers.predictions, costs, strict=True)
        ],
        "differences": _differences(models, answers.predictions),
    }


def _described(model: BenchModel) -> dict[str, Any]:
    bundle, classifier = model.bundle, model.engine.classifier
    return {
        "name": model.model,
        "runtime": classifier.runtime,
        "input": classifier.quantisation["input"]["dtype"],
        "sha256": bundle.sha256,
        "bytes": Path(bundle.path).stat().st_size,
        "macs": read_graph(bundle.flatbuffer, bundle.path).macs,
    }


def _data(answers: Answers, split: str) -> dict[str, Any]:
    """What was classified; the digest tells whether two benchmarks used the same."""
    found = answers.predictions[0]
    windows = np.bincount(found.window_track)
    names = [source.name for source in answers.sources]
    text = "\n".join(f"{name} {n}" for name, n in zip(names, windows, strict=True))
    return {
        "split": split,
        "labels": list(found.labels),
        "tracks": len(names),
        "windows": len(found.scores),
        "seconds": round(answers.seconds, 1),
        "skipped": list(answers.skipped),
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "truth": found.window_label.tolist(),
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _costs(
    config: BenchConfig, models: Sequence[BenchModel], sources: Sequence[LabelledSource]
) -> list[list[dict[str, Any]]]:
    """For each model, one entry a number of threads."""
    arms: dict[str, Callable[[int], object]] = {}
    audio: dict[FrontendSpec, list[Float32]] = {}
    for model in models:
        spec, logmel = model.spec, model.engine.logmel
        if spec not in audio:
            audio[spec] = _some_windows(sources, LogMel(spec))
            arms[f"{spec}"] = partial(_turn, logmel.window, audio[spec])
        features = [logmel.window(samples) for samples in audio[spec]]
        for threads in config.threads:
            classifier = Classifier(model.bundle, model.engine.classifier.runtime, threads)
            arms[f"{model.name} {threads}"] = partial(_turn, classifier.scores, features)
    taken = interleaved(arms, config.rounds)
    return [
        [_cost(model, threads, taken, config) for threads in config.threads] for model in models
    ]


def _some_windows(sources: Sequence[LabelledSource], logmel: LogMel) -> list[Float32]:
    """Audio to measure the cost on, float32 [window_samples] each: every fifth window
    of the first sources."""
    found: list[Float32] = []
    for labelled in sources:
        with closing(labelled.open()) as source:
            windows = windows_of(source, WindowStream(logmel, source.sample_rate, source.name))
            found += [window.samples for window in islice(windows, 0, None, 5)]
        if len(found) >= _COST_WINDOWS:
            break
    return found[:_COST_WINDOWS]


def _turn(step: Callable[[Float32], object], given: Sequence[Float32], number: int) -> None:
    step(given[number % len(given)])


def _cost(
    model: BenchModel, threads: int, taken: dict[str, list[float]], config: BenchConfig
) -> dict[str, Any]:
    front_end, inference = taken[f"{model.spec}"], taken[f"{model.name} {threads}"]
    whole = [a + b for a, b in zip(front_end, inference, strict=True)]
    seconds = model.spec.window_seconds
    return {
        "threads": threads,
        "rounds": config.rounds,
        "front_end_ms": milliseconds(front_end),
        "inference_ms": milliseconds(inference),
        "window_ms": milliseconds(whole),
        "real_time_factor": round(seconds * 1e3 / milliseconds(whole)["median"], 1),
        **alone(model.bundle.path, model.engine.classifier.runtime, threads),
    }


def _differences(
    models: Sequence[BenchModel], predictions: Sequence[Predictions]
) -> list[dict[str, Any]]:
    """Every pair of models; the reference is the larger one, which is the float one of
    a pair."""
    found = []
    for pair in combinations(zip(models, predictions, strict=True), 2):
        small, large = sorted(pair, key=lambda one: len(one[0].bundle.flatbuffer))
        found.append(
            {
                "model": small[0].name,
                "reference": large[0].name,
                **difference(small[1], large[1]),
            }
        )
    return found
