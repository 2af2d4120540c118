"""The command genre-convert."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genre_edge.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from genre_edge.commands.common import run_command
from genre_edge.errors import GenreEdgeError, ModelError, UsageError
from genre_edge.frontend import FrontendSpec
from genre_edge.quiet import quiet_stderr
from genre_edge.version import __version__

_DESCRIPTION = """\
Turn a trained Keras model into bundles for the edge: float32, and int8 quantised on real windows.

Each bundle is one .tflite file that carries its labels, front-end, provenance and measured
accuracy. Nothing is written unless each agrees with the Keras model on held-out windows.
"""

_EPILOG = """\
examples:
  genre-convert runs/two-block/model.keras --calibrate ~/gtzan -o models/gtzan-two-block
  genre-convert mine.keras --calibrate windows.npz -o mine

reads next to MODEL: model.json (same name; labels, front-end, provenance), as genre-train writes it
writes: NAME.float32.tflite, NAME.int8.tflite, NAME.md (the model card)
"""

_DEFAULT_MIN_AGREEMENT = 97.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"genre-convert {__version__}")
    top.add_argument("model", type=Path, metavar="MODEL", help="a .keras file")
    top.add_argument(
        "--calibrate",
        type=Path,
        required=True,
        metavar="DATA",
        help="labelled recordings (as for genre-train), or an .npz with calibration and held_out windows",
    )
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="NAME", help="path of the bundles without suffix"
    )
    top.add_argument(
        "--min-agreement",
        type=float,
        default=_DEFAULT_MIN_AGREEMENT,
        metavar="PERCENT",
        help="least share of held-out windows with the Keras model's top-1 (default: %(default)g)",
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_command("genre-convert", _run, parser().parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():  # TensorFlow greets at length
        from .quantise import flatbuffers, load_keras
        from .samples import load_samples

    if not args.output.parent.is_dir():
        raise UsageError(f"--output {args.output}: no such folder {args.output.parent}")
    described = _description(args.model)
    model = load_keras(args.model)
    samples = load_samples(args.calibrate, described.frontend, described.labels)
    _check_shape(args.model, model, described)
    made = flatbuffers(model, samples.calibration)
    with tempfile.TemporaryDirectory(dir=args.output.parent, prefix=".convert-") as folder:
        _pack_and_verify(args, model, described, samples, made, Path(folder))
    return 0


def _description(model: Path) -> BundleInfo:
    """Labels, front-end and provenance from the JSON next to the model."""
    path = model.with_suffix(".json")
    try:
        values = json.loads(path.read_text())
        return BundleInfo(
            name="",
            labels=tuple(values["labels"]),
            frontend=FrontendSpec.from_dict(values["frontend"]),
            trained_on=values.get("trained_on", {}),
        )
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror} (genre-train writes it next to the model)") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a description of a model ({error!r})") from None
    except GenreEdgeError as error:
        raise ModelError(f"{path}: {error}") from None


def _check_shape(path: Path, model: Any, described: BundleInfo) -> None:
    expected = (None, *described.frontend.shape, 1)
    if model.input_shape != expected or model.output_shape != (None, len(described.labels)):
        raise ModelError(
            f"{path}: maps {model.input_shape} to {model.output_shape}; the front-end and labels need "
            f"{expected} to {(None, len(described.labels))}"
        )


def _pack_and_verify(
    args: argparse.Namespace,
    model: Any,
    described: BundleInfo,
    samples: Any,
    made: dict[str, bytes],
    folder: Path,
) -> None:
    """Write the bundles and the card into `folder`, and move them out only if all agree."""
    from genre_edge.classifier import Classifier

    from .card import card
    from .others import measure
    from .verify import accuracy, agreement, keras_top1

    expected = keras_top1(model, samples.held_out)
    finished: dict[str, Bundle] = {}
    for kind, flatbuffer in made.items():
        info = replace(described, name=f"{args.output.name}.{kind}")
        path = folder / f"{info.name}.tflite"
        write_bundle(path, flatbuffer, info)
        share = agreement(path, samples.held_out, expected)
        size = f"{len(flatbuffer) / 1000:.0f} KB"
        print(f"{kind:<8} {size:>9}  agrees with Keras on {share:.2%} of {len(expected)} windows")
        if share * 100 < args.min_agreement:
            raise ModelError(
                f"{info.name}: agrees with Keras on {share:.2%} of windows, "
                f"need {args.min_agreement:g} % (--min-agreement); nothing was written"
            )
        metrics: dict[str, Any] = {"agreement": {"windows": len(expected), "top1": round(share, 4)}}
        if samples.valid:
            metrics["valid"] = accuracy(path, samples.valid)
            metrics["not_music"] = measure(path, metrics["valid"]["uncertain_below"])
            print(
                f"{'':8} right on {metrics['valid']['windows']['accuracy']:.1%} of windows, "
                f"{metrics['valid']['tracks']['accuracy']:.1%} of tracks"
            )
        quantisation = Classifier(read_bundle(path)).quantisation
        write_bundle(path, flatbuffer, replace(info, quantisation=quantisation, metrics=metrics))
        finished[kind] = read_bundle(path)
    sizes = {kind: Path(bundle.path).stat().st_size for kind, bundle in finished.items()}
    (folder / f"{args.output.name}.md").write_text(card(args.output.name, finished, sizes))
    for file in folder.iterdir():
        shutil.move(file, args.output.parent / file.name)


if __name__ == "__main__":
    sys.exit(main())
