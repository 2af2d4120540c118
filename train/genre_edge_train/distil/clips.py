"""A training set of augmented clips with the teacher's opinion of each. It is made once
and kept on disk.

A clip set is a folder of memory-mapped arrays: features as uint8 (`clean` and `room`),
label distributions (`target`), the number of the track of each clip (`track`; -1: no
music), and the teacher's opinion (`embedding` and `scores`). All cores fill it, shard
by shard. Finished shards are marked, so that an interrupted run continues where it
stopped.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.pcm import from_int16
from genre_edge.judge.tracks import Track, labels_of
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from tqdm import tqdm

from ..augment.audio import Augmenter, AugmentSpec
from ..augment.speech import make_speech
from ..data.pcm_cache import content_hash
from .teacher import EMBEDDING, SCORES, Teacher

SHARD = 250
"""Clips a worker makes before it reports."""
SPOKEN = 300
"""Utterances to draw speech from."""
ROOM_VERSIONS = 2
"""Rooms each clip is played in."""
_RANGE = 5.0
"""Features are clipped at this many standard deviations when they are stored."""
_PREROLL_SECONDS = 1.0
"""Audio before the clip that is played into the room too, so that its tail is there
when the clip begins."""


@dataclass(frozen=True)
class ClipPlan:
    """Everything that determines a clip set."""

    frontend: FrontendSpec
    """What the student sees."""
    count: int
    """Number of clips."""
    seed: int = 0
    """Seed of all random choices."""
    augment: AugmentSpec = field(default_factory=AugmentSpec)
    """How clips are changed."""


def encode(features: Float32) -> npt.NDArray[np.uint8]:
    """Normalised features as uint8, in steps of 2 * 5 / 255 standard deviations."""
    return np.clip(np.round((features + _RANGE) * (255 / (2 * _RANGE))), 0, 255).astype(np.uint8)


def decode(stored: npt.NDArray[np.uint8]) -> Float32:
    """Inverse of `encode`, float32."""
    return stored.astype(np.float32) * np.float32(2 * _RANGE / 255) - np.float32(_RANGE)


def standardise(x: Float32) -> Float32:
    """Bring windows back to zero mean and unit variance after bands were cut off or
    changed.

    Parameters
    ----------
    x
        float32 [n, frames, mels].
    """
    x = x - x.mean((1, 2), keepdims=True)
    deviation: Float32 = x.std((1, 2), keepdims=True)
    return x / (deviation + 1e-3)


def clips_folder(plan: ClipPlan, tracks: Sequence[Track], teacher: Path, cache: Path) -> Path:
    """The folder of the clip set that this plan, these training tracks and this teacher
    give; its name is a hash of all of them."""
    made_of = [(track.name, track.genre, content_hash(track.path)) for track in tracks]
    text = json.dumps([asdict(plan), made_of, content_hash(teacher)], sort_keys=True)
    return cache / f"clips-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class ClipSet:
    """The arrays of one clip set, memory-mapped."""

    def __init__(self, folder: Path, mode: Literal["r", "r+"] = "r") -> None:
        self.folder = folder
        for name in ("clean", "room", "target", "track", "embedding", "scores"):
            setattr(self, name, np.load(folder / f"{name}.npy", mmap_mode=mode))

    clean: npt.NDArray[np.uint8]
    room: npt.NDArray[np.uint8]
    target: Float32
    track: npt.NDArray[np.int32]
    embedding: npt.NDArray[np.float16]
    scores: npt.NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.target)

    @staticmethod
    def create(folder: Path, plan: ClipPlan, labels: int) -> None:
        """Make the arrays, empty, unless they are there already."""
        folder.mkdir(parents=True, exist_ok=True)
        n, shape = plan.count, plan.frontend.shape
        for name, dims, dtype in (
            ("clean", (n, *shape), np.uint8),
            ("room", (n, ROOM_VERSIONS, *shape), np.uint8),
            ("target", (n, labels), np.float32),
            ("track", (n,), np.int32),
            ("embedding", (n, EMBEDDING), np.float16),
            ("scores", (n, SCORES), np.float16),
        ):
            if not (folder / f"{name}.npy").exists():
                np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype=dtype, shape=dims)
        (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1))


def _samples(file: Path) -> npt.NDArray[np.int16]:
    samples: npt.NDArray[np.int16] = np.load(file, mmap_mode="r")
    return samples


class ClipMaker:
    """Makes clips of tracks. Each genre is drawn equally often.

    Parameters
    ----------
    plan
        What determines the clips.
    tracks
        The tracks with the files of their samples, as `readable` gives them.
    teacher
        Gives its opinion of each clip.
    speech
        WAV files of speech.
    """

    def __init__(
        self, plan: ClipPlan, tracks: Mapping[Track, Path], teacher: Teacher, speech: Sequence[Path]
    ) -> None:
        self._plan = plan
        self._speech = [read_mono(path, plan.frontend.sample_rate) for path in speech]
        self._labels = labels_of(list(tracks))
        self._pcm = list(
            tracks.values()
        )  # opened when drawn: a process may have only so many mappings
        self._genre = np.array([self._labels.index(track.genre) for track in tracks])
        self._teacher = teacher
        self._logmel = LogMel(plan.frontend)
        self._length = plan.frontend.window_samples
        self._rate = plan.frontend.sample_rate
        # A track is drawn in proportion to the square root of its length: a longer one
        # varies more, but not in proportion.
        weights = np.sqrt([min(len(_samples(file)), 30 * self._rate) for file in self._pcm])
        self._draw = [
            np.where(self._genre == g, weights, 0.0) / weights[self._genre == g].sum()
            for g in range(len(self._labels))
        ]

    def _crop(self, rng: np.random.Generator, augmenter: Augmenter) -> tuple[Float32, int]:
        """A random part of a random track (preroll and clip, at a random speed), and
        the track's number."""
        genre = int(rng.integers(len(self._labels)))
        track = int(rng.choice(len(self._pcm), p=self._draw[genre]))
        pcm = _samples(self._pcm[track])
        total = self._length + round(_PREROLL_SECONDS * self._rate)
        need = int(total * (1 + self._plan.augment.speed)) + 64
        if len(pcm) > need:
            at = int(rng.integers(len(pcm) - need))
            stretch = pcm[at : at + need]
        else:
            stretch = np.resize(np.roll(pcm, int(rng.integers(len(pcm)))), need)
        samples = from_int16(stretch)
        return augmenter.speed(samples, total), track

    def make(self, index: int, clips: ClipSet) -> None:
        """Make clip `index` of a set. It depends on nothing but the plan's seed and the
        index."""
        spec = self._plan.augment
        rng = np.random.default_rng([self._plan.seed, index])
        augmenter = Augmenter(spec, self._rate, rng)
        if rng.random() < spec.other_probability:
            length = self._length + round(_PREROLL_SECONDS * self._rate)
            samples = augmenter.recording(augmenter.no_music(self._speech, length))
            target = np.full(len(self._labels), 1 / len(self._labels), dtype=np.float32)
            clips.track[index] = -1
        else:
            samples, target, clips.track[index] = self._music(rng, augmenter)
        self._store(index, clips, rng, augmenter, samples, target)

    def _music(
        self, rng: np.random.Generator, augmenter: Augmenter
    ) -> tuple[Float32, Float32, int]:
        """Preroll and clip of one track, or of two that are mixed; the share of each
        genre in it; the number of the (louder) track."""
        spec = self._plan.augment
        samples, track = self._crop(rng, augmenter)
        target = np.zeros(len(self._labels), dtype=np.float32)
        target[self._genre[track]] = 1.0
        samples = augmenter.recording(samples)
        if rng.random() < spec.mix_probability:
            other, other_track = self._crop(rng, augmenter)
            share = rng.uniform(0.5, 0.95)
            unit = [s / (np.std(s) + 1e-6) for s in (samples, other)]
            samples = (np.sqrt(share) * unit[0] + np.sqrt(1 - share) * unit[1]).astype(np.float32)
            target *= share
            target[self._genre[other_track]] += 1 - share
        return samples, target, track

    def _store(
        self,
        index: int,
        clips: ClipSet,
        rng: np.random.Generator,
        augmenter: Augmenter,
        samples: Float32,
        target: Float32,
    ) -> None:
        """Store features (clean and in rooms), label and the teacher's opinion of one
        clip."""
        spec = self._plan.augment
        clean = samples[-self._length :]
        embedding, scores = self._teacher.listen(clean, self._rate)
        if rng.random() < spec.noise_probability:
            clean = augmenter.noise(clean, 15, 40)
        clips.clean[index] = encode(self._logmel.window(np.ascontiguousarray(clean)))
        for version in range(ROOM_VERSIONS):
            room = augmenter.room(samples, self._length)
            clips.room[index, version] = encode(self._logmel.window(room))
        clips.target[index] = target
        clips.embedding[index] = embedding
        clips.scores[index] = np.log(scores + 1e-5)


