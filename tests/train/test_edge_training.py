"""The edge recipe: augmented clips, the teacher, the student, and the conditions it is
judged under."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from genre_edge.model.bundle import read_bundle
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.model.mel import mel_filterbank
from genre_edge_convert import cli as convert
from genre_edge_train import cli as train
from genre_edge_train.augment.audio import Augmenter, AugmentSpec
from genre_edge_train.augment.mels import Extra, MelAugmenter
from genre_edge_train.commands.evaluate import with_section
from genre_edge_train.distil.batches import Batches, DistilSpec, Material
from genre_edge_train.distil.clips import ClipPlan, ClipSet, decode, encode
from genre_edge_train.distil.teacher import EMBEDDING, SCORES, Teacher
from genre_edge_train.results.conditions import CONDITIONS, image_room
from genre_edge_train.runs.with_teacher import STUDENT_MELS, lower_bands

from tests.conftest import ROOT, noise

TEACHER = ROOT.parent / "shared" / "data" / "teacher" / "yamnet.tflite"
RATE = 22050

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


def augmenter(seed: int) -> Augmenter:
    return Augmenter(AugmentSpec(), RATE, np.random.default_rng(seed))


def test_augmentation_is_a_function_of_its_seed() -> None:
    samples = noise(4.0)
    for change in ("recording", "room"):
        arguments = (samples,) if change == "recording" else (samples, 3 * RATE)
        once, again = (getattr(augmenter(7), change)(*arguments) for _ in range(2))
        np.testing.assert_array_equal(once, again)
        assert not np.array_equal(once, getattr(augmenter(8), change)(*arguments))
        assert np.isfinite(once).all()


def test_speed_keeps_the_whole_band() -> None:
    tone = np.sin(2 * np.pi * 10_000 * np.arange(5 * RATE) / RATE).astype(np.float32)
    for seed in range(5):
        fast = augmenter(seed).speed(tone, 3 * RATE)
        assert len(fast) == 3 * RATE
        assert fast[RATE : 2 * RATE].std() > 0.6, "10 kHz is still there"


def test_speed_changes_the_pitch_both_ways() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(5 * RATE) / RATE).astype(np.float32)
    pitches = []
    for seed in range(12):
        spectrum = np.abs(np.fft.rfft(augmenter(seed).speed(tone, 3 * RATE) * np.hanning(3 * RATE)))
        pitches.append(spectrum.argmax() / 3)
    assert 1030 < max(pitches) < 1100
    assert 900 < min(pitches) < 970


def test_noise_stands_at_its_ratio() -> None:
    samples = noise(3.0)
    added = augmenter(1).noise(samples, 20, 20) - samples
    assert 20 * np.log10(samples.std() / added.std()) == pytest.approx(20, abs=0.2)


def test_features_survive_storage_in_a_byte() -> None:
    features = np.random.default_rng(0).standard_normal((126, 128)).astype(np.float32)
    np.testing.assert_allclose(decode(encode(features)), features.clip(-5, 5), atol=0.02)


def test_the_students_bands_are_the_lowest_of_the_whole_front_end() -> None:
    whole = FrontendSpec()
    lower = lower_bands(whole, STUDENT_MELS)
    np.testing.assert_array_equal(mel_filterbank(lower), mel_filterbank(whole)[:, :STUDENT_MELS])


@pytest.mark.parametrize("decay", [0.3, 0.7])
def test_a_room_by_images_decays_as_it_should(decay: float) -> None:
    response = image_room(RATE, (6.0, 4.5, 2.7), decay, np.random.default_rng(3))
    assert response[0] == response.max() == 1
    left = np.cumsum(response[::-1] ** 2)[::-1]  # Schroeder's backward integration
    level = 10 * np.log10(left / left[0])
    at = [int(np.argmax(level < drop)) / RATE for drop in (-5, -25)]
    measured = 3 * (at[1] - at[0])
    assert decay / 2 < measured < decay * 2, "Sabine's formula is rough, the order is right"


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_are_fixed_by_their_seed(name: str) -> None:
    samples = noise(4.0)
    once, again = (CONDITIONS[name](samples, RATE, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == samples.shape
    assert np.isfinite(once).all()


def test_a_section_of_the_card_is_put_in_once() -> None:
    card = "# A\n\ntext\n\n## Made from\n\n- b\n"
    once = with_section(card, "## In a room", "old")
    again = with_section(once, "## In a room", "new")
    assert again == "# A\n\ntext\n\n## In a room\n\nnew\n\n## Made from\n\n- b\n"


def test_log_mels_without_audio_teach_their_label_alone(tmp_path) -> None:
    rng, frontend = np.random.default_rng(0), FrontendSpec()
    ClipSet.create(tmp_path / "clips", ClipPlan(frontend, 60), labels=2)
    extra = Extra(
        rng.standard_normal((20, 126, 128)).astype(np.float32),
        np.full(20, 13, np.float32),
        np.arange(20) % 2,
    )
    log_mels = MelAugmenter(extra, 2, frontend, AugmentSpec(), 0.5)
    material = Material([ClipSet(tmp_path / "clips")], log_mels, STUDENT_MELS, None)
    x, targets, weights = next(
        Batches(material, DistilSpec(batch=30, extra=7, smoothing=0)).epoch(0)
    )
    assert x.shape == (37, 126, STUDENT_MELS, 1)
    assert list(weights["genre"]) == [1.0] * 37
    assert list(weights["embedding"]) == list(weights["scores"]) == [1.0] * 30 + [0.0] * 7
    np.testing.assert_allclose(targets["genre"][30:].sum(axis=1), 1, rtol=1e-5)


@pytest.mark.skipif(not TEACHER.is_file(), reason="needs the teacher in ../shared/data/teacher")
@pytest.mark.slow
def test_the_whole_recipe_on_a_handful_of_tracks(tmp_path) -> None:
    seconds = np.arange(4 * RATE) / RATE
    for genre, pitch in (("low", 150), ("high", 2000)):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for k in range(62):
            tone = 0.3 * np.sin(2 * np.pi * pitch * (1 + 0.01 * k) * seconds) + 0.05 * noise(
                4.0, seed=k
            )
            soundfile.write(tmp_path / "music" / genre / f"{k:02d}.flac", tone, RATE)
    options = (
        f"--data {tmp_path / 'music'} --arch edge --teacher {TEACHER} --clip-set 1:250:0.2 "
        "--epochs 4 --batch 25 "
        f"--soft 0.5 --cache {tmp_path / 'cache'} --output {tmp_path / 'run'}"
    )
    assert train.main(options.split()) == 0
    history = [
        json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    ]
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"]
    model = str(tmp_path / "run" / "model.keras")
    arguments = [model, "--calibrate", str(tmp_path / "music"), "-o", str(tmp_path / "tiny")]
    assert convert.main([*arguments, "--min-agreement", "80"]) == 0
    info = read_bundle(tmp_path / "tiny.int8.tflite").info
    assert info.frontend.n_mels == STUDENT_MELS
    assert (tmp_path / "tiny.int8.tflite").stat().st_size < 300_000
    assert info.metrics["not_music"]["noise"]["windows"] == 60, "three minutes"
    # Finished runs are not done again: the clips are there, and so are the epochs.
    assert train.main(options.split()) == 0
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 4
    # One seed, one model.
    assert train.main([*options.split(), "--output", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "metrics.json").read_bytes() == (
        tmp_path / "run" / "metrics.json"
    ).read_bytes()


@pytest.mark.skipif(not TEACHER.is_file(), reason="needs the teacher in ../shared/data/teacher")
def test_the_teacher_says_the_same_at_any_level_and_of_any_length() -> None:
    teacher = Teacher(TEACHER)
    chord = sum(np.sin(2 * np.pi * f * np.arange(3 * RATE) / RATE) for f in (220, 277, 330))
    clip = (0.2 * chord + noise(3.0, seed=3) / 10).astype(np.float32)
    embedding, scores = teacher.listen(clip, RATE)
    assert embedding.shape == (EMBEDDING,) and scores.shape == (SCORES,)
    assert np.isfinite(embedding).all() and scores.min() >= 0 and scores.max() <= 1
    assert teacher.listen(clip[: RATE // 2], RATE)[0].shape == embedding.shape
    softly, other = (teacher.listen(sound, RATE)[0] for sound in (clip / 100, noise(3.0, seed=4)))
    assert np.abs(other - embedding).mean() > 20 * np.abs(softly - embedding).mean(), (
        "but not of another sound"
    )
