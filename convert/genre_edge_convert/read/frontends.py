"""The front-end that a user names, and how its windows become a network's input."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.model.bundle_info import DEFAULT_LAYOUT, LAYOUTS
from genre_edge.model.frontend_spec import FrontendSpec

from .named_frontends import candidates, listed, named, near

if TYPE_CHECKING:  # networks brings TensorFlow
    from .networks import Network, Shape

_FEW_BANDS = 40
"""As few numbers in a frame are cepstral coefficients as often as mel bands."""


def load_frontend(given: str) -> FrontendSpec:
    """A front-end from a TOML or JSON file, or by its name.

    Parameters
    ----------
    given
        The file, which says what differs from the front-end that its key `base` names,
        or else from the default; or a name, as `named` takes it.

    Raises
    ------
    UsageError
        The file cannot be read, or holds something else; the name is unknown; it is not
        clear whether a few bands are mel bands or cepstral coefficients.
    """
    path = Path(given)
    if not path.exists() and path.suffix not in (".toml", ".json"):
        return named(given)
    try:
        text = path.read_text(encoding="utf-8-sig")
        values: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(Fault("frontend", path, (error.strerror or "").lower())) from None
    except ValueError as error:
        raise UsageError(Fault("frontend", path, f"neither TOML nor JSON ({error})")) from None
    values = values.get("frontend", values) if isinstance(values, dict) else values
    if not isinstance(values, dict):
        raise UsageError(Fault("frontend", path, "holds no table of fields"))
    base = named(str(values["base"])) if "base" in values else FrontendSpec()
    changes = {name: value for name, value in values.items() if name != "base"}
    _check_few_bands(path, values)
    try:
        return changed(base, changes)
    except UsageError as error:
        reason = str(error).removeprefix("front-end: ")
        raise UsageError(Fault("frontend", path, reason)) from None


def changed(base: FrontendSpec, changes: Mapping[str, Any]) -> FrontendSpec:
    """A front-end with some fields changed, given as in JSON. f_max stays at half the
    sample rate if it was there. UsageError."""
    values = {**base.to_dict(), **changes}
    rate = values["sample_rate"]
    if "f_max" not in changes and base.f_max == base.sample_rate / 2 and isinstance(rate, int):
        values["f_max"] = rate / 2
    return FrontendSpec.from_dict(values)


def _check_few_bands(path: Path, values: Mapping[str, Any]) -> None:
    bands = values.get("n_mels")
    if "kind" in values or "base" in values or not isinstance(bands, int) or bands > _FEW_BANDS:
        return
    raise UsageError(
        Fault(
            "frontend",
            path,
            f"n_mels = {bands}: are these mel bands or MFCCs? The shape is the same, the meaning "
            f'is not. Say kind = "mel" for {bands} mel bands, or base = "librosa-mfcc-{bands}" '
            "for librosa's MFCCs (docs/conversion.md lists others)",
        )
    )


def layout_of(network: Network, frontend: FrontendSpec, asked: str | None) -> str:
    """The order of dimensions in which a network takes its windows.

    Parameters
    ----------
    network
        The network.
    frontend
        The front-end that makes its input.
    asked
        The layout that the user asks for, or None.

    Returns
    -------
    str
        One of `genre_edge.model.bundle.LAYOUTS`.

    Raises
    ------
    ModelError
        The front-end cannot fill the input, or more than one layout can.
    """
    sizes = [n for n in _sizes(network.input_shape) if n != 1]
    # Without channels, where these stand makes no difference.
    layouts = list(LAYOUTS)[: 4 if len(frontend.shape) == 3 else len(frontend.shape)]
    fits = [layout for layout in layouts if _made(frontend, layout) == sizes]
    if asked is not None and _made(frontend, asked) == sizes:
        return asked
    if asked is None and fits == [DEFAULT_LAYOUT]:
        return DEFAULT_LAYOUT
    takes = f"{network.path}: takes {' x '.join(map(str, sizes))}"
    if len(fits) > 1:
        raise ModelError(
            f"{takes}: either may come first, frames or bands; give --layout {' or '.join(fits)}"
        )
    makes = f"{takes}, the front-end makes {_shown(frontend)}"
    if fits:
        raise ModelError(f"{makes}; give --layout {fits[0]}")
    raise ModelError(f"{makes}; {_hint(sizes)}")


def _hint(sizes: list[int]) -> str:
    """Which front-ends fill an input of these sizes, as a part of a line."""
    if known := candidates(sizes):
        return f"give --frontend, for such an input: {listed(known)}"
    if len(sizes) == 1:
        return (
            "a list of numbers for a clip, such as the means in a table of features, is no "
            "front-end here: train on windows of frames (docs/conversion.md)"
        )
    if files := near(sizes):
        return f"give --frontend with a file, for such an input: {'; or '.join(files[:4])}"
    return "give --frontend, see docs/conversion.md"


def _made(frontend: FrontendSpec, layout: str) -> list[int]:
    """Sizes of the features in the order of a layout, without those that are 1."""
    shape = frontend.shape
    return [shape[axis] for axis in LAYOUTS[layout] if axis < len(shape) and shape[axis] != 1]


def _shown(frontend: FrontendSpec) -> str:
    """The features' sizes for people."""
    names = ("samples",) if frontend.kind == "waveform" else ("frames", "mels", "channels")
    if frontend.kind in ("mfcc", "linear"):
        names = ("frames", "coefficients" if frontend.kind == "mfcc" else "bins", "channels")
    return " x ".join(f"{n} {name}" for n, name in zip(frontend.shape, names, strict=False))


def _sizes(shape: Shape) -> list[int]:
    """Sizes of an input without that of the batch, which is open or 1."""
    known = [n for n in shape if n is not None]
    return known[1:] if len(known) == len(shape) and len(known) > 2 and known[0] == 1 else known


def as_input(network: Network, windows: Float32, layout: str) -> Float32:
    """Windows, float32 [n, *FrontendSpec.shape], as the network takes them."""
    axes = [axis for axis in LAYOUTS[layout] if axis < windows.ndim - 1]
    given = windows.transpose(0, *(axis + 1 for axis in axes))
    shape = [n for n in network.input_shape if n is not None]
    if len(shape) == len(network.input_shape) and shape[0] == 1 and len(shape) > 1:
        shape = shape[1:]
    return np.ascontiguousarray(given.reshape(len(given), *shape))
