"""Fitting a network step by step: it goes on where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from genre_edge.files import atomic_file

from .batches import Batches, FitSpec

CHECKPOINT_STEPS = 100
"""Steps after which the state is written to disk, and the losses to the history."""
_MEANS = 5.0
"""How many times the running mean of the weights is renewed in a run."""
Judge = Callable[[keras.Model], dict[str, float]]
"""Measures a model in the middle of a run; its figures go to the history."""


def optimizer_of(spec: FitSpec) -> keras.optimizers.Optimizer:
    """AdamW with a warm-up and a cosine, and a running mean of the weights."""
    warmup = max(1, spec.steps // 20)
    rate = keras.optimizers.schedules.CosineDecay(
        spec.learning_rate / 30,
        max(1, spec.steps - warmup),
        0.0,
        warmup_target=spec.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=spec.weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=max(0.0, 1.0 - _MEANS / spec.steps),
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def fit(
    model: keras.Model, batches: Batches, spec: FitSpec, folder: Path, judge: Judge | None = None
) -> keras.Model:
    """Train `model` in place and return it with the running mean of its weights.

    The state is in `folder`/state.npz, the losses in `folder`/history.jsonl; a progress
    line goes to standard output. `judge` is asked four times a run: nothing is chosen
    by what it says.
    """
    model.compile(
        optimizer_of(spec),
        loss={
            "genre": keras.losses.CategoricalCrossentropy(from_logits=True),
            **({"teachers": "mse"} if "teachers" in model.output_names else {}),
        },
        loss_weights={
            "genre": 1.0,
            **({"teachers": spec.teachers_weight} if "teachers" in model.output_names else {}),
        },
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    begun = _restored(model, folder / "state.npz")
    started = time.monotonic()
    losses: list[dict[str, float]] = []
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(batches, begun)
        for step in range(begun, spec.steps):
            x, targets, weights = coming.result()
            coming = ahead.submit(batches, step + 1)
            losses.append(model.train_on_batch(x, targets, sample_weight=weights, return_dict=True))
            done = step + 1
            if done % CHECKPOINT_STEPS and done != spec.steps:
                continue
            entry = {"step": float(done), **losses[-1]}
            if judge is not None and done % max(1, spec.steps // 4) < CHECKPOINT_STEPS:
                entry |= _judged(model, judge)
            _record(folder, entry)
            _save(model, folder / "state.npz", done)
            left = (time.monotonic() - started) / (done - begun) * (spec.steps - done)
            print(
                f"step {done} of {spec.steps}: loss {entry['loss']:.3f}, "
                f"about {left / 60:.0f} min left",
                flush=True,
            )
            model.reset_metrics()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return model


def _judged(model: keras.Model, judge: Judge) -> dict[str, float]:
    """What the judge says of the running mean of the weights."""
    kept = [variable.numpy() for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    found = judge(model)
    for variable, value in zip(model.trainable_variables, kept, strict=True):
        variable.assign(value)
    return found


def _record(folder: Path, entry: dict[str, float]) -> None:
    with (folder / "history.jsonl").open("a") as file:
        file.write(json.dumps({name: round(float(v), 5) for name, v in entry.items()}) + "\n")


def _save(model: keras.Model, path: Path, step: int) -> None:
    """All variables of the model and its optimiser, whole or not at all."""
    values = [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
    with atomic_file(path) as file:
        np.savez(file, step=step, **{f"v{i}": value for i, value in enumerate(values)})


def _restored(model: keras.Model, path: Path) -> int:
    """The step that the state on disk is of, its variables put back; 0 without one."""
    if not path.exists():
        return 0
    with np.load(path) as state:
        for i, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(state[f"v{i}"])
        return int(state["step"])
