"""YAMNet's convolutions out of its TFLite file, as a start for networks of our own.

YAMNet is a MobileNet v1 (A. G. Howard et al., arXiv:1704.04861) that was trained on
AudioSet: a 3x3 convolution, then 13 pairs of a 3x3 depthwise and a 1x1 convolution.
Batch normalisation is folded into the weights. Source of the file:
https://www.kaggle.com/models/google/yamnet/tfLite (Apache License 2.0).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.quiet import quiet_stderr

LAYERS = 14
"""Layers of YAMNet: one convolution and 13 pairs."""
CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
"""Channels that each layer makes."""
STRIDED = (1, 3, 5, 7, 13)
"""Layers that halve the resolution."""
LICENCE = "YAMNet by Google, Apache License 2.0"
"""What a network that grows from these weights must say of itself."""
PATCH = 15_600
"""Samples that the file hears at once (0.975 s)."""
FRONTEND = FrontendSpec(
    sample_rate=16_000,
    n_fft=512,
    hop_length=160,
    n_mels=64,
    f_min=125.0,
    f_max=7500.0,
    normalise="none",
    frame_length=400,
    power=1,
    mel_filters="htk",
    scale="ln",
    log_offset=0.001,
    window_level=0.1,
)
"""YAMNet's own front-end over 3 s, with each window at -20 dBFS: its offset would make
a quiet microphone deaf."""

_EMBEDDING = "yamnet_frames/global_average_pooling2d/Mean"
_LOG_MEL = "Identity_1"


@dataclass(frozen=True)
class Convolution:
    """Weights of one convolution as Keras takes them, batch normalisation folded in."""

    kernel: Float32
    """[height, width, in, out]; of a depthwise one [height, width, channels, 1]."""
    bias: Float32
    """[out]."""


@dataclass(frozen=True)
class Start:
    """The weights that a network starts from."""

    name: str
    """The file's name."""
    convolutions: tuple[Convolution, ...]
    """In the order of the network: layer 1, then a depthwise and a pointwise one for
    each further layer."""


def open_tflite(path: Path) -> Any:
    """An interpreter that keeps all inner tensors, one thread. ModelError."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
            net.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: not a TFLite model ({error})") from None
    return net


def read_start(path: Path) -> Start:
    """The weights of YAMNet's TFLite file, dequantised. ModelError if it is another."""
    net = open_tflite(path)
    details = net.get_tensor_details()
    try:
        found = []
        for layer in range(1, LAYERS + 1):
            for kind in ("depthwise_conv", "pointwise_conv") if layer > 1 else ("conv",):
                found.append(_convolution(net, details, f"yamnet_frames/layer{layer}/{kind}"))
    except LookupError:
        raise ModelError(f"{path}: not YAMNet (its 14 layers are not in it)") from None
    return Start(path.name, tuple(found))


def _convolution(net: Any, details: list[dict[str, Any]], name: str) -> Convolution:
    """The kernel and the bias of one convolution. LookupError."""
    bias = _only([t for t in details if t["name"] == f"{name}/bn/FusedBatchNormV3"])
    # Depthwise kernels are listed twice: as stored, and dequantised by the interpreter.
    mark = f"{name}/depthwise" if name.endswith("depthwise_conv") else f"{name}/Conv2D"
    stored = [
        t
        for t in details
        if t["name"].startswith(name)
        and mark in t["name"]
        and len(t["shape"]) == 4
        and tuple(t["shape"][1:3]) in ((1, 1), (3, 3))
        and "relu" not in t["name"]
    ]
    kernel = _dequantised(net, stored[0])
    kernel = np.ascontiguousarray(kernel.transpose(1, 2, 3, 0))
    return Convolution(kernel, _dequantised(net, bias))


def _only(tensors: list[dict[str, Any]]) -> dict[str, Any]:
    if len(tensors) != 1:
        raise LookupError
    return tensors[0]


def _dequantised(net: Any, tensor: dict[str, Any]) -> Float32:
    """A constant of the file as float32, multiplied out along its quantised axis."""
    values: npt.NDArray[Any] = net.get_tensor(tensor["index"])
    if values.dtype == np.float32:
        return values
    parameters = tensor["quantization_parameters"]
    scales, zeros = parameters["scales"], parameters["zero_points"]
    if len(scales) > 1:
        shape = [1] * values.ndim
        shape[parameters["quantized_dimension"]] = len(scales)
        scales = scales.reshape(shape)
        zeros = zeros.reshape(shape) if len(zeros) > 1 else zeros
    return np.asarray((values.astype(np.float32) - zeros) * scales, dtype=np.float32)


def own_embedding(path: Path, samples: Float32) -> tuple[Float32, Float32]:
    """What the file itself makes of PATCH samples: its log-mel, float32 [96, 64], and
    its embedding, float32 [1024]."""
    net = open_tflite(path)
    index = {t["name"]: t["index"] for t in net.get_tensor_details()}
    entry = net.get_input_details()[0]
    net.set_tensor(entry["index"], samples.reshape(entry["shape"]))
    net.invoke()
    log_mel: Float32 = net.get_tensor(index[_LOG_MEL])
    embedding: Float32 = net.get_tensor(index[_EMBEDDING]).reshape(-1)
    return log_mel.reshape(96, 64), embedding
