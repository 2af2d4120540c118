"""Large networks to learn from, each described by a small TOML file, and what they make
of every window, kept on disk."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.pcm import from_int16
from genre_edge.errors import GenreEdgeError, ModelError, UsageError
from genre_edge.files import atomic_file
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from tqdm import tqdm

from ..data.pcm_cache import PcmCache, content_hash
from ..data.recordings import Recording
from .yamnet import open_tflite

WINDOW_SECONDS = 3.0
"""What a teacher speaks about, s."""
_QUIETEST = 1e-9
_MAP_PLACES = 8
"""Values from which on an output is a map, whose deviation over its places matters."""


@dataclass(frozen=True)
class TeacherSpec:
    """What a teacher's TOML file says."""

    name: str
    """The file's name without suffix."""
    model: Path
    """The TFLite file."""
    frontend: FrontendSpec | None
    """How audio becomes the network's input; None: it takes samples."""
    sample_rate: int
    """Rate of the samples, Hz."""
    window_level: float
    """Root-mean-square level that samples are brought to, of 1; 0: as they are."""
    pad: int
    """Zeros before and after each window, samples (half a frame: a centred STFT)."""
    outputs: Mapping[str, str]
    """Our name of each output: the signature's name of it, or how the name of an inner
    tensor begins."""
    head: tuple[str, ...]
    """Outputs that this teacher's own soft labels are read from."""
    together: tuple[str, ...]
    """Outputs that take part in the soft labels of all teachers together."""
    embedding: tuple[str, ...]
    """Outputs that the student learns to answer with."""

    def key(self) -> str:
        """A name for all that determines the outputs."""
        frontend = self.frontend and self.frontend.to_dict()
        made_of = [frontend, self.sample_rate, self.window_level, self.pad, dict(self.outputs)]
        text = json.dumps([made_of, content_hash(self.model)], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def load_teacher(path: Path, models: Path | None = None) -> TeacherSpec:
    """A teacher from its TOML file; `models` is the folder of its model (None: beside
    the TOML file). UsageError names what is wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--teacher {path}: {(error.strerror or '').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--teacher {path}: not TOML ({error})") from None
    known = ("model", "sample_rate", "window_level", "pad", "frontend", "outputs")
    lists = ("head", "together", "embedding")
    unknown = sorted(set(values) - {*known, *lists})
    missing = sorted({"model", "outputs", "head"} - set(values))
    if unknown or missing:
        raise UsageError(
            f"--teacher {path}: "
            + "; ".join(
                [f"{name} is unknown" for name in unknown] + [f"{n} is missing" for n in missing]
            )
        )
    model = (models or path.parent) / values["model"]
    if not model.is_file():
        raise UsageError(f"--teacher {path}: its model {model} does not exist")
    frontend = FrontendSpec.from_dict(values["frontend"]) if "frontend" in values else None
    chosen = {name: tuple(values.get(name, ())) for name in lists}
    for name, outputs in chosen.items():
        strange = sorted(set(outputs) - set(values["outputs"]))
        if strange:
            raise UsageError(f"--teacher {path}: {name} names no output {', '.join(strange)}")
    return TeacherSpec(
        path.stem,
        model,
        frontend,
        frontend.sample_rate if frontend else int(values.get("sample_rate", 16_000)),
        float(values.get("window_level", 0.0)),
        int(values.get("pad", 0)),
        dict(values["outputs"]),
        **chosen,
    )


class Teacher:
    """A teacher loaded into an interpreter, one thread."""

    def __init__(self, spec: TeacherSpec) -> None:
        self._spec = spec
        self._net = open_tflite(spec.model)
        self._input = self._net.get_input_details()[0]
        self._logmel = LogMel(spec.frontend) if spec.frontend else None
        self._index = {name: self._tensor(given) for name, given in spec.outputs.items()}

    def _tensor(self, name: str) -> int:
        """The index of an output of the signature, or of the inner tensor whose name
        begins so. ModelError."""
        if self._net.get_signature_list():
            signature = self._net.get_signature_runner().get_output_details()
            if name in signature:
                return int(signature[name]["index"])
        inner = [t for t in self._net.get_tensor_details() if t["name"].startswith(name)]
        if not inner:
            raise ModelError(f"{self._spec.model}: has no tensor {name}")
        return int(inner[0]["index"])

    def listen(self, samples: Float32) -> dict[str, Float32]:
        """Outputs for one window, float32 [n] at the teacher's rate: {name: float32}.

        A network that takes less than a window hears evenly spaced stretches of it. Of
        vectors the mean over the stretches; of maps the mean and the deviation of each
        channel over all places.
        """
        if self._spec.window_level:
            rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
            samples = samples * np.float32(self._spec.window_level / max(rms, _QUIETEST))
        found: dict[str, list[Float32]] = {name: [] for name in self._index}
        for given in self._stretches(samples):
            self._net.set_tensor(self._input["index"], given.reshape(self._input["shape"]))
            self._net.invoke()
            for name, index in self._index.items():
                value = self._net.get_tensor(index)
                found[name].append(value.reshape(-1, value.shape[-1]) if value.ndim > 2 else value)
        return {name: _pooled(np.concatenate(values)) for name, values in found.items()}

    def _stretches(self, samples: Float32) -> list[Float32]:
        if self._logmel is not None:
            features = self._logmel.window(np.pad(samples, self._spec.pad))
            return [features[: int(self._input["shape"][1])]]
        length = int(np.prod(self._input["shape"]))
        count = max(1, round(len(samples) / length))
        starts = np.linspace(0, max(0, len(samples) - length), count).round().astype(int)
        return [np.resize(samples[at : at + length], length) for at in starts]


def _pooled(values: Float32) -> Float32:
    """The mean of some vectors, or the mean and the deviation over the places of a map:
    float32 [n] or [2 n]."""
    mean: Float32 = values.mean(axis=0)
    return mean if len(values) < _MAP_PLACES else np.concatenate([mean, values.std(axis=0)])


def window_starts(samples: int, window: int) -> npt.NDArray[np.int64]:
    """Where the windows of a recording begin: as many whole ones as fit, in its middle.

    A recording shorter than a window has one, which is the recording repeated.
    """
    count = max(1, samples // window)
    return max(0, (samples - count * window) // 2) + np.arange(count, dtype=np.int64) * window


@dataclass(frozen=True)
class TeacherOutputs:
    """What a teacher makes of one recording's windows."""

    starts: npt.NDArray[np.int64]
    """Where each window begins, samples at the teacher's rate: [windows]."""
    outputs: Mapping[str, npt.NDArray[np.float16]]
    """Each output, [windows, n]."""


def listen_all(
    specs: Sequence[TeacherSpec], recordings: Sequence[Recording], cache: Path, jobs: int
) -> dict[Path, tuple[TeacherOutputs, ...]]:
    """What each teacher makes of each recording that can be read: {file: one for each
    teacher}. Found in the cache, or made on `jobs` processes."""
    found: dict[Path, tuple[TeacherOutputs, ...]] = {}
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start, (specs, cache)) as pool:
        made = pool.map(_listen, recordings, chunksize=8)
        bar = tqdm(made, total=len(recordings), desc="teachers", unit="file", disable=None)
        for recording, files in zip(recordings, bar, strict=True):
            if isinstance(files, str):
                tqdm.write(f"genre-train: skipped {files}")
                continue
            found[recording.path] = tuple(_read(file) for file in files)
    return found


