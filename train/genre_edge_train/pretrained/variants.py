"""Clips as a microphone may hear them: fresh stretches of recordings at random places,
changed at random, made by several processes and kept on disk.

A pool is a folder of shards. Each shard holds some clips' features, and of each clip
the recording and the place that it is from: labels are looked up when it is learnt
from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.pcm import from_int16
from genre_edge.files import atomic_file
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from tqdm import tqdm

from ..augment.audio import Augmenter, AugmentSpec

SHARD = 250
"""Clips a process makes before it reports."""
PREROLL_SECONDS = 1.0
"""Audio before a clip that is played into the room, so that its tail is there when the
clip begins, s."""
_LOWEST, _STEP = -7.0, 12.0 / 255
"""Features are kept as bytes: ln of mel bands from -7 to 5."""
NO_MUSIC = -1
"""The recording of a clip of speech or noise."""


@dataclass(frozen=True)
class VariantSpec:
    """How clips are changed."""

    augment: AugmentSpec
    """Changes of the sound."""
    untouched: float = 0.25
    """Share of clips whose sound is left as it is, but for the room."""
    rooms: float = 0.5
    """Share of clips heard in a room."""
    seed: int = 0
    """Seed of all random choices."""


@dataclass(frozen=True)
class Pool:
    """A set of clips to be made."""

    name: str
    """For people and for the folder's name."""
    files: tuple[Path, ...]
    """Decoded recordings, int16 .npy at the front-end's rate; or, for a pool without
    music, WAV files of speech."""
    numbers: tuple[int, ...]
    """The number of each recording in the whole run, or NO_MUSIC."""
    weights: tuple[float, ...]
    """How often each recording is drawn, relative."""
    count: int
    """Clips."""

    @property
    def music(self) -> bool:
        """Whether its clips are of recordings."""
        return bool(self.numbers) and self.numbers[0] != NO_MUSIC


@dataclass(frozen=True)
class Clips:
    """The clips of a pool that were made."""

    features: Sequence[npt.NDArray[np.uint8]]
    """Shards of [SHARD, frames, mels], mapped from disk."""
    recording: npt.NDArray[np.int64]
    """The recording of each clip, or NO_MUSIC: [n]."""
    centre: Float32
    """Its middle within the recording, s: [n]."""

    def __len__(self) -> int:
        return len(self.recording)

    def get(self, number: int) -> Float32:
        """Clip `number`'s features, float32 [frames, mels]."""
        stored = self.features[number // SHARD][number % SHARD]
        features: Float32 = stored.astype(np.float32) * np.float32(_STEP) + np.float32(_LOWEST)
        return features


def encode(features: Float32) -> npt.NDArray[np.uint8]:
    """ln of mel bands as bytes, in steps of 0.047."""
    steps: npt.NDArray[np.uint8] = np.clip(np.rint((features - _LOWEST) / _STEP), 0, 255).astype(
        np.uint8
    )
    return steps


class _Maker:
    """Makes the clips of one pool; each depends on the seed, the pool and its
    number."""

    def __init__(self, pool: Pool, spec: VariantSpec, frontend: FrontendSpec) -> None:
        self._pool, self._spec, self._rate = pool, spec, frontend.sample_rate
        self._logmel = LogMel(frontend)
        self._length = frontend.window_samples
        self._draw = np.array(pool.weights) / sum(pool.weights) if pool.music else None
        self._key = int(hashlib.sha256(pool.name.encode()).hexdigest()[:8], 16)
        self._speech = [] if pool.music else [read_mono(file, self._rate) for file in pool.files]

    def make(self, number: int) -> tuple[npt.NDArray[np.uint8], int, float]:
        """Features, recording and middle (s) of one clip."""
        rng = np.random.default_rng([self._spec.seed, self._key, number])
        augmenter = Augmenter(self._spec.augment, self._rate, rng)
        preroll = round(PREROLL_SECONDS * self._rate)
        total = preroll + self._length
        recording, centre = NO_MUSIC, 0.0
        if self._draw is None:
            samples = augmenter.no_music(self._speech, total)
        else:
            chosen = int(rng.choice(len(self._draw), p=self._draw))
            recording = self._pool.numbers[chosen]
            samples, centre = self._stretch(self._pool.files[chosen], rng, total)
        untouched = rng.random() < self._spec.untouched
        if not untouched:
            samples = augmenter.recording(augmenter.speed(samples, total))
        if rng.random() < self._spec.rooms:
            heard = augmenter.room(samples[-total:], self._length)
        else:
            heard = samples[-self._length :]
            if not untouched and rng.random() < self._spec.augment.noise_probability:
                heard = augmenter.noise(heard, 15, 40)
        window = np.ascontiguousarray(heard, dtype=np.float32)
        return encode(self._logmel.window(window)), recording, centre

    def _stretch(self, file: Path, rng: np.random.Generator, total: int) -> tuple[Float32, float]:
        """A random stretch, long enough to be played faster, and the middle of its clip
        in s. What is before the recording's beginning or after its end wraps round."""
        pcm: npt.NDArray[np.int16] = np.load(file, mmap_mode="r")
        need = int(total * (1 + self._spec.augment.speed)) + 64
        clip = need - (total - self._length)
        start = int(rng.integers(max(1, len(pcm) - clip)))
        at = np.arange(start - (need - clip), start + clip) % len(pcm)
        samples = from_int16(pcm[at])
        middle = start + self._length / 2 if len(pcm) >= clip else len(pcm) / 2
        return samples, middle / self._rate


_maker: _Maker | None = None


def _start(pool: Pool, spec: VariantSpec, frontend: FrontendSpec) -> None:
    global _maker  # one per process: a pool's initialiser has no other way to hand it over
    _maker = _Maker(pool, spec, frontend)


def _make_shard(task: tuple[int, Path]) -> Path:
    assert _maker is not None
    shard, path = task
    made = [_maker.make(number) for number in range(shard * SHARD, (shard + 1) * SHARD)]
    drawn = np.array([(recording, centre) for _, recording, centre in made])
    np.save(path.with_suffix(".from.npy"), drawn)
    with atomic_file(path) as file:
        np.save(file, np.stack([features for features, _, _ in made]))
    return path


def make_clips(
    pool: Pool, spec: VariantSpec, frontend: FrontendSpec, cache: Path, jobs: int
) -> Clips:
    """The clips of a pool, made on `jobs` processes where they are not in the cache."""
    made_of = [asdict(spec), frontend.to_dict(), pool.name, [p.name for p in pool.files]]
    text = json.dumps([*made_of, list(pool.weights), list(pool.numbers)], sort_keys=True)
    folder = cache / f"clips-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{shard:05d}.npy" for shard in range(-(-pool.count // SHARD))]
    todo = [(shard, path) for shard, path in enumerate(paths) if not path.exists()]
    if todo:
        with (
            ProcessPoolExecutor(
                jobs, get_context("spawn"), _start, (pool, spec, frontend)
            ) as pools,
            tqdm(
                total=len(paths) * SHARD,
                initial=(len(paths) - len(todo)) * SHARD,
                desc=f"clips, {pool.name}",
                unit="clip",
                disable=None,
            ) as bar,
        ):
            for _ in pools.map(_make_shard, todo):
                bar.update(SHARD)
    drawn = np.concatenate([np.load(path.with_suffix(".from.npy")) for path in paths])
    return Clips(
        [np.load(path, mmap_mode="r") for path in paths],
        drawn[:, 0].astype(np.int64),
        drawn[:, 1].astype(np.float32),
    )
