"""What a bundle says of itself: names, front-end, layout, what the output is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .bundle_checks import checked_labels, checked_table
from .frontend_spec import FrontendSpec

SCHEMA_VERSION = 3
"""The newest schema that this program reads and writes. A bundle is written in the
oldest schema that has what it needs, so that older programs read it too."""
LAYOUTS: Mapping[str, tuple[int, ...]] = {
    "frames-mels": (0, 1, 2),
    "mels-frames": (1, 0, 2),
    "channels-frames-mels": (2, 0, 1),
    "channels-mels-frames": (2, 1, 0),
}
"""Orders of a model's input: which axes of the features (frames, bands, channels)
follow each other."""
DEFAULT_LAYOUT = "frames-mels"
OUTPUTS: Mapping[str, int] = {"probabilities": 1, "logits": 1, "sigmoids": 3, "sigmoid-logits": 3}
"""What a model's output may be, with the schema that brought each. The sigmoids are of
labels that do not exclude each other."""
DEFAULT_OUTPUT = "probabilities"


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself; the content of genre_edge.json."""

    name: str
    """Short name of the model, e.g. gtzan-two-block.int8."""
    labels: tuple[str, ...]
    """Names of what the model answers with, in the order of its outputs unless
    `mapping` says more."""
    frontend: FrontendSpec
    """How audio becomes the model's input."""
    layout: str = DEFAULT_LAYOUT
    """Order of the model's input, of LAYOUTS."""
    output: str = DEFAULT_OUTPUT
    """What the model's output is, of OUTPUTS."""
    quantisation: Mapping[str, Any] = field(default_factory=dict)
    """dtype, scale and zero point of the input and the output, as in the flatbuffer."""
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    """Provenance: data, architecture, seed, version."""
    conversion: Mapping[str, Any] = field(default_factory=dict)
    """What made the flatbuffer, the oldest TFLite release that runs it, the
    interpreters it was run in."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Measured accuracy, with the protocol and the number of tracks and windows."""
    embedding: str = ""
    """Name or number of the tensor that labels can be taught from; empty: the input of
    the last dense layer."""
    music: Mapping[str, Any] = field(default_factory=dict)
    """What tells music from other sound, for `music_score`; empty: nothing."""
    outputs: tuple[str, ...] = ()
    """Names of the network's outputs where there is a mapping."""
    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The outputs that each label stands for; empty: each for its own."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the network's outputs, in their order."""
        return self.outputs or self.labels

    @property
    def is_multi_label(self) -> bool:
        """Whether several labels may hold at once."""
        return self.output.startswith("sigmoid")

    @property
    def version(self) -> int:
        """The oldest schema that has all this."""
        mapped = SCHEMA_VERSION if self.mapping else 1
        return max(self.frontend.version, OUTPUTS[self.output], mapped)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, in the order they are stored."""
        return {
            "schema_version": self.version,
            "name": self.name,
            "labels": list(self.labels),
            "frontend": self.frontend.to_dict(),
            "layout": self.layout,
            "output": self.output,
            "quantisation": dict(self.quantisation),
            "trained_on": dict(self.trained_on),
            "conversion": dict(self.conversion),
            "metrics": dict(self.metrics),
            **({"embedding": self.embedding} if self.embedding else {}),
            **({"music": dict(self.music)} if self.music else {}),
            **({"outputs": list(self.outputs)} if self.outputs else {}),
            **({"mapping": {k: list(v) for k, v in self.mapping.items()}} if self.mapping else {}),
        }


def mapped(described: Any) -> dict[str, Any]:
    """The outputs and the mapping in a bundle's JSON, if it has them. ValueError."""
    if not described.get("mapping"):
        return {}
    outputs = checked_labels(described["outputs"])
    mapping = {
        label: checked_labels(names)
        for label, names in checked_table("mapping", described["mapping"]).items()
    }
    known = set(outputs)
    strange = any(not known.issuperset(names) for names in mapping.values())
    if list(mapping) != list(described["labels"]) or strange:
        raise ValueError("mapping must have the labels, and name outputs")
    return {"outputs": outputs, "mapping": mapping}
