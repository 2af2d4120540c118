"""The command genre-convert."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from genre_edge.commands.common import Command, run_program
from genre_edge.errors import Fault, UsageError
from genre_edge.model.bundle_info import LAYOUTS
from genre_edge.quiet import quiet_stderr
from genre_edge.version import __version__

from .commands import audio_in, card, inspect, onnx, repack, sign
from .read.named_frontends import NAMED
from .read.operators import TARGETS, check_target

_DESCRIPTION = """\
Turn a trained network into bundles that run on the device: float32, float16, dynamic-range and
full int8, quantised on real windows.

Each bundle is one .tflite file that carries its labels, front-end, provenance and measured
accuracy. Nothing is written unless every bundle agrees with the original on held-out windows.
"""

_EPILOG = """\
examples:
  genre-convert runs/two-block/model.keras --calibrate ~/gtzan -o models/gtzan-two-block
  genre-convert mine.keras --labels rock,jazz,other --calibrate ~/my-music -o mine
  genre-convert saved_model/ --labels labels.txt --frontend frontend.toml \\
      --layout mels-frames --calibrate w.npz -o mine
  genre-convert theirs.tflite --labels labels.txt --calibrate ~/my-music -o theirs
  genre-convert tutorial.h5 --labels labels.txt --frontend librosa-mfcc-13 \\
      --calibrate ~/my-music -o tutorial
  genre-convert mine.keras --calibrate ~/my-music --to int8,float16 \\
      --target tflite-runtime-2.14 -o mine

  genre-convert inspect mine.int8.tflite       operators, tensors, quantisation, size
  genre-convert repack mine.int8.tflite --labels a,b,c -o other.int8.tflite
  genre-convert sign mine.int8.tflite --key key.pem
  genre-convert audio-in mine.int8.tflite      with the front-end inside, for browsers
  genre-convert onnx mine.float32.tflite       the network as an ONNX model
  genre-convert card mine.int8.tflite -o mine.md   the model card again

reads: MODEL, and for labels and front-end the .json of the same name that genre-train writes,
unless --labels and --frontend are given
writes: NAME.KIND.tflite for each kind, and NAME.md (the model card); with --audio-in also
NAME.KIND.audio-in.tflite
"""

SUBCOMMANDS = {
    "audio-in": Command(audio_in.parser, audio_in.run),
    "card": Command(card.parser, card.run),
    "inspect": Command(inspect.parser, inspect.run),
    "onnx": Command(onnx.parser, onnx.run),
    "repack": Command(repack.parser, repack.run),
    "sign": Command(sign.parser, sign.run),
}
"""Recognised by the first word; anything else is a model to convert."""
_KINDS = ("float32", "float16", "dynamic", "int16x8", "int8")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"genre-convert {__version__}")
    top.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a .keras, .h5 or .tflite file, or a SavedModel folder",
    )
    top.add_argument(
        "--calibrate",
        type=Path,
        required=True,
        metavar="DATA",
        help="labelled recordings (as for genre-train), or an .npz with calibration and held_out "
        "windows",
    )
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="NAME",
        help="path of the bundles without suffix",
    )
    top.add_argument(
        "--to", metavar="KIND[,KIND]", help=f"of {', '.join(_KINDS)} (default: float32,int8)"
    )
    top.add_argument(
        "--labels",
        metavar="FILE_OR_LIST",
        help="a file with one label a line, or a list with commas, in the order of the outputs",
    )
    top.add_argument(
        "--frontend",
        metavar="NAME_OR_FILE",
        help=f"{', '.join(NAMED)}; or a TOML or JSON file with what differs from one of them",
    )
    top.add_argument(
        "--check-with",
        type=Path,
        metavar="CLIP",
        help="compare the front-end with your own code on the first window of this recording",
    )
    top.add_argument(
        "--expect",
        type=Path,
        metavar="FILE.npy",
        help="what your code makes of that window: its features, or the network's scores",
    )
    top.add_argument(
        "--map",
        metavar="FILE_OR_LIST",
        help='labels of yours for the network\'s: TOML lines such as rock = ["Rock music", '
        '"Heavy metal"], or THEIRS=OURS,...; outputs that are not named are left out',
    )
    top.add_argument(
        "--multi-label",
        action="store_true",
        help="several labels may hold at once (sigmoids); found by itself where the outputs are "
        "from 0 to 1",
    )
    top.add_argument(
        "--output-tensor",
        metavar="NAME",
        help="which output of a .tflite file has the scores, if it has several",
    )
    top.add_argument(
        "--embedding",
        default="",
        metavar="NAME",
        help="the tensor that labels are taught from with genre-edge teach: its number, its name, "
        "or a part of it that no other has (default: the input of the last dense layer)",
    )
    top.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="order of the input's dimensions (default: found from its shape)",
    )
    top.add_argument(
        "--audio-in",
        action="store_true",
        help="also write each bundle with its front-end inside, for browsers and MediaPipe",
    )
    top.add_argument(
        "--min-agreement",
        type=float,
        default=97.0,
        metavar="PERCENT",
        help="smallest share of held-out windows on which bundle and original must name the same "
        "genre (default: %(default)g)",
    )
    top.add_argument(
        "--target",
        metavar="RUNTIME",
        help=f"fail if this interpreter cannot run the bundle: {next(iter(TARGETS))} to "
        f"{list(TARGETS)[-1]}",
    )
    top.add_argument(
        "--quantiser",
        choices=("tflite", "ai-edge"),
        default="tflite",
        help="what quantises to int8 (default: %(default)s, see docs/benchmarks.md)",
    )
    top.add_argument(
        "--float-layers",
        type=int,
        default=0,
        metavar="N",
        help="keep the N operators in float32 that int8 harms most, and those that take what they "
        "make; helps where a few are at fault (default: 0)",
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_program("genre-convert", Command(parser, _run), SUBCOMMANDS, argv)


def _run(args: argparse.Namespace) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = [kind.strip() for kind in (args.to or "float32,int8").split(",")]
    kinds = tuple(dict.fromkeys(kind for kind in asked if kind))
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown or not kinds:
        wrong = f"{', '.join(unknown)} is unknown" if unknown else "names no kind"
        reason = f"{wrong}; choose from {', '.join(_KINDS)}"
        raise UsageError(Fault("to", args.to, reason))
    if (args.check_with is None) != (args.expect is None):
        raise UsageError("--check-with CLIP and --expect FILE.npy need each other")
    if args.target is not None:
        check_target(args.target)
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from .pack.config import ConversionConfig, check_config
        from .pack.conversion import check_network, convert
        from .read.describe import describe
        from .read.networks import load_network
        from .read.samples import load_samples, warn_of_few

    network = load_network(args.model, args.output_tensor)
    config = ConversionConfig(
        args.output,
        kinds,
        args.layout,
        args.min_agreement,
        args.target,
        args.quantiser,
        args.audio_in,
        args.multi_label,
        None if args.check_with is None else (args.check_with, args.expect),
        args.float_layers,
    )
    check_config(config, network, args.to is not None)
    described = describe(args.model, args.labels, args.frontend, args.map)
    described = replace(described, embedding=args.embedding)
    check_network(network, described, config)  # before hours of reading
    mapped = bool(described.mapping)
    unlabelled = args.multi_label and not mapped
    samples = load_samples(args.calibrate, described.frontend, described.labels, unlabelled, mapped)
    if network.export is not None and {"int8", "int16x8"} & set(kinds):
        warn_of_few(samples)
    convert(network, described, samples, config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
