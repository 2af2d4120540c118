"""genre-train music: what tells music from other sound, put into a bundle."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from genre_edge.errors import ModelError
from genre_edge.model.bundle import find_model, read_bundle, write_bundle

_DESCRIPTION = """\
Fit what tells music from other sound to the probabilities of a model's labels, and put it into the
model's bundle. The music is that of the training tracks, one window a track. What is no music are
folders of recordings (each folder is a kind of sound and counts the same) and noise. Each window is
heard as recorded and in a room.
"""
_EPILOG = """\
examples:
  genre-train music models/gtzan-edge.int8.tflite --data ~/gtzan ~/outside/outside.csv \\
      --not-music ~/speech ~/effects
"""
_WINDOWS = 1500
"""Windows taken of one kind of sound at most."""
_NOISES = 60
"""Windows of noise."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train music",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "models", nargs="+", type=str, metavar="MODEL", help="bundles; each is replaced"
    )
    top.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DATA", help="recordings of music"
    )
    top.add_argument(
        "--not-music",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help="recordings of other sound, however short",
    )
    top.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    return top


def run(args: argparse.Namespace) -> int:
    """Fit and write; returns the exit status."""
    from genre_edge.audio.file_source import read_mono
    from genre_edge.model.engine import Engine
    from genre_edge.settings.tables import EngineConfig

    from ..data.recordings import load_recordings
    from ..results.music import fitted, folder_stretch, hear, noises

    recordings = [one for data in args.data for one in load_recordings(data)]
    tracks = {one.name: one for one in recordings if one.side == "train"}
    for model in args.models:
        engine = Engine(EngineConfig(model))
        if engine.bundle.info.is_multi_label:
            raise ModelError(f"{model}: its labels do not exclude each other")
        rate = engine.sample_rate
        music = hear(engine, (read_mono(one.path, rate) for one in tracks.values()), 1)
        others = [hear(engine, [folder_stretch(f, rate)], _WINDOWS).both for f in args.not_music]
        others.append(hear(engine, noises(engine, _NOISES, args.seed), 1).both)
        table = fitted(music.both, others)
        bundle = read_bundle(find_model(model))
        info = replace(bundle.info, music=table)
        write_bundle(Path(bundle.path), bundle.flatbuffer, info, bundle.negatives)
        print(
            f"{bundle.path}: fitted to {len(music.both)} windows of music and "
            f"{sum(map(len, others))} of other sound"
        )
    return 0