_worker: tuple[ClipMaker, ClipSet] | None = None


def _start_worker(
    plan: ClipPlan, tracks: Mapping[Track, Path], teacher: Path, speech: list[Path], folder: Path
) -> None:
    global _worker  # one per worker process: a pool's initialiser has no other way to hand it over
    _worker = ClipMaker(plan, tracks, Teacher(teacher), speech), ClipSet(folder, "r+")


def _make_shard(shard: int) -> int:
    assert _worker is not None
    maker, clips = _worker
    for index in range(shard * SHARD, min((shard + 1) * SHARD, len(clips))):
        maker.make(index, clips)
    return shard


def make_clips(
    plan: ClipPlan,
    tracks: Mapping[Track, Path],
    folder: Path,
    cache: Path,
    teacher: Path,
    jobs: int,
) -> ClipSet:
    """Make a clip set, or what is missing of it.

    Parameters
    ----------
    plan
        What determines the clips.
    tracks
        The training tracks with the files of their samples, as `readable` gives them.
    folder
        The folder of the set (see `clips_folder`).
    cache
        The folder below which speech is kept.
    teacher
        YAMNet as TFLite.
    jobs
        Number of processes.
    """
    speech = (
        make_speech(cache / "speech", SPOKEN, plan.seed) if plan.augment.other_probability else []
    )
    ClipSet.create(folder, plan, len(labels_of(list(tracks))))
    log = folder / "shards.txt"
    done = {int(line) for line in log.read_text().split()} if log.exists() else set()
    todo = [s for s in range(-(-plan.count // SHARD)) if s not in done]
    if not todo:
        return ClipSet(folder)
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(jobs, _start_worker, (plan, tracks, teacher, speech, folder)) as pool,
        log.open("a") as finished,
        tqdm(
            total=plan.count, initial=plan.count - len(todo) * SHARD, unit="clip", disable=None
        ) as bar,
    ):
        for shard in pool.imap_unordered(_make_shard, todo):
            finished.write(f"{shard}\n")
            finished.flush()
            bar.update(SHARD)
    return ClipSet(folder)
