"""Runs a model in whichever interpreter is installed: one window of features in, one
probability for each label out."""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import BundleError, Fault, RuntimeMissing, UsageError
from ..extras import install_line, pip_line
from ..quiet import quiet_stderr
from .bundle import Bundle
from .bundle_info import LAYOUTS
from .flatbuffer import read_graph
from .head import find_head, with_embedding
from .scores import OutputReader

RUNTIMES: Mapping[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite": ("tflite_runtime.interpreter", "tflite-runtime"),
    "tensorflow": ("tensorflow.lite.python.interpreter", "tensorflow"),
}
"""Name on the command line: module that has the Interpreter, and the package that
brings it."""

_DTYPES = (np.float32, np.int8, np.uint8)


def quantise(
    values: Float32, scale: float, zero_point: int, dtype: npt.DTypeLike
) -> npt.NDArray[np.integer[Any]]:
    """Floats as quantised integers: q = clip(round(x / scale) + zero_point).

    Parameters
    ----------
    values
        float32, any shape.
    scale
        Size of one step.
    zero_point
        The integer that means 0.0.
    dtype
        Integer type of the result; values outside its range are clipped.

    Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", CVPR 2018, equation 1, solved for q.
    """
    limits = np.iinfo(np.dtype(dtype))
    q = values * np.float32(1.0 / scale)
    np.rint(q, out=q)
    q += np.float32(zero_point)
    np.maximum(q, np.float32(limits.min), out=q)  # np.clip costs as much as all the rest
    np.minimum(q, np.float32(limits.max), out=q)
    quantised: npt.NDArray[np.integer[Any]] = q.astype(dtype)
    return quantised


def dequantise(values: npt.NDArray[np.integer[Any]], scale: float, zero_point: int) -> Float32:
    """Quantised integers as float32: x = scale * (q - zero_point); any shape.

    Source: Jacob et al. 2018, equation 1.
    """
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def arranged(features: Float32, layout: str) -> Float32:
    """One window of features with its axes in the order of a model's input.

    Parameters
    ----------
    features
        As the front-end makes them, float32 [frames, bands(, channels)] or [samples].
    layout
        Of LAYOUTS; the order of axes that are there.
    """
    axes = [axis for axis in LAYOUTS[layout] if axis < features.ndim]
    return features.transpose(axes)


