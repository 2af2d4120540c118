"""TFLite Metadata of a model that takes audio: what MediaPipe's AudioClassifier reads.

Field numbers are those of metadata_schema.fbs, identifier M001.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import flatbuffers

_AUDIO_PROPERTIES, _FEATURE_PROPERTIES = 4, 1
"""Members of the union ContentProperties."""
_AXIS_LABELS = 2
"""AssociatedFileType TENSOR_AXIS_LABELS: a label a line, in the order of the output."""
_PARSER = "1.3.0"
"""The oldest parser that knows audio."""

Field = Callable[[flatbuffers.Builder], None]


@dataclass(frozen=True)
class AudioModel:
    """What the metadata says of a model."""

    name: str
    """Its name."""
    description: str
    """What it does, in a sentence."""
    sample_rate: int
    """Rate of the samples that it takes, Hz; one channel."""
    labels_file: str
    """Name of the file with its labels in the ZIP behind the flatbuffer."""


def audio_metadata(model: AudioModel) -> bytes:
    """The metadata as a flatbuffer."""
    builder = flatbuffers.Builder(512)
    audio = _table(builder, 2, _number(0, model.sample_rate), _number(1, 1))
    given = _tensor(
        builder,
        "audio",
        "One window of mono audio, full scale at 1.",
        _AUDIO_PROPERTIES,
        audio,
        None,
    )
    file = _table(
        builder,
        5,
        _reference(0, builder.CreateString(model.labels_file)),
        _reference(1, builder.CreateString("One label a line.")),
        _byte(2, _AXIS_LABELS),
    )
    features = _table(builder, 0)
    scores = _tensor(
        builder, "scores", "The probability of each label.", _FEATURE_PROPERTIES, features, file
    )
    subgraph = _table(
        builder,
        10,
        _reference(2, _vector(builder, given)),
        _reference(3, _vector(builder, scores)),
    )
    root = _table(
        builder,
        8,
        _reference(0, builder.CreateString(model.name)),
        _reference(1, builder.CreateString(model.description)),
        _reference(3, _vector(builder, subgraph)),
        _reference(7, builder.CreateString(_PARSER)),
    )
    builder.Finish(root, b"M001")
    return bytes(builder.Output())


def _tensor(
    builder: flatbuffers.Builder,
    name: str,
    description: str,
    kind: int,
    properties: int,
    labels: int | None,
) -> int:
    """A TensorMetadata whose content is of this kind, with a file of labels or
    none."""
    content = _table(builder, 3, _byte(0, kind), _reference(1, properties))
    parts = [
        _reference(0, builder.CreateString(name)),
        _reference(1, builder.CreateString(description)),
        _reference(3, content),
    ]
    if labels is not None:
        parts.append(_reference(6, _vector(builder, labels)))
    return _table(builder, 7, *parts)


def _table(builder: flatbuffers.Builder, size: int, *parts: Field) -> int:
    builder.StartObject(size)
    for part in parts:
        part(builder)
    return int(builder.EndObject())


def _reference(number: int, offset: int) -> Field:
    return lambda builder: builder.PrependUOffsetTRelativeSlot(number, offset, 0)


def _number(number: int, value: int) -> Field:
    return lambda builder: builder.PrependUint32Slot(number, value, 0)


def _byte(number: int, value: int) -> Field:
    return lambda builder: builder.PrependByteSlot(number, value, 0)


def _vector(builder: flatbuffers.Builder, offset: int) -> int:
    """A vector of one table."""
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
