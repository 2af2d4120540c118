"""What a conversion makes, and whether it can be made there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file, ready_folder
from genre_edge.model.bundle_checks import checked_name

from ..read.networks import Network


@dataclass(frozen=True)
class ConversionConfig:
    """What a conversion makes."""

    output: Path
    """Path of the bundles without their suffixes."""
    kinds: tuple[str, ...] = ("float32", "int8")
    """Of quantise.flatbuffers.KINDS; a TFLite model is packed as it is."""
    layout: str | None = None
    """Order of the input's dimensions; None: found from its shape."""
    min_agreement: float = 97.0
    """Smallest share of held-out windows on which bundle and network name the same
    genre, per cent."""
    target: str | None = None
    """An interpreter that must be able to run the bundles, of operators.TARGETS."""
    quantiser: str = "tflite"
    """Of quantise.flatbuffers.QUANTISERS."""
    audio_in: bool = False
    """Whether each bundle is also written with its front-end inside."""
    multi_label: bool = False
    """Whether several labels may hold at once, whatever the outputs look like."""
    check_with: tuple[Path, Path] | None = None
    """A clip, and a .npy file of what the user's own code made of its first window."""
    float_layers: int = 0
    """Operators that an int8 bundle keeps in float32: those that int8 harms most."""


def check_config(config: ConversionConfig, network: Network, kinds_given: bool) -> None:
    """UsageError for what cannot be made.

    Parameters
    ----------
    config
        What is to be made.
    network
        The network.
    kinds_given
        Whether the user chose the kinds.
    """
    if not 0 <= config.min_agreement <= 100:
        reason = "must be from 0 to 100 per cent"
        raise UsageError(Fault("min_agreement", config.min_agreement, reason))
    if config.float_layers < 0:
        raise UsageError(Fault("float_layers", config.float_layers, "must be 0 or more"))
    if config.output.suffix == ".tflite":
        reason = f"give {config.output.stem}: .tflite and the kind of bundle are added"
        raise UsageError(Fault("output", config.output, reason))
    if config.output.name in ("", ".."):
        reason = "is a folder: add the name of the bundles, such as mine"
        raise UsageError(Fault("output", config.output, reason))
    try:
        checked_name(f"{config.output.name}.{max(config.kinds, key=len)}")
    except ValueError as error:
        raise UsageError(Fault("output", config.output, str(error))) from None
    if not config.output.parent.is_dir():
        reason = f"no such folder {config.output.parent}"
        raise UsageError(Fault("output", config.output, reason))
    ready_folder(config.output.parent)
    for ending in (*(f"{kind}.tflite" for kind in config.kinds), "md"):
        ready_file(config.output.with_name(f"{config.output.name}.{ending}"), "output")
    if config.float_layers and (network.export is None or "int8" not in config.kinds):
        reason = "needs --to int8, of a model that is no TFLite file"
        raise UsageError(Fault("float_layers", config.float_layers, reason))
    if network.export is None and kinds_given:
        reason = f"{network.path} is a TFLite model already and is packed as it is"
        raise UsageError(Fault("to", ",".join(config.kinds), reason))
