"""Whether a model's file is whole and of a size that a model can have, before Keras or
TensorFlow reads it."""

from __future__ import annotations

import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genre_edge.errors import ModelError

LARGEST = 2 * 1024**3
"""Bytes of the largest model: a TFLite file counts them in 31 bits."""
MOST_MEMORY = 4 * LARGEST
"""Bytes that loading a model may take: its weights a few times over."""
_HDF5 = b"\x89HDF\r\n\x1a\n"
_AGAIN = "copy or save it again"


def check_keras_file(path: Path) -> None:
    """ModelError for a .keras or .h5 file that is cut short, of another kind than its
    name says, or unpacks to more than a model can be."""
    with path.open("rb") as file:
        begins = file.read(len(_HDF5))
    is_zip = begins.startswith(b"PK")
    if path.suffix == ".keras" and begins == _HDF5:
        raise ModelError(f"{path}: is an .h5 file by its content: rename it to .h5")
    if path.suffix != ".keras" and is_zip:
        raise ModelError(f"{path}: is a .keras file by its content: rename it to .keras")
    if path.suffix != ".keras":
        if begins != _HDF5:
            raise ModelError(f"{path}: is no HDF5 file, or damaged: {_AGAIN}")
        return
    try:
        with zipfile.ZipFile(path) as members:
            size = sum(member.file_size for member in members.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        what = "is cut short or damaged" if is_zip else "is no .keras file, or damaged"
        raise ModelError(f"{path}: {what} ({error}): {_AGAIN}") from None
    if size > LARGEST:
        raise ModelError(
            f"{path}: unpacks to {size / 1e9:.1f} GB, more than a TFLite model can be "
            f"({LARGEST / 1e9:.1f} GB): it is damaged, or not meant for small devices"
        )


@contextmanager
def memory_limited(most: int = MOST_MEMORY) -> Iterator[None]:
    """Let the block take so many bytes of memory more, and no others: a file may claim
    a layer of any size. Allocating beyond fails, as if there were no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + most
    for ceiling in (soft, hard):
        limit = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
