"""genre-edge teach, from a newcomer's first file to a bundle that is used by name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genre_edge.cli import main
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.teach.negatives import NONE

RATE = 22050
Teach = Callable[..., tuple[int, str, str]]


def tone(kind: str, number: int, seconds: float = 7.0) -> np.ndarray:
    """A sound of its kind; each number is another one."""
    rng = np.random.default_rng(number)
    t = np.arange(round(seconds * RATE)) / RATE
    if kind == "hiss":
        sound = rng.standard_normal(len(t)) * (1 + np.sin(2 * np.pi * (0.2 + 0.1 * number) * t))
    elif kind == "chords":
        root = 110 * 2 ** (number / 12)
        sound = sum(np.sin(2 * np.pi * root * ratio * t) / ratio for ratio in (1, 1.25, 1.5, 2, 3))
    else:
        beat = np.exp(-((t * (1.8 + 0.2 * number)) % 1) * 20)
        sound = beat * (np.sin(2 * np.pi * 70 * t) + 0.5 * rng.standard_normal(len(t)))
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture
def teach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Teach:
    """Run genre-edge with a home of its own; exit status, output, errors."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(one) for one in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def sounds(write_audio) -> Callable[..., list[Path]]:
    """Files of a kind of sound."""

    def write(kind: str, count: int = 4) -> list[Path]:
        return [write_audio(f"{kind}-{n}.wav", tone(kind, n)) for n in range(count)]

    return write


@pytest.fixture
def taught(teach: Teach, sounds) -> Teach:
    """Three labels were taught."""
    for kind in ("hiss", "chords", "drums"):
        status, out, _ = teach("teach", "add", kind, *sounds(kind))
        assert status == 0
        assert f"{kind}: 4 files learnt" in out
    return teach


def test_three_labels_of_files_become_a_model_that_is_used_by_name(taught: Teach, sounds) -> None:
    status, out, err = taught("teach", "fit")
    assert (status, err) == (0, "")
    assert "songs right" in out and "of 12" in out
    bundle = read_bundle(find_model("mine"))
    assert bundle.info.labels == ("hiss", "chords", "drums", NONE)
    assert bundle.info.trained_on["taught"]["labels"]["drums"] == {"songs": 4, "windows": 40}
    unmet = sounds("drums", 6)[-1]
    status, out, _ = taught("classify", unmet, "--model", "mine", "--format", "json")
    verdict = json.loads(out.splitlines()[-1])
    assert set(verdict["scores"]) == {"hiss", "chords", "drums", NONE}
    status, out, _ = taught("info", "mine")
    assert "can be taught yes" in out


@pytest.fixture(scope="session")
def recordings(gtzan: Path) -> dict[str, list[Path]]:
    """Music that the shipped models have not met, by genre."""
    found: dict[str, list[Path]] = {}
    with (gtzan / "tracks.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == "valid":
                found.setdefault(row["genre"], []).append(gtzan / row["file"])
    return found


def verdicts(said: str) -> list[dict]:
    return [json.loads(line) for line in said.splitlines()]


OPTIONS = ("--verdicts-only", "--format", "json", "--model")


def test_labels_of_real_music_are_named_and_other_music_is_none_of_them(
    teach: Teach, recordings: dict[str, list[Path]]
) -> None:
    pairs = {"quiet": "classical", "loud": "metal", "words": "hiphop"}
    for label, genre in pairs.items():
        teach("teach", "add", label, *recordings[genre][:3])
    teach("teach", "fit")
    own = [(label, path) for label, genre in pairs.items() for path in recordings[genre][3:]]
    other = [path for genre in ("reggae", "blues", "pop") for path in recordings[genre]]
    _, out, _ = teach("classify", *(path for _, path in own), *OPTIONS, "mine")
    scores = [one["scores"] for one in verdicts(out)]
    among = [max(pairs, key=lambda label, found=found: found[label]) for found in scores]
    right = [label == named for (label, _), named in zip(own, among, strict=True)]
    assert sum(right) >= 0.8 * len(right)
    _, out, _ = teach("classify", *other, *OPTIONS, "mine")
    assert [one["genre"] for one in verdicts(out)].count(NONE) >= 0.7 * len(other)


def test_beside_the_genres_music_keeps_its_genre(
    teach: Teach, recordings: dict[str, list[Path]]
) -> None:
    teach("teach", "add", "ours", *recordings["classical"][:4])
    assert teach("teach", "fit", "--name", "both", "--beside")[0] == 0
    other = [path for genre in ("metal", "hiphop", "disco", "reggae") for path in recordings[genre]]
    before, after = (
        verdicts(teach("classify", *other, recordings["classical"][-1], *OPTIONS, model)[1])
        for model in ("gtzan-edge.int8", "both")
    )
    same = sum(a["genre"] == b["genre"] for a, b in zip(before[:-1], after[:-1], strict=True))
    assert same >= 0.8 * len(other)
    assert after[-1]["genre"] == "ours"
    assert set(after[0]["scores"]) == {"ours", *before[0]["scores"]}


def test_a_label_of_the_model_cannot_stand_beside_itself(teach: Teach, sounds) -> None:
    teach("teach", "add", "rock", *sounds("drums"))
    status, _, err = teach("teach", "fit", "--beside")
    assert (status, err.count("\n")) == (2, 1)
    assert "rock: the model has this label already" in err


def test_what_was_taught_is_listed_removed_and_forgotten(taught: Teach) -> None:
    _, out, _ = taught("teach", "list")
    assert "hiss: 4 songs, 40 windows" in out
    assert "hiss-0.wav, 10 windows" in out
    status, out, _ = taught("teach", "remove", "1", "chords-1.wav")
    assert (status, out) == (0, "hiss: forgot hiss-0.wav\nchords: forgot chords-1.wav\n")
    assert taught("teach", "forget", "drums")[1] == "forgot 4 examples\n"
    _, out, _ = taught("teach", "list", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert [one["label"] for one in found] == ["hiss"] * 3 + ["chords"] * 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["fit"], "has been taught no label yet"),
        (["fit", "--calibrate-only"], "0 examples of its labels; 10 are needed"),
        (["add", "choir"], "give audio files or folders, or --listen SECONDS"),
        (["add", "choir", "--listen", "0"], "--listen 0: must be between 3 and 600 s"),
        (["add", "uncertain", "x.wav"], "has a meaning of its own"),
        (["add", " ", "x.wav"], "must have 1 to 40 characters"),
        (["remove", "7"], "7: no such example"),
        (["forget", "choir"], "choir: no such label"),
        (["forget"], "give a label, or --all"),
        (["fit", "--name", "gtzan-edge"], "--name gtzan-edge: is a shipped model"),
        (["fit", "--name", "../mine"], "--name ../mine: use letters, digits, - and _"),
        (["list", "--model", "nothing"], "nothing: no such model"),
    ],
)
def test_a_mistake_is_one_line(teach: Teach, arguments: list[str], reason: str) -> None:
    status, out, err = teach("teach", *arguments)
    assert status in (1, 2)
    assert (out, err.count("\n")) == ("", 1)
    assert reason in err


