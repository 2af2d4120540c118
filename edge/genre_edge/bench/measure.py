"""One benchmark: the models, the tracks, everything measured, as bench.json holds
it."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from ..arrays import Float32
from ..errors import UsageError
from ..judge.tracks import Track
from ..model.bundle import Bundle, find_model, read_bundle
from ..model.classifier import Classifier
from ..model.flatbuffer import read_graph
from ..model.frontend import LogMel
from ..model.frontend_spec import FrontendSpec
from ..version import __version__
from . import board
from .accuracy import Answers, Heard, ask, difference, judged
from .cost import alone, interleaved, milliseconds

SCHEMA_VERSION = 1
_PACKAGES = ("numpy", "scipy", "ai-edge-litert", "tflite-runtime", "tensorflow")


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
    """Measurements of each cost."""


@dataclass(frozen=True)
class Entrant:
    """One model in one interpreter."""

    model: str
    """The bundle's name, or its path where two have one name."""
    bundle: Bundle
    classifier: Classifier

    @property
    def name(self) -> str:
        """Model and interpreter."""
        return f"{self.model} ({self.classifier.runtime})"


def entrants(config: BenchConfig) -> list[Entrant]:
    """The models loaded. UsageError unless they have the same labels and window
    length."""
    bundles = [read_bundle(find_model(model)) for model in config.models]
    first = bundles[0].info
    for bundle in bundles[1:]:
        if set(bundle.info.labels) != set(first.labels):
            raise UsageError(
                f"{bundle.path}: its labels are not those of {bundles[0].path}: bench them apart"
            )
        if bundle.info.labels != first.labels:
            raise UsageError(
                f"{bundle.path}: has the labels of {bundles[0].path} in another order: bench them "
                "apart"
            )
        if bundle.info.frontend.window_seconds != first.frontend.window_seconds:
            raise UsageError(
                f"{bundle.path}: its windows are not as long as {bundles[0].path}'s: bench them "
                "apart"
            )
    names = [bundle.info.name for bundle in bundles]
    return [
        Entrant(
            name if names.count(name) == 1 else bundle.path, bundle, Classifier(bundle, runtime, 1)
        )
        for name, bundle in zip(names, bundles, strict=True)
        for runtime in config.runtimes
    ]


def measure(
    config: BenchConfig,
    tracks: Sequence[Track],
    split: str,
    progress: Callable[[Iterable[Track]], Iterable[Track]] = iter,
) -> dict[str, Any]:
    """Accuracy and cost of every model on the tracks; the content of bench.json."""
    entered = entrants(config)
    labels = entered[0].classifier.labels
    unknown = sorted({track.genre for track in tracks} - set(labels))
    if unknown:
        raise UsageError(
            f"the models have no label {', '.join(unknown)} (they know {', '.join(labels)})"
        )
    before = board.temperature()
    heard, answers = ask(
        [e.classifier for e in entered], [e.bundle.info.frontend for e in entered], progress(tracks)
    )
    if not heard.names:
        raise UsageError(
            f"no track could be read: {heard.skipped[0] if heard.skipped else 'none was given'}"
        )
    costs = _costs(config, entered, heard)
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": _data(heard, split),
        "board": {
            **board.describe(),
            "temperature": {"before": before, "after": board.temperature()},
            "throttled": board.throttled(),
        },
        "packages": _packages(),
        "models": [
            {**_described(entrant), "accuracy": judged(heard, answer), "cost": cost}
            for entrant, answer, cost in zip(entered, answers, costs, strict=True)
        ],
        "differences": _differences(entered, heard, answers),
    }


def _described(entrant: Entrant) -> dict[str, Any]:
    bundle = entrant.bundle
    return {
        "name": entrant.model,
        "runtime": entrant.classifier.runtime,
        "input": entrant.classifier.quantisation["input"]["dtype"],
        "sha256": bundle.sha256,
        "bytes": Path(bundle.path).stat().st_size,
        "macs": read_graph(bundle.flatbuffer, bundle.path).macs,
    }


def _data(heard: Heard, split: str) -> dict[str, Any]:
    """What was listened to; the digest tells whether two benchmarks heard the same."""
    text = "\n".join(f"{name} {heard.track.count(i)}" for i, name in enumerate(heard.names))
    return {
        "split": split,
        "labels": list(heard.labels),
        "tracks": len(heard.names),
        "windows": len(heard.track),
        "seconds": round(heard.seconds, 1),
        "skipped": heard.skipped,
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "truth": heard.window_truth().tolist(),
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
    config: BenchConfig, entered: Sequence[Entrant], heard: Heard
) -> list[list[dict[str, Any]]]:
    """For each entrant, one entry a number of threads."""
    sample = heard.sample
    arms: dict[str, Callable[[int], object]] = {}
    logmels: dict[FrontendSpec, LogMel] = {}
    for entrant in entered:
        spec = entrant.bundle.info.frontend
        if spec not in logmels:
            logmels[spec] = LogMel(spec)
            audio = [window[spec] for window in sample]
            arms[f"{spec}"] = partial(_turn, logmels[spec].window, audio)
        features = [logmels[spec].window(window[spec]) for window in sample]
        for threads in config.threads:
            classifier = Classifier(entrant.bundle, entrant.classifier.runtime, threads)
            arms[f"{entrant.name} {threads}"] = partial(_turn, classifier.scores, features)
    taken = interleaved(arms, config.rounds)
    return [
        [_cost(entrant, threads, taken, config) for threads in config.threads]
        for entrant in entered
    ]


def _turn(step: Callable[[Float32], object], given: Sequence[Float32], number: int) -> None:
    step(given[number % len(given)])


def _cost(
    entrant: Entrant, threads: int, taken: dict[str, list[float]], config: BenchConfig
) -> dict[str, Any]:
    spec = entrant.bundle.info.frontend
    front_end, inference = taken[f"{spec}"], taken[f"{entrant.name} {threads}"]
    whole = [a + b for a, b in zip(front_end, inference, strict=True)]
    return {
        "threads": threads,
        "rounds": config.rounds,
        "front_end_ms": milliseconds(front_end),
        "inference_ms": milliseconds(inference),
        "window_ms": milliseconds(whole),
        "real_time_factor": round(spec.window_seconds * 1e3 / milliseconds(whole)["median"], 1),
        **alone(entrant.bundle.path, entrant.classifier.runtime, threads),
    }


def _differences(
    entered: Sequence[Entrant], heard: Heard, answers: Sequence[Answers]
) -> list[dict[str, Any]]:
    """Every pair of entrants; the reference is the larger model, which is the float one
    of a pair."""
    found = []
    for (one, one_answers), (other, other_answers) in combinations(
        zip(entered, answers, strict=True), 2
    ):
        small, large = sorted(
            ((one, one_answers), (other, other_answers)),
            key=lambda pair: len(pair[0].bundle.flatbuffer),
        )
        found.append(
            {
                "model": small[0].name,
                "reference": large[0].name,
                **difference(heard, small[1], large[1]),
            }
        )
    return found