def _read(file: Path) -> TeacherOutputs:
    with np.load(file) as arrays:
        return TeacherOutputs(
            arrays["starts"], {n: arrays[n] for n in arrays.files if n != "starts"}
        )


class _Worker:
    """Teachers of one process, loaded when first needed."""

    def __init__(self, specs: Sequence[TeacherSpec], cache: Path) -> None:
        self._specs = specs
        self._folders = [cache / "teachers" / spec.key() for spec in specs]
        self._pcm = [PcmCache(cache, spec.sample_rate) for spec in specs]
        self._loaded: dict[str, Teacher] = {}
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)

    def files(self, recording: Recording) -> list[Path]:
        """The cache files of a recording, one a teacher, made if missing."""
        name = f"{content_hash(recording.path)[:32]}.npz"
        for spec, folder, pcm in zip(self._specs, self._folders, self._pcm, strict=True):
            if not (folder / name).exists():
                self._write(folder / name, spec, pcm.get(recording.track()))
        return [folder / name for folder in self._folders]

    def _write(self, path: Path, spec: TeacherSpec, pcm: npt.NDArray[np.int16]) -> None:
        teacher = self._loaded.setdefault(spec.name, Teacher(spec))
        window = round(WINDOW_SECONDS * spec.sample_rate)
        samples = from_int16(pcm)
        if len(samples) < window:
            samples = np.resize(samples, window)
        starts = window_starts(len(samples), window)
        heard = [teacher.listen(samples[at : at + window]) for at in starts]
        arrays: dict[str, Any] = {
            name: np.stack([h[name] for h in heard]).astype(np.float16) for name in spec.outputs
        }
        with atomic_file(path) as file:
            np.savez(file, starts=starts, **arrays)


_worker: _Worker | None = None


def _start(specs: Sequence[TeacherSpec], cache: Path) -> None:
    global _worker  # one per process: a pool's initialiser has no other way to hand it over
    _worker = _Worker(specs, cache)


def _listen(recording: Recording) -> list[Path] | str:
    assert _worker is not None
    try:
        return _worker.files(recording)
    except GenreEdgeError as error:
        return str(error)
    except OSError as error:
        return f"{recording.path}: {error.strerror}"
