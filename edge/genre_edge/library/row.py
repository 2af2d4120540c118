"""The row of one file: what a library's parts hold, in Parquet and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Embedding:
    """What the embeddings of a model are."""

    size: int
    """Numbers in one."""
    dtype: str
    """int8 or float32."""
    scale: float
    """Size of one step of int8; 1 for float32."""
    zero_point: int
    """The integer that means 0.0; 0 for float32."""


@dataclass(frozen=True)
class Row:
    """What is known of one file."""

    path: str
    """The file: an absolute path, or a URL."""
    size: int | None
    """Bytes; None where the source does not say."""
    mtime: float | None
    """When it was changed last, s since 1970; None where the source does not say."""
    seconds: float | None
    """Length of the audio, s; None after an error."""
    windows: int | None
    """Windows that count in the verdict; None after an error."""
    genre: str | None
    """The verdict; None in silence, and after an error."""
    confidence: float | None
    """Mean probability of `genre`."""
    scores: dict[str, float]
    """Mean probability by label; empty in silence, and after an error."""
    shares: dict[str, float]
    """Share of the windows by their genre; labels of no window are left out."""
    embedding: list[int] | list[float] | None
    """Mean of the windows' embeddings, as the network has them; None if not asked
    for."""
    model: str
    """The bundle's name."""
    model_sha256: str
    """SHA-256 of its flatbuffer."""
    version: str
    """The version of this program."""
    warning: str | None
    """What is odd about the file though it was heard."""
    error: str | None
    """Why it was not heard."""

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys; the columns of the Parquet."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(Row.__dataclass_fields__)
"""Names of the columns, in their order."""


def arrow_schema(labels: Sequence[str], embedding: Embedding | None) -> Any:
    """The columns as an Arrow schema.

    Parameters
    ----------
    labels
        The model's labels: fields of `scores` and of `shares`.
    embedding
        What the embeddings are; None if there are none. Its scale and zero point become
        metadata of the column.
    """
    import pyarrow

    by_label = pyarrow.struct([(label, pyarrow.float64()) for label in labels])
    types = {
        "size": pyarrow.int64(),
        "mtime": pyarrow.float64(),
        "seconds": pyarrow.float64(),
        "windows": pyarrow.int32(),
        "confidence": pyarrow.float64(),
        "scores": by_label,
        "shares": by_label,
        "embedding": pyarrow.list_(pyarrow.int8()),
    }
    metadata = {}
    if embedding is not None:
        number = pyarrow.int8() if embedding.dtype == "int8" else pyarrow.float32()
        types["embedding"] = pyarrow.list_(number, embedding.size)
        metadata = {"scale": repr(embedding.scale), "zero_point": str(embedding.zero_point)}
    return pyarrow.schema(
        pyarrow.field(
            name,
            types.get(name, pyarrow.string()),
            metadata=metadata if name == "embedding" else None,
        )
        for name in COLUMNS
    )
