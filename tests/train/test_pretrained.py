"""From pretrained weights: the start, teachers, soft labels, clips, the fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.errors import ModelError, UsageError
from genre_edge.judge.tracks import load_tracks
from genre_edge.model.bundle import read_bundle
from genre_edge.model.frontend import LogMel
from genre_edge_convert import cli as convert
from genre_edge_train import cli as train
from genre_edge_train.augment.audio import AugmentSpec
from genre_edge_train.data.recordings import (
    FOLDS,
    Recording,
    in_folds,
    labels_of,
    load_recordings,
    load_unlabelled,
)
from genre_edge_train.pretrained.batches import Batches, FitSpec, Targets, changed
from genre_edge_train.pretrained.soft_labels import Windows, heads_of, principal, soft_labels
from genre_edge_train.pretrained.teachers import Teacher, load_teacher, window_starts
from genre_edge_train.pretrained.variants import (
    NO_MUSIC,
    Clips,
    Pool,
    VariantSpec,
    encode,
    make_clips,
)
from genre_edge_train.pretrained.yamnet import CHANNELS, FRONTEND, own_embedding, read_start
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, noise

TEACHERS = ROOT.parent / "shared" / "data" / "teacher"
YAMNET = TEACHERS / "yamnet.tflite"
TOMLS = ROOT / "train" / "teachers"
RATE = 16_000

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own
needs_teachers = pytest.mark.skipif(
    not YAMNET.is_file(), reason="needs the networks in ../shared/data/teacher"
)


def recording(name: str, label: str, data: str = "home", fold: int = 0, **more) -> Recording:
    values = {"path": ROOT / name, "side": "train", "source": "", "group": name, **more}
    return Recording(name=name, label=label, data=data, fold=fold, **values)


# The start


@needs_teachers
def test_the_network_rebuilt_from_the_file_answers_as_the_file_does() -> None:
    from genre_edge_train.pretrained.network import correlation

    start = read_start(YAMNET)
    assert [c.bias.shape[0] for c in start.convolutions[::2]] == list(CHANNELS)
    assert correlation(YAMNET, start) > 0.999


@needs_teachers
def test_weights_that_were_read_wrongly_are_noticed() -> None:
    from genre_edge_train.pretrained.network import correlation

    start = read_start(YAMNET)
    wrong = list(start.convolutions)
    wrong[9] = dataclasses.replace(wrong[9], kernel=wrong[9].kernel[::-1, ::-1])
    assert correlation(YAMNET, dataclasses.replace(start, convolutions=tuple(wrong))) < 0.999


@needs_teachers
def test_a_file_that_is_not_yamnet_is_refused() -> None:
    with pytest.raises(ModelError, match=r"musicnn\.tflite: not YAMNet"):
        read_start(TEACHERS / "musicnn.tflite")


@needs_teachers
def test_our_front_end_is_the_files_own() -> None:
    samples = noise(15_600 / RATE, RATE)
    expected, _ = own_embedding(YAMNET, samples)
    spec = dataclasses.replace(FRONTEND, window_level=0.0, window_seconds=15_600 / RATE)
    ours = LogMel(spec).window(samples)
    assert ours.shape == expected.shape
    # The file's tables are int8: its log-mel is rough where little is heard.
    assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("cut", [7, 12])
def test_a_start_reaches_every_layer_of_a_cut_network(cut: int) -> None:
    from genre_edge_train.pretrained.network import classifier_of, put_start, student
    from genre_edge_train.pretrained.yamnet import Convolution, Start

    model = student(FRONTEND.shape, cut, 3, 8)
    layers = [layer for layer in model.layers if layer.name.startswith("layer")]
    weights = [
        [np.full(w.shape, i + 1.0) for w in layer.get_weights()] for i, layer in enumerate(layers)
    ]
    start = Start("start", (*(Convolution(*w) for w in weights), Convolution(*weights[0])))
    put_start(model, start)
    assert [layer.get_weights()[0].flat[0] for layer in layers] == [
        i + 1.0 for i in range(2 * cut - 1)
    ]
    assert classifier_of(model).output_shape == (None, 3)


def test_a_cut_outside_the_network_is_refused() -> None:
    from genre_edge_train.pretrained.network import trunk

    with pytest.raises(UsageError, match="--cut 15"):
        trunk(FRONTEND.shape, 15)


# What is learnt from


def test_a_csv_gives_labels_sides_sources_and_groups(tmp_path) -> None:
    table = tmp_path / "more.csv"
    table.write_text(
        "file,track,genre,use,source,group\n"
        "a.wav,1,jazz,train,7,x\nb.wav,1,jazz,train,7,x\nc.wav,2,,train,8,y\nd.wav,3,rock,valid,8,x\n"
    )
    found = load_recordings(table)
    assert [(r.name, r.label, r.side, r.source) for r in found] == [
        ("1", "jazz", "train", "7"),
        ("1", "jazz", "train", "7"),
        ("2", "", "train", "8"),
        ("3", "rock", "valid", "8"),
    ]
    assert found[0].fold == found[3].fold, "one group is on one side"
    assert labels_of(found) == ["jazz", "rock"]
    assert {r.label for r in load_unlabelled(table)} == {""}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), min_size=12, max_size=60),
    st.integers(2, 4),
)
def test_folds_divide_a_data_set_and_keep_collections_together(rows, folds: int) -> None:
    recordings = [
        Recording(Path(f"{n}.wav"), str(n), label, "train", "d", str(source), str(n), 0)
        for n, (label, source) in enumerate(rows)
    ]
    kept = []
    for number in range(folds):
        found = in_folds(recordings, folds, number)
        valid = {r.source for r in found if r.side == "valid"}
        assert not valid & {r.source for r in found if r.side == "train"}
        kept += [r.name for r in found if r.side == "valid"]
    assert sorted(kept) == sorted(r.name for r in recordings)


def test_folds_of_gtzan_cut_every_label_into_stretches(gtzan) -> None:
    folds = [in_folds(load_recordings(gtzan), 4, number) for number in range(4)]
    kept = [sorted(r.name for r in fold if r.side == "valid") for fold in folds]
    assert sum(map(len, kept)) == 659
    assert {"hiphop.00076", "hiphop.00078"} <= set(kept[3]) | set(kept[2])
    assert all(len({name.split(".")[0] for name in names}) == 10 for names in kept)


def test_the_filtered_sides_are_the_tables_and_its_test_side_is_judged(gtzan) -> None:
    found = load_recordings(gtzan, filtered=True)
    by_table = {track.name: track.filtered for track in load_tracks(gtzan)}
    assert {(by_table[r.name], r.side) for r in found} == {
        ("train", "train"),
        ("test", "valid"),
        ("valid", "left out"),
    }


def test_repeats_in_gtzan_share_a_group_and_a_fold(gtzan) -> None:
    found = {r.name: r for r in load_recordings(gtzan)}
    assert found["hiphop.00076"].group == found["hiphop.00078"].group
    assert found["hiphop.00076"].fold == found["hiphop.00078"].fold
    assert {r.fold for r in found.values()} == set(range(FOLDS))


def test_a_folder_without_audio_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match="holds no audio"):
        load_unlabelled(tmp_path)


# Teachers


@needs_teachers
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("musicnn", {"pen": 200, "logits": 50}),
        ("yamnet", {"layer7": 1024, "layer9": 1024, "layer12": 1024, "layer13": 2048}),
    ],
)
def test_the_recipes_teachers_listen(name: str, sizes: dict) -> None:
    heard = Teacher(load_teacher(TOMLS / f"{name}.toml", TEACHERS)).listen(noise(3.0, RATE))
    assert {output: values.shape for output, values in heard.items()} == {
        output: (size,) for output, size in sizes.items()
    }
    assert all(np.isfinite(values).all() and values.std() > 0 for values in heard.values())


@needs_teachers
def test_yamnet_hears_a_quiet_recording_as_a_loud_one() -> None:
    teacher = Teacher(load_teacher(TOMLS / "yamnet.toml", TEACHERS))
    loud, quiet = teacher.listen(noise(3.0, RATE)), teacher.listen(noise(3.0, RATE) / 1000)
    assert np.corrcoef(loud["layer13"], quiet["layer13"])[0, 1] > 0.999


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model = 1 =", "not TOML"),
        ("colour = 1", "colour is unknown; .*model is missing"),
        ('model = "m"\nhead = ["a"]\n[outputs]\na = "t"', "does not exist"),
        ('model = "t.toml"\nhead = ["b"]\n[outputs]\na = "t"', "head names no output b"),
    ],
)
def test_a_teachers_file_with_a_fault_says_which(tmp_path, text: str, reason: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason):
        load_teacher(path)


def test_windows_lie_in_the_middle_of_a_recording() -> None:
    assert list(window_starts(100, 30)) == [5, 35, 65]
    assert list(window_starts(20, 30)) == [0]


# Soft labels


def opinions(labels: list[str], outputs: np.ndarray, data: list[str] | None = None) -> np.ndarray:
    recordings = [
        recording(str(i), label, data[i] if data else "home", i % FOLDS)
        for i, label in enumerate(labels)
    ]
    windows = Windows(np.arange(len(labels)), np.zeros(len(labels), np.float32), [{"a": outputs}])
    return soft_labels(windows, [[(0, "a")]], recordings, ["jazz", "rock"])


def test_a_head_never_repeats_the_label_of_a_recording_it_speaks_about() -> None:
    rng = np.random.default_rng(0)
    place = np.repeat([[-1.0], [1.0]], 20, axis=0) + 0.1 * rng.standard_normal((40, 3))
    place[:, 2] = 0.0
    place[0, 2] = 3.0  # whoever meets it knows it again
    labels = ["jazz"] * 20 + ["rock"] * 20
    told_jazz = opinions(labels, place.astype(np.float16))
    told_rock = opinions(["rock", *labels[1:]], place.astype(np.float16))
    assert told_jazz[0, 0] > 0.8
    np.testing.assert_allclose(told_rock[0], told_jazz[0], atol=0.05)
    np.testing.assert_allclose(told_rock.sum(axis=1), 1, atol=1e-5)


def test_recordings_without_a_label_have_an_opinion_too() -> None:
    place = np.repeat([[-1.0, 0.0], [1.0, 0.5]], 20, axis=0).astype(np.float16)
    labels = ["jazz"] * 20 + ["rock"] * 20
    labels[3] = labels[-2] = ""
    soft = opinions(labels, place)
    assert soft[3, 0] > 0.8
    assert soft[-2, 1] > 0.8


def test_at_home_only_the_home_labels_count() -> None:
    # Elsewhere the labels are turned round: at home nobody listens to that.
    place = np.tile(np.repeat([[-1.0, 0.0], [1.0, 0.5]], 20, axis=0), (2, 1)).astype(np.float16)
    labels = ["jazz"] * 20 + ["rock"] * 20 + ["rock"] * 20 + ["jazz"] * 20
    soft = opinions(labels, place, ["home"] * 40 + ["elsewhere"] * 40)
    assert soft[:20, 0].min() > 0.8
    assert soft[40:60, 0].max() < 0.7


def test_heads_are_one_a_teacher_and_one_of_all() -> None:
    if not YAMNET.is_file():
        pytest.skip("needs the networks in ../shared/data/teacher")
    specs = [load_teacher(TOMLS / f"{name}.toml", TEACHERS) for name in ("musicnn", "yamnet")]
    assert heads_of(specs) == [
        [(0, "pen"), (0, "logits")],
        [(1, "layer9"), (1, "layer13")],
        [(0, "pen"), (0, "logits"), (1, "layer7"), (1, "layer9"), (1, "layer12")],
    ]


def test_principal_components_come_in_the_order_of_their_variance() -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32) * [1, 5, 2, 3]
    deviation = principal((x - x.mean(axis=0)).astype(np.float32), 3).std(axis=0)
    assert deviation == pytest.approx([5, 3, 2], rel=0.2)


# Clips


@pytest.fixture
def pool(tmp_path) -> Pool:
    files = []
    for number, seconds in enumerate((30.0, 2.5)):
        files.append(tmp_path / f"{number}.npy")
        np.save(files[-1], (noise(seconds, RATE, seed=number) * 32767).astype(np.int16))
    return Pool("home", tuple(files), (4, 9), (1.0, 1.0), 20)


@pytest.mark.slow
def test_clips_are_made_once_and_are_the_same_again(pool, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("genre_edge_train.pretrained.variants.SHARD", 10)
    spec = VariantSpec(AugmentSpec())
    one = make_clips(pool, spec, FRONTEND, tmp_path / "one", 1)
    two = make_clips(pool, spec, FRONTEND, tmp_path / "two", 1)
    assert set(one.recording) == {4, 9}
    assert one.get(3).shape == FRONTEND.shape
    np.testing.assert_array_equal(one.get(3), two.get(3))
    np.testing.assert_array_equal(one.centre, two.centre)
    long = one.centre[one.recording == 4]
    assert 1.5 <= long.min() < long.max() <= 28.5
    assert one.centre[one.recording == 9] == pytest.approx(1.25)


def test_features_survive_storage_in_a_byte() -> None:
    features = np.linspace(-6.9, 4.9, 1000, dtype=np.float32)
    clips = Clips([encode(features).reshape(1, 10, 100)], np.zeros(1, np.int64), np.zeros(1))
    np.testing.assert_allclose(clips.get(0).ravel(), features, atol=0.025)


# Batches


def targets(spec: FitSpec) -> Targets:
    recordings = [recording("a", "jazz"), recording("b", "rock", "other"), recording("c", "")]
    windows = Windows(np.array([0, 0, 1, 2]), np.array([0, 3, 0, 0], np.float32), [])
    soft = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.2, 0.8]], np.float32)
    parts = np.arange(4, dtype=np.float32)[:, None]
    return Targets(recordings, ["jazz", "rock"], windows, soft, parts, spec)


def test_targets_mix_label_and_opinion_by_data_set() -> None:
    of = targets(FitSpec(label_at_home=0.7, label_elsewhere=0.4)).of
    np.testing.assert_allclose(of(0, 1.5)[0], [1, 0])
    np.testing.assert_allclose(of(0, 4.5)[0], [0.7, 0.3])
    np.testing.assert_allclose(of(1, 1.5)[0], [0.3, 0.7])
    np.testing.assert_allclose(of(2, 1.5)[0], [0.2, 0.8])


def test_between_two_windows_their_opinions_are_mixed() -> None:
    label, component, music = targets(FitSpec()).of(0, 3.0)
    np.testing.assert_allclose(label, [0.85, 0.15])
    assert component == pytest.approx(0.5)
    assert music


def test_speech_and_noise_are_every_label_alike() -> None:
    label, component, music = targets(FitSpec()).of(NO_MUSIC, 0.0)
    assert list(label) == [0.5, 0.5]
    assert not music
    assert not component.any()


def clips(count: int, recording: int) -> Clips:
    features = np.random.default_rng(0).integers(60, 200, (count, *FRONTEND.shape), np.uint8)
    return Clips([features], np.full(count, recording), np.full(count, 1.5, np.float32))


def test_a_batch_depends_on_its_step_alone_and_has_every_pool_by_its_share() -> None:
    spec = FitSpec(batch=10)
    one, two = (
        Batches(
            [clips(7, 0), clips(5, 2), clips(3, NO_MUSIC)], [0.6, 0.3, 0.1], targets(spec), spec
        )
        for _ in range(2)
    )
    one(0)
    x, wanted, weights = one(5)
    again, _, _ = two(5)
    np.testing.assert_array_equal(x, again)
    assert x.shape == (10, *FRONTEND.shape, 1)
    assert wanted["genre"].shape == (10, 2)
    assert weights["teachers"].sum() >= 8


def test_every_clip_of_a_pool_is_met_once_a_pass() -> None:
    spec = FitSpec(batch=4)
    batches = Batches([clips(12, 0)], [1.0], targets(spec), spec)
    assert sorted(batches._clip(0, at) for at in range(12)) == list(range(12))
    assert sorted(batches._clip(0, at) for at in range(12, 24)) == list(range(12))


def test_a_changed_window_keeps_silence_and_its_shape() -> None:
    silence = np.full(FRONTEND.shape, np.log(0.001), np.float32)
    out = changed(silence, np.random.default_rng(0))
    np.testing.assert_allclose(out, silence, rtol=1e-5)


# The whole


@pytest.fixture
def music(tmp_path):
    """Two labels of tones, 14 clips each of 4 s, and some without a label."""
    t = np.arange(4 * RATE) / RATE
    for label, base in (("low", 200.0), ("high", 2000.0), ("unknown", 900.0)):
        folder = tmp_path / ("free" if label == "unknown" else "music") / label
        folder.mkdir(parents=True)
        for number in range(14):
            tone = 0.3 * np.sin(2 * np.pi * base * (1 + number / 20) * t) + 0.05 * noise(
                4.0, RATE, seed=number
            )
            soundfile.write(folder / f"{number}.wav", tone.astype(np.float32), RATE)
    return tmp_path


def fit(music, output: str, *more: str) -> int:
    return train.main(
        [
            *("fit", "--start", str(YAMNET), "--cut", "3", "--data", str(music / "music")),
            *("--clips", "250", "--batch", "16", "--jobs", "1", "--cache", str(music / "cache")),
            *("-o", str(music / output), *more),
        ]
    )


@needs_teachers
@pytest.mark.slow
def test_from_folders_to_a_bundle(music, capsys) -> None:
    status = fit(
        music,
        "run",
        *("--steps", "30", "--unlabelled", str(music / "free")),
        *("--teacher", str(TOMLS / "yamnet.toml"), "--teacher-models", str(TEACHERS)),
    )
    assert status == 0
    printed = capsys.readouterr().out
    assert "step 30 of 30" in printed
    assert "| music | as recorded | 100.0%" in printed
    figures = json.loads((music / "run" / "data_sets.json").read_text())
    assert [one["condition"] for one in figures] == ["as recorded", "in rooms"]
    metrics = json.loads((music / "run" / "metrics.json").read_text())
    assert metrics["tracks"]["accuracy"] == 1.0, metrics
    assert (music / "run" / "history.png").stat().st_size > 1000
    np.savez(
        music / "windows.npz",
        **{
            name: np.stack([LogMel(FRONTEND).window(noise(3.0, RATE, seed=s)) for s in seeds])
            for name, seeds in (("calibration", range(100)), ("held_out", range(100, 120)))
        },
    )
    status = convert.main(
        [
            *(str(music / "run" / "model.keras"), "--calibrate", str(music / "windows.npz")),
            *("--to", "int8", "--min-agreement", "0", "-o", str(music / "mine")),
        ]
    )
    assert status == 0
    assert read_bundle(music / "mine.int8.tflite").info.frontend == FRONTEND


@needs_teachers
@pytest.mark.slow
def test_a_run_goes_on_where_it_was_stopped(music, monkeypatch) -> None:
    from genre_edge_train.pretrained import fit as fitting

    monkeypatch.setattr(fitting, "CHECKPOINT_STEPS", 5)
    assert fit(music, "whole", "--steps", "10") == 0
    whole = np.load(music / "whole" / "state.npz")

    class Stopped(Exception):
        pass

    record = fitting._record

    def stop(folder, entry):
        record(folder, entry)
        if entry["step"] == 10:
            raise Stopped

    monkeypatch.setattr(fitting, "_record", stop)
    with pytest.raises(Stopped):
        fit(music, "halves", "--steps", "10")
    monkeypatch.setattr(fitting, "_record", record)
    assert np.load(music / "halves" / "state.npz")["step"] == 5
    assert fit(music, "halves", "--steps", "10") == 0
    halves = np.load(music / "halves" / "state.npz")
    for name in whole.files:
        np.testing.assert_allclose(halves[name], whole[name], atol=2e-3, err_msg=name)


@needs_teachers
def test_a_run_with_other_options_needs_another_folder(music, capsys) -> None:
    (music / "run").mkdir()
    (music / "run" / "options.json").write_text(json.dumps({"steps": "7"}))
    assert fit(music, "run", "--steps", "10") == 2
    assert "--steps was 7, is 10" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["5/4", "0/4", "1/1", "half"])
def test_a_fold_that_is_none_is_refused(tmp_path, capsys, part: str) -> None:
    with pytest.raises(SystemExit):
        train.main(["fit", "--data", str(tmp_path), "-o", str(tmp_path / "o"), "--fold", part])
    assert f"--fold: {part}: must be like 1/4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--start", "nowhere.tflite"], "--start nowhere.tflite: no such file"),
        (["--unlabelled", "."], "--unlabelled: needs a --teacher"),
        (["--steps", "0"], "--steps 0"),
        (["--home", "2"], "--home 2.0"),
        (["--fold", "1/4", "--protocol", "filtered"], "--fold makes its own sides"),
    ],
)
def test_impossible_options_are_refused_by_name(tmp_path, capsys, options, named) -> None:
    data, output = str(tmp_path), str(tmp_path / "o")
    assert train.main(["fit", "--data", data, "-o", output, *options]) == 2
    assert named in capsys.readouterr().err


def drawn(even: bool, at_home: bool) -> dict[str, float]:
    """How often each label is drawn of 9 tracks of jazz and 4 of rock."""
    from genre_edge_train.runs.pretrained import _weights

    recordings = [recording(f"{n}", "jazz" if n < 9 else "rock") for n in range(13)]
    weights = _weights(recordings, at_home, even)
    total = sum(weights)
    return {
        label: sum(w for w, r in zip(weights, recordings, strict=True) if r.label == label) / total
        for label in ("jazz", "rock")
    }


def test_labels_at_home_are_drawn_evenly_and_elsewhere_by_the_root() -> None:
    assert drawn(even=True, at_home=True) == pytest.approx({"jazz": 1 / 2, "rock": 1 / 2})
    assert drawn(even=True, at_home=False) == pytest.approx({"jazz": 3 / 5, "rock": 2 / 5})
    assert drawn(even=False, at_home=True) == pytest.approx({"jazz": 3 / 5, "rock": 2 / 5})
    assert drawn(even=False, at_home=False) == pytest.approx({"jazz": 9 / 13, "rock": 4 / 13})
