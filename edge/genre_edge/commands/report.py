"""genre-edge report: one page about a library."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Fault, GenreEdgeError, UsageError, os_reason
from ..extras import install_line, pip_line
from ..progress import progress

if TYPE_CHECKING:
    from ..arrays import Float32
    from ..library.whole import Whole

_EPILOG = """\
examples:
  genre-edge library ~/Music --output genres --embeddings
  genre-edge report genres                       writes report.html
  genre-edge report genres --output music.html --no-tags

exit status: 0 written, 2 wrong usage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Write one HTML page about a library (genre-edge library): its genres, a map, the files "
        "that the model is least sure of, tags that are likely wrong, recordings that are there "
        "twice. The map and the repeats need a library made with --embeddings."
    )
    parser.epilog = _EPILOG
    parser.add_argument("library", type=Path, metavar="DIR", help="folder of a library")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the page (default: %(default)s)",
    )
    parser.add_argument(
        "--map",
        choices=("pca", "umap"),
        default="pca",
        help="how files are laid out: by principal components, or by UMAP, which takes minutes "
        "and needs the package umap-learn (default: %(default)s)",
    )
    parser.add_argument("--no-tags", action="store_true", help="do not read the files' tags")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page; returns the exit status."""
    import jinja2  # noqa: F401 (whether it is there shows before the work)

    from ..files import ready_file, write_atomically
    from ..library.report import report
    from ..library.tag_check import read_tags
    from ..library.whole import read_whole

    output = ready_file(args.output, "output")
    _check(args)
    with progress(None, what="reading") as bar:
        whole = read_whole(args.library, bar.update)
    tags = None
    if not args.no_tags:
        with progress(len(whole.heard), what="tags") as bar:
            tags = read_tags(whole.heard, whole.labels, bar.update)
    positions, way = _map(whole, args.map)
    page = report(whole, tags, positions, way)
    try:
        write_atomically(output, page)
    except OSError as error:
        raise GenreEdgeError(Fault("output", output, os_reason(error))) from None
    print(f"{output}: {len(whole.heard)} files")
    return 0


def _check(args: argparse.Namespace) -> None:
    if not args.no_tags and find_spec("mutagen") is None:
        reason = f"tags need mutagen: {install_line('tag')}, or leave them out with --no-tags"
        raise UsageError(reason)
    if args.map == "umap" and find_spec("umap") is None:
        raise UsageError(f"--map umap: needs the package umap-learn: {pip_line('umap-learn')}")


def _map(whole: Whole, way: str) -> tuple[Float32 | None, str]:
    """Where each file lies, and how that was found."""
    if whole.vectors is None:
        return None, ""
    if way == "pca":
        return whole.vectors[:, :2], "by the two first principal components of the embeddings"
    from umap import UMAP

    found: Float32 = UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(whole.vectors)
    return found, "by UMAP; distances between far groups mean little"
