"""Training the edge network (the student) on augmented clips. The teacher's embedding
and scores are further targets; their heads are removed afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers

from ..network.models import edge_trunk
from .batches import Batches, DistilSpec, Material
from .linear_probes import LinearProbe, soft_labels
from .teacher import EMBEDDING, SCORES

_OPINION_WEIGHT = 0.25
"""Weight of the head on the teacher's scores, where the student's own head has 1."""


def student(shape: tuple[int, ...], classes: int) -> keras.Model:
    """The edge network with three heads: for the genre's logits, the teacher's
    embedding and the teacher's scores."""
    inputs, features = edge_trunk(shape)
    genre = layers.Dense(classes, name="genre")(layers.Dropout(0.3)(features))
    embedding = layers.Dense(EMBEDDING, name="embedding")(features)
    scores = layers.Dense(SCORES, name="scores")(features)
    return keras.Model(inputs, {"genre": genre, "embedding": embedding, "scores": scores})


def classifier_of(trained: keras.Model, opinion: LinearProbe) -> keras.Model:
    """The finished network: a softmax of the genre head's logits and of a quarter of
    those that `opinion` reads from the student's scores.

    `opinion` knows only tracks that the teacher has heard. With full weight it would
    overrule what the student has learnt from the log-mels of the others. Both are
    linear in the same features, so one dense layer holds their sum.

    Parameters
    ----------
    trained
        The student with its three heads.
    opinion
        A head on the teacher's normalised scores.
    """
    features = trained.get_layer("genre").input
    kernel, bias = trained.get_layer("genre").get_weights()
    scores_kernel, scores_bias = trained.get_layer("scores").get_weights()
    dense = layers.Dense(len(bias), activation="softmax", name="genre_softmax")
    trunk = keras.Model(trained.input, _without_dropout(trained, features))
    model = keras.Model(trunk.input, dense(trunk.output), name="edge")
    dense.set_weights(
        [
            kernel + _OPINION_WEIGHT * scores_kernel @ opinion.kernel,
            bias + _OPINION_WEIGHT * (scores_bias @ opinion.kernel + opinion.bias),
        ]
    )
    return model


def _without_dropout(trained: keras.Model, features: Any) -> Any:
    """The tensor that enters the last dropout, which does nothing in inference and need
    not be exported."""
    for layer in trained.layers:
        if isinstance(layer, layers.Dropout) and layer.output is features:
            return layer.input
    return features


def one_cycle(spec: DistilSpec, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Learning rate: it rises over a twentieth of the steps, then falls to zero as half
    a cosine."""
    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        spec.learning_rate / 30,
        steps - warmup,
        0.0,
        warmup_target=spec.learning_rate,
        warmup_steps=warmup,
    )


def distil(
    material: Material,
    spec: DistilSpec,
    folder: Path,
    judge: Callable[[keras.Model], dict[str, float]],
    start_from: Path | None = None,
) -> keras.Model:
    """Train a student. An interrupted run continues from its last finished epoch.

    Parameters
    ----------
    material
        What there is to learn from.
    spec
        How the student is trained.
    folder
        Where student.keras, history.jsonl, the backup and TensorBoard's logs go.
    judge
        Measures the model after each epoch, for history.jsonl.
    start_from
        A student.keras whose weights to start from; None: from random weights.
    """
    finished, log = folder / "student.keras", folder / "history.jsonl"
    done = sum(1 for _ in log.open()) if log.exists() else 0
    if finished.exists() and done >= spec.epochs:
        trained: keras.Model = keras.models.load_model(finished, compile=False)
        return trained
    keras.utils.set_random_seed(spec.seed)
    soft = None if material.fold is None else soft_labels(material.sets, material.fold)
    batches = Batches(material, spec, soft)
    model = student(batches.shape, batches.labels)
    if start_from is not None:
        model.load_weights(start_from)
    model.compile(
        keras.optimizers.AdamW(
            one_cycle(spec, batches.steps * spec.epochs), weight_decay=spec.weight_decay
        ),
        loss={
            "genre": keras.losses.CategoricalCrossentropy(from_logits=True),
            "embedding": "mse",
            "scores": "mse",
        },
        loss_weights={
            "genre": 1.0,
            "embedding": spec.embedding_weight,
            "scores": spec.scores_weight,
        },
    )
    started = time.monotonic()

    def record(epoch: int, logs: dict[str, float] | None = None) -> None:
        entry = {"epoch": epoch + 1, **{k: round(float(v), 5) for k, v in (logs or {}).items()}}
        entry |= judge(model)
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        left = (time.monotonic() - started) / (epoch + 1 - done) * (spec.epochs - epoch - 1)
        print(
            f"valid: {entry['clean_windows']:.1%} of windows, {entry['clean_tracks']:.1%} of "
            "tracks; "
            f"about {left / 60:.0f} min left"
        )

    model.fit(
        batches.dataset(done, spec.epochs),
        epochs=spec.epochs,
        steps_per_epoch=batches.steps,
        shuffle=False,  # the batches are drawn at random
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=record),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False),
        ],
    )
    model.save(finished)
    return model
