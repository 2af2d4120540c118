"""What a user would pick instead, measured side by side; the table of
docs/benchmarks.md.

    python benchmarks/peers --data ~/gtzan --teacher yamnet.tflite \
        --example runs/two-block/model.keras [--tflite-python PYTHON] [--json FILE]

Every way runs in a process of its own. Cold starts and windows are measured in turns (A
B A B); the medians stand in the table with their quartiles. PYTHON is the interpreter
of an environment with tflite-runtime and genre-edge; without it the two ways that need
it are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from child import windows
from genre_edge.bench import board
from genre_edge.bench.cost import interleaved, milliseconds
from genre_edge.judge.tracks import load_tracks
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from tqdm import tqdm
from ways import LABELS, WAYS, Given, Yamnet

HERE = Path(__file__).parent


class Child:
    """A way in its own process."""

    def __init__(
        self, python: str, name: str, data: Path, given: Given, one_core: bool = False
    ) -> None:
        files = (given.example, given.teacher, given.head)
        command = [python, str(HERE / "child.py"), name, str(data), *map(str, files)]
        if one_core:
            command = ["taskset", "-c", "0", *command]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> Any:
        """The answer to a line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            assert self._process.stderr is not None
            said = self._process.stderr.read().strip().splitlines()
            raise SystemExit(f"a way died at '{line}': {said[-1] if said else 'no message'}")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def train_head(data: Path, given: Given) -> None:
    """Fit the logistic regression on YAMNet's embedding of the training tracks'
    windows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    way = Yamnet(given)
    x, y = [], []
    for track in tqdm(
        [t for t in load_tracks(data) if t.split == "train"], desc="YAMNet's head", unit="track"
    ):
        try:
            for window in windows(track):
                x.append(way.embedding(window))
                y.append(LABELS.index(track.genre))
        except ValueError:
            continue
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=0.01, max_iter=2000).fit(scaler.transform(x), y)
    weights = model.coef_ / scaler.scale_
    np.savez(given.head, weights=weights, bias=model.intercept_ - weights @ scaler.mean_)


def installed_bytes(python: str, packages: Sequence[str]) -> int:
    """Size on disk of the packages with all that they require."""
    code = f"""
import importlib.metadata as m, re, os
seen, todo, size = set(), {list(packages)!r}, 0
while todo:
    name = re.match(r"[A-Za-z0-9._-]+", todo.pop())[0].lower().replace("_", "-")
    if name in seen: continue
    seen.add(name)
    try: found = m.distribution(name)
    except m.PackageNotFoundError: continue
    size += sum(f.locate().stat().st_size for f in found.files or [] if f.locate().is_file())
    for need in found.requires or []:
        rule = need.partition(";")[2]
        if "extra" not in rule: todo.append(need)
