"""Linear heads on large networks, judged as the shipped models are.

    python -m benchmarks.teacher_heads --data ~/gtzan --data ~/outside/outside.csv \
        --teacher train/teachers/musicnn.toml --teacher train/teachers/yamnet.toml \
        --teacher-models ~/teacher

A logistic head reads what each network makes of a window: one head for each network,
one for all of them together, and the mean of all heads. Each is fitted to the training
tracks of the first data set, and again to those of all data sets. The table is that of
`genre-train evaluate`: the valid tracks of each data set, as recorded and in a living
room.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.judge.predictions import Predictions
from genre_edge_train.data.recordings import Recording, labels_of, load_recordings
from genre_edge_train.pretrained.soft_labels import REGULARISATION, Windows, heads_of
from genre_edge_train.pretrained.teachers import (
    WINDOW_SECONDS,
    Teacher,
    TeacherSpec,
    listen_all,
    load_teacher,
    window_starts,
)
from genre_edge_train.results.conditions import CONDITIONS
from genre_edge_train.results.data_sets import IN_A_ROOM, data_sets_table, on_data_set
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

AS_RECORDED = next(iter(CONDITIONS))
SEED = 2026
"""Of rooms, as in `genre-train evaluate`."""

Outputs = list[dict[str, Float32]]
"""What each teacher makes of some windows: {output: float32 [windows, n]}."""


def fitted(x: Float32, label: npt.NDArray[np.int64], weight: Float32) -> Pipeline:
    """A head on standardised inputs, of which it reads 256 principal components."""
    before = make_pipeline(StandardScaler(), PCA(min(256, x.shape[1]), random_state=0)).fit(x)
    # The penalty is for inputs whose first component has unit variance.
    penalty = REGULARISATION / float(before[-1].explained_variance_[0])
    head = LogisticRegression(C=penalty, max_iter=300)
    head.fit(before.transform(x), label, sample_weight=weight)
    return Pipeline([*before.steps, ("head", head)])


def inputs(outputs: Sequence[Mapping[str, Any]], chosen: Sequence[tuple[int, str]]) -> Float32:
    """Some outputs side by side, float32 [windows, n]."""
    return np.concatenate([np.asarray(outputs[t][n], np.float32) for t, n in chosen], axis=1)


def valid_outputs(
    specs: Sequence[TeacherSpec], valid: Sequence[Recording], condition: str
) -> tuple[Outputs, npt.NDArray[np.int64]]:
    """What the teachers make of the windows of valid recordings under a condition, and
    the recording of each window: [windows]."""
    teachers = [Teacher(spec) for spec in specs]
    heard: list[dict[str, list[Float32]]] = [{name: [] for name in s.outputs} for s in specs]
    of: list[int] = []
    for number, recording in enumerate(tqdm(valid, desc=condition, unit="file", disable=None)):
        for t, (spec, teacher) in enumerate(zip(specs, teachers, strict=True)):
            rate, window = spec.sample_rate, round(WINDOW_SECONDS * spec.sample_rate)
            rng = np.random.default_rng([SEED, number, list(CONDITIONS).index(condition)])
            samples = CONDITIONS[condition](read_mono(recording.path, rate), rate, rng)
            starts = window_starts(len(samples), window)
            for at in starts:
                for name, values in teacher.listen(samples[at : at + window]).items():
                    heard[t][name].append(values)
        of += [number] * len(starts)
    return [{n: np.stack(v) for n, v in one.items()} for one in heard], np.array(of)


def main() -> None:
    """Fit, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--teacher", type=Path, action="append", required=True)
    parser.add_argument("--teacher-models", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    specs = [load_teacher(path, args.teacher_models) for path in args.teacher]
    recordings = [one for data in args.data for one in load_recordings(data)]
    labels = labels_of(recordings)
    train = [r for r in recordings if r.side == "train" and r.label]
    known = listen_all(specs, train, args.cache, args.jobs)
    train = [r for r in train if r.path in known]
    windows = Windows.of(train, known, specs)
    label = np.array([labels.index(r.label) for r in train])[windows.recording]
    at_home = np.array([r.data == train[0].data for r in train])[windows.recording]
    weight = (1.0 / np.bincount(windows.recording)[windows.recording]).astype(np.float32)
    valid = [r for r in recordings if r.side == "valid" and r.label]
    heard = {name: valid_outputs(specs, valid, name) for name in (AS_RECORDED, IN_A_ROOM)}
    for learns, said in ((at_home, "the first data set"), (at_home | True, "all data sets")):
        total: dict[str, list[Float32]] = {name: [] for name in heard}
        for chosen in heads_of(specs):
            head = fitted(inputs(windows.outputs, chosen)[learns], label[learns], weight[learns])
            names = sorted({specs[t].name for t, _ in chosen})
            for name, (outputs, _) in heard.items():
                total[name].append(head.predict_proba(inputs(outputs, chosen)).astype(np.float32))
            last = {name: (scores[-1], heard[name][1]) for name, scores in total.items()}
            print(f"\n## {' and '.join(names)}, head fitted to {said}\n")
            print(table(labels, valid, last))
        mean = {n: (np.mean(s, axis=0).astype(np.float32), heard[n][1]) for n, s in total.items()}
        print(f"\n## mean of these heads, fitted to {said}\n\n{table(labels, valid, mean)}")


def table(
    labels: Sequence[str],
    valid: Sequence[Recording],
    scores: dict[str, tuple[Float32, npt.NDArray[np.int64]]],
) -> str:
    """The figures of each data set and condition; {condition: scores, recordings}."""
    found = []
    for data in dict.fromkeys(r.data for r in valid):
        names = list(dict.fromkeys(r.name for r in valid if r.data == data))
        for condition, (values, of) in scores.items():
            inside = np.array([valid[n].data == data for n in of])
            track = np.array([names.index(valid[n].name) for n in of[inside]])
            label = np.array([labels.index(valid[n].label) for n in of[inside]])
            predictions = Predictions.of_windows(labels, values[inside], label, track)
            found.append(on_data_set(data, condition, predictions))
    shown = {data: Path(data).stem for data in dict.fromkeys(r.data for r in valid)}
    return data_sets_table(found, shown)


if __name__ == "__main__":
    main()
