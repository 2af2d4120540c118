"""genre-train negatives: sounds that are none of a user's labels, put into a bundle."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge.teach.negatives import LEVELS

from .options import fold

_DESCRIPTION = """\
Put embeddings of music, speech and noise into a bundle, so that labels taught from it
(genre-edge teach) can be told from everything else. The music is that of the training tracks, one
window a track, collections in turn. Artists with many tracks are left out: genre-train evaluate
--few-shot teaches them.
"""
_EPILOG = """\
examples:
  genre-train negatives models/gtzan-edge.int8.tflite --data ~/gtzan ~/outside/outside.csv
  genre-train negatives models/gtzan-tiny.int8.tflite --levels 2 --data ~/gtzan
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train negatives",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "models", nargs="+", type=str, metavar="MODEL", help="bundles; each is replaced"
    )
    top.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DATA", help="recordings"
    )
    top.add_argument(
        "--fold",
        type=fold,
        metavar="K/N",
        help="take no music of the part that fit --fold K/N kept apart",
    )
    top.add_argument(
        "--music",
        type=int,
        default=200,
        metavar="N",
        help="windows of music (default: %(default)s)",
    )
    top.add_argument(
        "--speech", type=int, default=30, metavar="N", help="of speech (default: %(default)s)"
    )
    top.add_argument(
        "--noise", type=int, default=20, metavar="N", help="of noise (default: %(default)s)"
    )
    top.add_argument(
        "--levels",
        type=int,
        default=LEVELS,
        metavar="N",
        help="values that a number can have: fewer make a smaller bundle, from which a little "
        "less is learnt (default: %(default)s)",
    )
    top.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return top


def run(args: argparse.Namespace) -> int:
    """Make them and put them in; returns the exit status."""
    from ..augment.speech import make_speech
    from ..data.recordings import in_folds, load_recordings
    from ..results.negatives import Sounds, choose_music, negatives_for

    for name in ("music", "speech", "noise"):
        if getattr(args, name) < 0:
            raise UsageError(Fault(name, getattr(args, name), "must be 0 or more"))
    if not 2 <= args.levels <= 64:
        raise UsageError(Fault("levels", args.levels, "must be from 2 to 64"))
    recordings = [one for data in args.data for one in load_recordings(data)]
    if args.fold is not None:
        number, count = args.fold
        recordings = in_folds(recordings, count, number - 1)
    music = choose_music(recordings, args.music, args.seed)
    with tempfile.TemporaryDirectory() as folder:
        spoken = make_speech(Path(folder), args.speech, args.seed) if args.speech else []
        sounds = Sounds(tuple(one.path for one in music), tuple(spoken), args.noise, args.seed)
        for model in args.models:
            bundle = read_bundle(find_model(model))
            member = negatives_for(bundle, sounds, args.levels)
            write_bundle(Path(bundle.path), bundle.flatbuffer, bundle.info, member)
            print(f"{bundle.path}: {len(member)} bytes of negatives")
    return 0