print(size)
"""
    return int(
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    )


def cold_start(python: str, name: str, data: Path, given: Given, clip: Path) -> tuple[float, float]:
    """Seconds from the start of a process to its first prediction, and its peak memory
    by then, MB."""
    start = time.perf_counter()
    child = Child(python, name, data, given)
    child.ask(f"first {clip}")
    taken = time.perf_counter() - start
    peak = child.ask("memory")["peak_mb"]
    child.close()
    return taken, peak


def limit(rounds: int) -> dict[str, Any]:
    """Our window against the bare FFT of the same frames and the bare invoke, in one
    run."""
    import scipy.fft

    engine = Engine(EngineConfig("gtzan-edge.int8"))
    spec = engine.logmel.spec
    samples = np.random.default_rng(0).standard_normal(spec.window_samples).astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(samples, spec.n_fft)[:: spec.hop_length]
    features = engine.logmel.window(samples)
    net = engine.classifier._net
    taken = interleaved(
        {
            "rfft": lambda _: scipy.fft.rfft(view, axis=1),
            "invoke": lambda _: net.invoke(),
            "log-mel": lambda _: engine.logmel.window(samples),
            "scores": lambda _: engine.classifier.scores(features),
        },
        rounds,
    )
    found: dict[str, Any] = {name: milliseconds(seconds) for name, seconds in taken.items()}
    bare, ours = (
        np.add(taken[a], taken[b]) for a, b in (("rfft", "invoke"), ("log-mel", "scores"))
    )
    found["ratio"] = round(float(np.median(ours) / np.median(bare)), 2)
    return found


def jobs_ratio(files: Sequence[Path]) -> float:
    """How much faster two jobs are than one over the same files."""
    command = [sys.executable, "-m", "genre_edge", "classify", "--format", "json", *map(str, files)]
    taken = []
    for jobs in ("1", "2"):
        start = time.perf_counter()
        subprocess.run([*command, "--jobs", jobs], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return taken[0] / taken[1]


def table(report: dict[str, Any]) -> str:
    """Markdown for docs/benchmarks.md."""
    rows = [
        "| way | windows right | tracks right | cold start | a window | peak memory | installed | "
        "model | times real time |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, way in report["ways"].items():
        start, window = way["cold_start_ms"], way["window_ms"]
        rows.append(
            f"| {name} | {way['windows'][0] / way['windows'][1]:.1%} | "
            f"{way['tracks'][0] / way['tracks'][1]:.1%} "
            f"| {start['median'] / 1e3:.2f} s ({start['p25'] / 1e3:.2f} to "
            f"{start['p75'] / 1e3:.2f}) "
            f"| {window['median']:.2f} ms ({window['p25']:.2f} to {window['p75']:.2f}) | "
            f"{way['peak_mb']:.0f} MB "
            f"| {way['installed_mb']:.0f} MB | {way['model_kb']:.0f} KB | "
            f"{way['times_real_time']:.0f} |"
        )
    found = report["limit"]
    parts = ", ".join(
        f"{name} {found[name]['median']:.3f} ms" for name in ("rfft", "invoke", "log-mel", "scores")
    )
    rows += [
        "",
        f"Log-mel and int8 of a window against the bare rfft and invoke: {found['ratio']:.2f} "
        f"times ({parts}).",
        "",
        f"classify --jobs 2 against --jobs 1: {report['jobs']:.2f} times as fast.",
        "",
        f"{report['board']['model']}, {report['board']['cores']} cores, Python "
        f"{report['board']['python']}.",
    ]
    return "\n".join(rows)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--data", type=Path, required=True)
    top.add_argument("--teacher", type=Path, required=True)
    top.add_argument("--example", type=Path, required=True)
    top.add_argument("--tflite-python")
    top.add_argument("--rounds", type=int, default=60)
    top.add_argument("--starts", type=int, default=5)
    top.add_argument("--json", type=Path)
    return top


def main() -> None:
    """Measure and print."""
    args = parser().parse_args()
    head = Path(tempfile.gettempdir()) / "genre-edge-peers-head.npz"
    given = Given(args.example.resolve(), args.teacher.resolve(), head)
    if not head.is_file():
        train_head(args.data, given)
    pythons = {
        name: args.tflite_python if "tflite-runtime" in name else sys.executable
        for name in WAYS
        if "tflite-runtime" not in name or args.tflite_python
    }
    valid = [track for track in load_tracks(args.data) if track.split == "valid"]
    found: dict[str, dict[str, Any]] = {name: {} for name in pythons}
    starts: dict[str, list[float]] = {name: [] for name in pythons}
    for _ in tqdm(range(args.starts), desc="cold starts", unit="round", disable=None):
        for name, python in pythons.items():
            taken, peak = cold_start(python, name, args.data, given, valid[0].path)
            starts[name].append(taken)
            found[name]["peak_mb"] = peak
    children = {name: Child(python, name, args.data, given) for name, python in pythons.items()}
    spent: dict[str, list[float]] = {name: [] for name in pythons}
    for k in tqdm(range(-5, args.rounds), desc="windows", unit="round", disable=None):
        for name, child in children.items():
            ms = child.ask(f"window {k % 104}")["ms"]
            if k >= 0:
                spent[name].append(ms / 1e3)
    for name, child in children.items():
        described = child.ask("describe")
        found[name] |= {
            "cold_start_ms": milliseconds(starts[name]),
            "window_ms": milliseconds(spent[name]),
            "installed_mb": installed_bytes(pythons[name], described["packages"]) / 1e6,
            "model_kb": described["model_kb"],
        }
        child.close()
    for name, python in tqdm(pythons.items(), desc="folder on one core", unit="way", disable=None):
        start = time.perf_counter()
        child = Child(python, name, args.data, given, one_core=True)
        found[name] |= child.ask("accuracy")
        found[name]["times_real_time"] = (
            found[name]["windows"][1] * 3 / (time.perf_counter() - start)
        )
        child.close()
    report = {
        "board": board.describe(),
        "ways": found,
        "limit": limit(400),
        "jobs": round(jobs_ratio([t.path for t in valid] * 20), 2),
    }
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()
