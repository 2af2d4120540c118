"""The windows of a conversion: to calibrate on and to verify with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genre_edge.errors import UsageError
from genre_edge.model.frontend import LogMel
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge_convert.read import samples
from genre_edge_convert.read.samples import load_samples

from tests.conftest import noise

SPEC = FrontendSpec()
LABELS = ["jazz", "pop", "rock"]


@pytest.fixture
def music(tmp_path: Path, write_audio: Callable[..., Path], monkeypatch) -> Path:
    """Training tracks: five rock, two jazz, of 7 s; valid ones: rock and jazz, of 7 s,
    and pop of 1 s."""
    rows = ["track,genre,file,split"]
    for number, (genre, split, seconds) in enumerate(
        [("rock", "train", 7)] * 5
        + [("jazz", "train", 7)] * 2
        + [("rock", "valid", 7), ("jazz", "valid", 7), ("pop", "valid", 1)]
    ):
        write_audio(f"{number}.wav", noise(seconds, seed=number), subtype="FLOAT")
        rows.append(f"{number},{genre},{number}.wav,{split}")
    (tmp_path / "tracks.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setattr(samples, "LEAST_CALIBRATION", 1)
    return tmp_path


def window(number: int, start: int, seconds: float = 7) -> np.ndarray:
    """The features of `window_samples` samples of a track."""
    audio = noise(seconds, seed=number)
    audio = np.resize(audio, max(len(audio), SPEC.window_samples))
    return LogMel(SPEC).window(audio[start : start + SPEC.window_samples])


def test_calibration_takes_windows_spread_over_each_training_track(music: Path) -> None:
    found = load_samples(music, SPEC, LABELS).calibration
    starts = [5512, 82_688]  # s: a quarter, then three quarters after the first window
    expected = np.stack([window(number, at) for number in range(7) for at in starts])
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_twelve_clips_a_genre_are_enough(tmp_path: Path, write_audio, capsys) -> None:
    rows = ["track,genre,file,split"]
    for number in range(24):
        write_audio(f"{number}.wav", noise(15, seed=number), subtype="FLOAT")
        split = "valid" if number % 4 == 0 else "train"
        rows.append(f"{number},{LABELS[number // 12]},{number}.wav,{split}")
    (tmp_path / "tracks.csv").write_text("\n".join(rows) + "\n")
    found = load_samples(tmp_path, SPEC, LABELS)
    assert len(found.calibration) == 18 * 5 >= samples.LEAST_CALIBRATION
    assert "calibration windows" not in capsys.readouterr().err
    samples.warn_of_few(found)  # where int8 is asked for
    assert "only 90 calibration windows" in capsys.readouterr().err


def test_genres_that_are_none_of_the_labels_are_no_labels(music: Path, capsys) -> None:
    found = load_samples(music, SPEC, ["Speech", "Music"])
    assert (found.label, found.valid, len(found.held_out)) == (None, (), 5)
    assert "none of the model's labels" in capsys.readouterr().err


def test_recordings_of_other_genres_are_no_mistake_where_labels_are_mapped(
    music: Path, capsys
) -> None:
    """YAMNet has 521 outputs, of which a user shows two."""
    found = load_samples(music, SPEC, ["rock", "jazz"], mapped=True)
    assert (found.label, found.valid, len(found.held_out)) == (None, (), 5)
    assert "are not all among the labels of --map" in capsys.readouterr().err
    assert load_samples(music, SPEC, LABELS, mapped=True).label is not None


def test_genres_say_nothing_of_labels_that_hold_together(music: Path, capsys) -> None:
    assert load_samples(music, SPEC, LABELS, unlabelled=True).label is None
    assert "are one a track, and the model's labels several" in capsys.readouterr().err


def test_calibration_takes_the_middle_of_a_track_where_there_are_enough(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_OF_A_TRACK", 1)
    found = load_samples(music, SPEC, LABELS).calibration
    middle = (7 * SPEC.sample_rate - SPEC.window_samples) // 2
    expected = np.stack([window(number, middle) for number in range(7)])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_genre_has_more_than_its_share_of_the_calibration(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_CALIBRATION", 6)
    assert len(load_samples(music, SPEC, LABELS).calibration) == 3 + 3


def test_all_windows_of_the_valid_tracks_are_held_out(music: Path) -> None:
    found = load_samples(music, SPEC, LABELS)
    assert [LABELS[i] for i in found.label] == ["rock", "rock", "jazz", "jazz", "pop"]
    expected = [window(7, 0), window(8, 0), window(9, 0, 1)]
    np.testing.assert_allclose(found.held_out[[0, 2, 4]], expected, atol=1e-4)
    assert [track.name for track in found.valid] == ["7", "8", "9"]


def test_a_label_that_the_model_does_not_know_is_named(music: Path) -> None:
    with pytest.raises(UsageError, match="no label pop"):
        load_samples(music, SPEC, ["jazz", "rock"])


def test_tracks_that_cannot_be_read_are_named_and_left_out(
    music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (0, 8):
        (music / f"{number}.wav").write_text("no audio")
    found = load_samples(music, SPEC, LABELS)
    assert (len(found.calibration), len(found.held_out)) == (6 * 2, 3)
    assert [track.name for track in found.valid] == ["7", "9"]
    skipped = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert [line.partition(": ")[2].split("/")[-1].split(":")[0] for line in skipped] == [
        "8.wav",
        "0.wav",
    ]


@pytest.mark.parametrize(
    "label", [[0, 3], [-1, 0], [0], [[0, 1]], ["jazz", "pop"], [0.0, 1.0]], ids=str
)
def test_labels_of_windows_are_numbers_of_labels(tmp_path: Path, label: list[object]) -> None:
    held_out = np.zeros((2, *SPEC.shape), np.float32)
    file = tmp_path / "w.npz"
    np.savez(file, calibration=held_out, held_out=held_out, held_out_label=np.array(label))
    with pytest.raises(UsageError, match="must hold a number from 0 to 2 for each of the 2"):
        load_samples(file, SPEC, LABELS)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 cut short"])
def test_a_file_of_windows_that_is_none_says_how_to_write_one(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(UsageError, match=r"w\.npz: no \.npz file of numbers: write it with"):
        load_samples(tmp_path / "w.npz", SPEC, LABELS)
