"""What a fit of taught labels costs: processor time and memory, Python and all.

python -m benchmarks.teach_cost [--songs 50] [--labels 5] [--windows 20] [--model M]

The songs are made of the model's own negatives. For a count of instructions:
valgrind --tool=callgrind in front of it.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.settings.tables import DEFAULT_MODEL
from genre_edge.teach.advice import outlook
from genre_edge.teach.deciding import decide
from genre_edge.teach.figures import figures_of
from genre_edge.teach.learning import Lesson, held_out
from genre_edge.teach.negatives import Negatives, negatives_of
from genre_edge.teach.store import FILE, Song
from genre_edge.teach.trunk import trunk_of


def main() -> None:
    """Fit once and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=50)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--windows", type=int, default=20, help="of each song")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    bundle = read_bundle(find_model(args.model))
    negatives = negatives_of(bundle, trunk_of(bundle))
    songs = tuple(_songs(negatives, args.songs, args.labels, args.windows))
    started = time.process_time()
    lesson = Lesson(songs, negatives)
    held = held_out(lesson)
    decision = decide(lesson, held)
    figures = figures_of(lesson, held, decision)
    outlook(lesson, held, decision)
    ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{args.songs} songs of {args.labels} labels, {args.windows} windows each, {args.model}: "
        f"the fit took {ended - started:.2f} s of processor time, everything {ended:.2f} s, "
        f"{peak:.0f} MB; songs right {figures.among}"
    )


def _songs(negatives: Negatives, count: int, labels: int, windows: int) -> list[Song]:
    """Songs half way between their label and some other music."""
    rng, general = np.random.default_rng(0), negatives.embeddings
    middles = [general[rng.integers(0, len(general), 12)].mean(axis=0) for _ in range(labels)]
    noise, found = 0.5 * general.std(axis=0), []
    for number in range(count):
        own = 0.5 * (middles[number % labels] + general[rng.integers(0, len(general))])
        heard = own + noise * rng.standard_normal((windows, len(own)))
        label = f"label {number % labels}"
        found.append(Song(number, label, False, FILE, f"{number}", 0.0, heard.astype(np.float32)))
    return found


if __name__ == "__main__":
    main()