def test_what_cannot_be_learnt_from_is_refused_with_the_reason(
    teach: Teach, write_audio, tmp_path: Path
) -> None:
    files = (
        write_audio("short.wav", tone("hiss", 0, 2.0)),
        write_audio("silent.wav", np.zeros(5 * RATE, np.float32)),
        tmp_path / "missing.wav",
        write_audio("good.wav", tone("drums", 1)),
    )
    (tmp_path / "broken.mp3").write_bytes(b"no audio at all")
    status, out, err = teach("teach", "add", "drums", *files, tmp_path / "broken.mp3")
    assert status == 1
    assert "short.wav: is too short to learn from: 2 s, need 3 s" in err
    assert "silent.wav: is silent: there is nothing to learn from" in err
    assert "missing.wav" in err and "broken.mp3" in err
    assert err.count("\n") == 4
    assert "drums: 1 file learnt" in out


def test_odd_examples_are_learnt_with_a_warning(teach: Teach, write_audio) -> None:
    loud = np.clip(8 * tone("chords", 0), -1, 1)
    _, _, err = teach("teach", "add", "chords", write_audio("loud.wav", loud))
    assert "loud.wav: warning: 5 of 5 windows are clipped (too loud)" in err


def test_noise_is_learnt_with_a_warning(teach: Teach, sounds) -> None:
    _, out, err = teach("teach", "add", "hiss", *sounds("hiss", 1))
    assert "hiss: 1 file learnt" in out
    assert "hiss-0.wav: warning: sounds like noise, not like music" in err


def test_one_recording_under_two_labels_is_said(teach: Teach, sounds, write_audio) -> None:
    (file,) = sounds("chords", 1)
    teach("teach", "add", "chords", file)
    quiet = write_audio("quiet.flac", 0.5 * tone("chords", 0))
    _, _, err = teach("teach", "add", "organ", quiet)
    assert (
        "warning: chords-0.wav (chords) and quiet.flac (organ) are the same recording under two "
        "labels: genre-edge teach remove 1, or 2" in err
    )


def test_a_fit_that_is_worse_keeps_the_old_one(taught: Teach, sounds) -> None:
    taught("teach", "fit")
    before = Path(find_model("mine")).read_bytes()
    for wrong, kind in (("hiss", "chords"), ("drums", "hiss"), ("chords", "drums")):
        taught("teach", "add", wrong, *sounds(kind))
    status, _, err = taught("teach", "fit")
    assert status == 1
    assert "the present one is kept" in err
    assert Path(find_model("mine")).read_bytes() == before
    assert taught("teach", "fit", "--anyway")[0] == 0
    assert Path(find_model("mine")).read_bytes() != before


def test_what_was_taught_goes_on_from_the_taught_model(taught: Teach, sounds) -> None:
    taught("teach", "fit")
    taught("teach", "add", "more", *sounds("hiss", 1), "--model", "mine")
    _, out, _ = taught("teach", "list", "--model", "mine")
    assert "drums: 4 songs" in out and "more: 1 song, 10 windows" in out
