"""How well a model tells music from other sound.

    python -m benchmarks.music_or_not --data ~/gtzan --data ~/outside/outside.csv \
        --not-music ~/asterisk/sounds --music ~/colobot/music

The music is that of the valid tracks, which no training has met, and of the folders of
--music. The recordings of --not-music must not be those that the score was fitted to.
The area under the ROC curve is how often a window of music scores above one of other
sound. Beside it stands that of the highest probability of a genre.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.model.engine import Engine
from genre_edge.model.music_score import MusicScore
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig
from genre_edge_train.data.recordings import load_recordings
from genre_edge_train.results.music import Heard, area, folder_stretch, hear, noises

_WINDOWS = 400
"""Windows taken of one folder at most."""
_OF_A_TRACK = 3
"""Windows taken of one track at most."""
_THRESHOLD = 0.5


def scored(score: MusicScore, probabilities: Float32) -> np.ndarray:
    """The score of each window, [windows]."""
    return np.array([score(one) for one in probabilities])


def joined(parts: list[Heard]) -> Heard:
    """All windows of some sounds."""
    plain, roomed = ([getattr(part, name) for part in parts] for name in ("plain", "roomed"))
    return Heard(np.concatenate(plain), np.concatenate(roomed))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--music", type=Path, action="append", default=[])
    parser.add_argument("--not-music", type=Path, action="append", default=[])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model))
    score, rate = engine.music_score, engine.sample_rate
    if score is None:
        parser.error(f"{args.model} has no music score")
    music: dict[str, Heard] = {}
    by_label: dict[str, list[Heard]] = {}
    for data in args.data:
        valid = [r for r in load_recordings(data) if r.side == "valid"]
        parts = []
        for label in sorted({r.label for r in valid}):
            stretches = (read_mono(r.path, rate) for r in valid if r.label == label)
            parts.append(hear(engine, stretches, _OF_A_TRACK))
            by_label.setdefault(label, []).append(parts[-1])
        music[data.stem] = joined(parts)
    for folder in args.music:
        music[str(folder)] = hear(engine, [folder_stretch(folder, rate)], _WINDOWS)
    others = {
        str(folder): hear(engine, [folder_stretch(folder, rate)], _WINDOWS)
        for folder in args.not_music
    }
    others["noise"] = hear(engine, noises(engine, 100, 1), 1)
    print("| sound | windows | right | right, in a room | area | area, in a room | of confidence |")
    print("|---|---|---|---|---|---|---|")
    shown = music | {label: joined(parts) for label, parts in sorted(by_label.items())}
    for name, heard in shown.items():
        right = [(scored(score, p) >= _THRESHOLD).mean() for p in (heard.plain, heard.roomed)]
        print(f"| music: {name} | {len(heard.plain)} | {right[0]:.1%} | {right[1]:.1%} | | | |")
    tested = [music[data.stem] for data in args.data]
    plain = np.concatenate([one.plain for one in tested])
    roomed = np.concatenate([one.roomed for one in tested])
    for name, heard in others.items():
        pairs = ((plain, heard.plain), (roomed, heard.roomed))
        right = [(scored(score, other) < _THRESHOLD).mean() for _, other in pairs]
        areas = [area(scored(score, one), scored(score, other)) for one, other in pairs]
        sure = [area(one.max(axis=1), other.max(axis=1)) for one, other in pairs]
        print(
            f"| {name} | {len(heard.plain)} | {right[0]:.1%} | {right[1]:.1%} | {areas[0]:.3f} | "
            f"{areas[1]:.3f} | {sure[0]:.3f}, {sure[1]:.3f} |"
        )


if __name__ == "__main__":
    main()