class Classifier:
    """A bundle loaded into an interpreter. Any thread may ask it.

    Parameters
    ----------
    bundle
        The model.
    runtime
        One of RUNTIMES; None takes the first that is installed.
    threads
        Threads of the interpreter, at least 1.
    embeds
        Whether `scores_and_embedding` will be asked too.

    Raises
    ------
    RuntimeMissing
        If the interpreter is not installed; it names what to install.
    BundleError
        If the interpreter cannot load the model, or the model and its front-end
        disagree.
    ModelError
        If it is to embed, and has no embedding.
    UsageError
        If `runtime` or `threads` is none of these.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: str | None = None,
        threads: int = 1,
        embeds: bool = False,
    ) -> None:
        if threads < 1:
            raise UsageError(Fault("threads", threads, "must be at least 1"))
        flatbuffer = bundle.flatbuffer
        if embeds:
            graph = read_graph(flatbuffer, bundle.path)
            head = find_head(graph, bundle.path, bundle.info.embedding or None)
            flatbuffer = with_embedding(flatbuffer, head)
        self.labels = bundle.info.labels
        self.runtime, interpreter = interpreter_class(runtime)
        try:
            with quiet_stderr(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._net = interpreter(model_content=flatbuffer, num_threads=threads)
                self._net.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise BundleError(f"{bundle.path}: {self.runtime} cannot load it ({reason})") from None
        self._input = _only(self._net.get_input_details(), bundle.path, "input")
        outputs = self._net.get_output_details()
        self._embedding = outputs[1] if embeds else None
        self._output = _only(outputs[:1] if embeds else outputs, bundle.path, "output")
        self._shape = tuple(int(n) for n in self._input["shape"])
        self._layout = bundle.info.layout
        info = bundle.info
        self._read = OutputReader(info.output, info.output_names, info.mapping)
        self._one_at_a_time = threading.Lock()
        self.not_finite = 0
        """Windows whose answer held numbers that are none: NaN or infinite."""
        self._check(bundle)

    def _check(self, bundle: Bundle) -> None:
        shape = bundle.info.frontend.shape
        made = tuple(shape[axis] for axis in LAYOUTS[self._layout] if axis < len(shape))
        if [n for n in self._shape if n != 1] != [n for n in made if n != 1]:
            raise BundleError(f"{bundle.path}: takes {self._shape}, but its front-end makes {made}")
        outputs = int(np.prod(self._output["shape"]))
        named = len(bundle.info.output_names)
        if outputs != named:
            raise BundleError(f"{bundle.path}: has {outputs} outputs and {named} labels")
        for tensor in (self._input, self._output):
            if tensor["dtype"] not in _DTYPES:
                raise BundleError(
                    f"{bundle.path}: {np.dtype(tensor['dtype']).name} is not supported (float32, "
                    "int8, uint8)"
                )

    def scores(self, features: Float32) -> Float32:
        """Classify one window.

        Parameters
        ----------
        features
            What the front-end made of the window, float32 [*FrontendSpec.shape].

        Returns
        -------
        float32 [labels]
            The score of each label, as `OutputReader` says.
        """
        with self._one_at_a_time:
            return self._scores(features)

    def scores_and_embedding(self, features: Float32) -> tuple[Float32, npt.NDArray[Any]]:
        """Classify one window, and say what the last layer was given.

        Parameters
        ----------
        features
            As for `scores`; the classifier was made with `embeds`.

        Returns
        -------
        tuple of arrays
            The scores, and the embedding as the network has it: float32 or int8
            [size].
        """
        assert self._embedding is not None
        with self._one_at_a_time:
            scores = self._scores(features)
            return scores, self._net.get_tensor(self._embedding["index"]).reshape(-1)

    def _scores(self, features: Float32) -> Float32:
        given = arranged(features, self._layout)
        self._net.set_tensor(self._input["index"], self._to_input(given.reshape(self._shape)))
        self._net.invoke()
        raw = self._net.get_tensor(self._output["index"]).reshape(-1)
        if self._output["dtype"] == np.float32:
            scores: Float32 = raw
            self.not_finite += not np.isfinite(raw).all()
        else:
            scores = dequantise(raw, *self._output["quantization"])
        return self._read(scores)

    def _to_input(self, features: Float32) -> npt.NDArray[Any]:
        if self._input["dtype"] == np.float32:
            return features
        scale, zero_point = self._input["quantization"]
        return quantise(features, scale, zero_point, self._input["dtype"])

    @property
    def quantisation(self) -> dict[str, Any]:
        """dtype, scale and zero point of the input and the output."""
        described: dict[str, Any] = {}
        for name, tensor in (("input", self._input), ("output", self._output)):
            scale, zero_point = tensor["quantization"]
            described[name] = {"dtype": np.dtype(tensor["dtype"]).name}
            if tensor["dtype"] != np.float32:
                described[name] |= {"scale": float(scale), "zero_point": int(zero_point)}
        return described


def _only(tensors: list[dict[str, Any]], path: str, kind: str) -> dict[str, Any]:
    if len(tensors) != 1:
        raise BundleError(f"{path}: has {len(tensors)} {kind}s, expected one")
    return tensors[0]


def interpreter_class(runtime: str | None) -> tuple[str, Any]:
    """Import an interpreter.

    Parameters
    ----------
    runtime
        One of RUNTIMES; None takes the first that is installed.

    Returns
    -------
    tuple of str and type
        The name of the runtime, and its Interpreter class.

    Raises
    ------
    RuntimeMissing
        If it is not installed; the message says how to install it.
    UsageError
        If the name is unknown.
    """
    if runtime is not None and runtime not in RUNTIMES:
        raise UsageError(Fault("runtime", runtime, f"unknown; choose from {', '.join(RUNTIMES)}"))
    for name in RUNTIMES if runtime is None else (runtime,):
        module, _ = RUNTIMES[name]
        try:
            with quiet_stderr():
                return name, importlib.import_module(module).Interpreter
        except ImportError as error:
            if runtime is not None:
                reason = f"not installed ({error}); {_install(name)}"
                raise RuntimeMissing(Fault("runtime", name, reason)) from None
    raise RuntimeMissing(f"no interpreter is installed; {_install('litert')}")


def _install(runtime: str) -> str:
    """How to install an interpreter."""
    _, package = RUNTIMES[runtime]
    if runtime == "tflite":
        return f"{install_line(package)} (Python 3.11 or older)"
    return pip_line(package)
