"""Makes the static demo: site/, what it shares with the service's page, the model with
its front-end inside, and LiteRT for browsers, in one folder."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genre_edge.console import run_command
from genre_edge.demo import clip_path
from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.live.listener import DEFAULT_UNCERTAIN_BELOW
from genre_edge.model.bundle import Bundle, find_model, read_bundle
from genre_edge.quiet import quiet_stderr
from genre_edge.settings.tables import DEFAULT_MODEL, ListenConfig
from genre_edge.version import __version__

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
STATIC = ROOT / "edge" / "genre_edge" / "web" / "static"
SHARED = ("style.css", "icon.svg", "widgets.js", "colours.js", "window_collector.js")
"""Files of the service's page that the demo uses too."""
LICENCES = (ROOT / "NOTICE", ROOT / "LICENSE", ROOT / "models" / "Apache-2.0.txt")
"""What must go with the program, the models and LiteRT."""
LITERT = ROOT / ".cache" / "litert"
"""Where script/web puts LiteRT for browsers."""
WORKER = "sw.js"
MARK = "model.json"
"""A folder without it was not made by this script, and is not replaced."""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the folder; returns the exit status."""
    parser = argparse.ArgumentParser(prog="script/static-demo", description=__doc__)
    parser.add_argument(
        "output",
        type=Path,
        nargs="?",
        default=ROOT / "build" / "static-demo",
        metavar="FOLDER",
        help="the folder to make; an earlier demo in it is replaced (default: build/static-demo)",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="M",
        help="a bundle, or the name of a shipped one (default: %(default)s)",
    )
    parser.add_argument(
        "--check-with",
        nargs="+",
        default=[str(clip_path())],
        metavar="AUDIO",
        help="audio files or folders to check the model with (default: the demo clip)",
    )
    return run_command("script/static-demo", _run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    output: Path = args.output.resolve()
    if output.is_file() or (output.is_dir() and any(output.iterdir()) and not _is_demo(output)):
        raise UsageError(Fault("output", args.output, "is something else: name a new folder"))
    if not LITERT.is_dir():
        raise ModelError("LiteRT for browsers is missing: run script/web with-litert")
    bundle = read_bundle(find_model(args.model))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".static-demo-") as name:
        made = Path(name) / "made"
        _copy(made)
        _write_model(made, bundle, args.check_with)
        _write_worker(made)
        shutil.rmtree(output, ignore_errors=True)
        made.rename(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"written: {output} ({size / 1e6:.1f} MB). To see it, run:")
    print(f"  python3 -m http.server --bind 127.0.0.1 --directory {output}")
    return 0


def _is_demo(folder: Path) -> bool:
    return (folder / MARK).is_file()


def _copy(made: Path) -> None:
    """The page, and LiteRT, which is packed: few servers do that, and it is 9 MB."""
    shutil.copytree(SITE, made)
    for name in SHARED:
        shutil.copy(STATIC / name, made / name)
    shutil.copy(clip_path(), made / "demo.flac")
    for licence in LICENCES:
        shutil.copy(licence, made / f"{licence.stem}.txt")
    litert = made / "litert"
    litert.mkdir()
    # Browsers cannot find a package by its name alone.
    index = (LITERT / "index.js").read_text().replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
    (litert / "index.js").write_text(index)
    shutil.copy(LITERT / "wasm-utils.js", litert)
    shutil.copy(LITERT / "litert_wasm_compat_internal.js", litert / "litert.js")
    wasm = (LITERT / "litert_wasm_compat_internal.wasm").read_bytes()
    (litert / "litert.wasm.gz").write_bytes(gzip.compress(wasm, mtime=0))


def _write_worker(made: Path) -> None:
    """The service worker, with the names of all files, and their hash as the
    version."""
    files = sorted(path for path in made.rglob("*") if path.is_file() and path.name != WORKER)
    content = hashlib.sha256()
    for path in files:
        content.update(path.read_bytes())
    names = json.dumps(["./", *(path.relative_to(made).as_posix() for path in files)])
    text = (made / WORKER).read_text()
    text = text.replace("@VERSION@", f"genre-edge {content.hexdigest()[:16]}")
    (made / WORKER).write_text(text.replace('["@FILES@"]', names))


def _write_model(made: Path, bundle: Bundle, recordings: Sequence[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from genre_edge_convert.export.audio_in import export_audio_in
    path = made / "model.tflite"
    agreement = export_audio_in(path, bundle, recordings)
    described = _described(bundle, path.stat().st_size, agreement.to_dict())
    (made / MARK).write_text(json.dumps(described, indent=1))


def _described(bundle: Bundle, size: int, agreement: dict[str, float]) -> dict[str, Any]:
    """What the page knows of the model."""
    info, spec = bundle.info, bundle.info.frontend
    valid = info.metrics.get("valid")
    return {
        "version": __version__,
        "name": info.name,
        "bytes": size,
        "labels": list(info.labels),
        "sample_rate": spec.sample_rate,
        "window_seconds": spec.window_seconds,
        "window_samples": spec.window_samples,
        "frame_grid": spec.hop_length if spec.frame_start == "stream" else 1,
        "silence_dbfs": ListenConfig.silence_dbfs,
        "smooth": ListenConfig.smooth,
        "uncertain_below": (valid or {}).get("uncertain_below", DEFAULT_UNCERTAIN_BELOW),
        "agreement": agreement,
        "valid": valid and {key: valid[key] for key in ("windows", "tracks")},
    }


if __name__ == "__main__":
    sys.exit(main())
