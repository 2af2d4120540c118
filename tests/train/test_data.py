"""What training keeps on disk: features of tracks, and decoded tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import AudioError
from genre_edge.judge.tracks import Track
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_train.data.features import extract
from genre_edge_train.data.pcm_cache import PcmCache

from tests.conftest import noise

SPEC = FrontendSpec()


@pytest.fixture
def a_track(write_audio: Callable[..., Path]) -> Track:
    return Track("rock/a", "rock", write_audio("a.wav", noise(7.0)), "train")


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, n_mels=64),
        replace(SPEC, f_max=8000.0),
        replace(SPEC, hop_length=256),
        replace(SPEC, window_seconds=2.0),
        replace(SPEC, sample_rate=16_000, f_max=8000.0),
    ],
    ids=["n_mels", "f_max", "hop_length", "window_seconds", "sample_rate"],
)
def test_another_front_end_never_gets_cached_features(
    a_track: Track, tmp_path: Path, other: FrontendSpec
) -> None:
    extract(a_track, SPEC, tmp_path)
    found = np.load(extract(a_track, other, tmp_path))
    samples = read_mono(a_track.path, other.sample_rate)
    expected = np.stack([window.features for window in LogMel(other).push(samples)])
    np.testing.assert_array_equal(found, expected)


def test_another_recording_under_the_same_name_never_gets_cached_features(
    a_track: Track, tmp_path: Path, write_audio: Callable[..., Path]
) -> None:
    before = np.load(extract(a_track, SPEC, tmp_path))
    write_audio("a.wav", noise(7.0, seed=1))
    assert not np.array_equal(np.load(extract(a_track, SPEC, tmp_path)), before)


def test_features_are_computed_once(a_track: Track, tmp_path: Path) -> None:
    path = extract(a_track, SPEC, tmp_path)
    made = path.stat().st_mtime_ns
    assert extract(a_track, SPEC, tmp_path) == path
    assert path.stat().st_mtime_ns == made


def test_a_track_shorter_than_a_window_is_repeated_to_fill_one(
    tmp_path: Path, write_audio: Callable[..., Path]
) -> None:
    samples = noise(1.0)
    short = Track("a", "rock", write_audio("short.wav", samples, subtype="FLOAT"), "train")
    (found,) = np.load(extract(short, SPEC, tmp_path))
    expected = LogMel(SPEC).window(np.resize(samples, SPEC.window_samples))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_track_too_short_to_say_anything_is_refused(
    tmp_path: Path, write_audio: Callable[..., Path]
) -> None:
    blip = Track("a", "rock", write_audio("blip.wav", noise(0.4)), "train")
    with pytest.raises(AudioError, match="too short"):
        extract(blip, SPEC, tmp_path)
    assert not list(tmp_path.glob("*.npy"))


def test_decoded_tracks_know_their_rate(a_track: Track, tmp_path: Path) -> None:
    lengths = {rate: len(PcmCache(tmp_path, rate).get(a_track)) for rate in (22_050, 16_000)}
    assert lengths == {22_050: 7 * 22_050, 16_000: 7 * 16_000}
