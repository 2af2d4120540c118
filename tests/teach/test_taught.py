"""The bundle that teaching writes survives what may happen to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genre_edge.cli import main
from genre_edge.errors import BundleError
from genre_edge.model.bundle import find_model, read_bundle, shipped_models, write_bundle
from genre_edge.teach.negatives import MUSIC, NOISE, SPEECH, Negatives, negatives_of, packed
from genre_edge.teach.trunk import base_of, trunk_of


def test_negatives_keep_their_means_their_deviations_and_most_of_themselves(
    tmp_path: Path,
) -> None:
    shipped = read_bundle(find_model("gtzan-edge.int8"))
    trunk = trunk_of(shipped)
    rng = np.random.default_rng(0)
    values = np.maximum(rng.standard_normal((99, trunk.size)), 0).astype(np.float32)
    values[:, 0], values[1:, 1] = 0.5, 0
    given = Negatives(values, (MUSIC, SPEECH, NOISE) * 33)
    path = tmp_path / "mine.tflite"
    write_bundle(path, shipped.flatbuffer, shipped.info, packed(given))
    found = negatives_of(read_bundle(path), trunk)
    assert found.kinds == given.kinds
    kept = found.embeddings
    np.testing.assert_allclose(kept.mean(axis=0), values.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(kept.std(axis=0), values.std(axis=0), atol=0.03)
    assert np.corrcoef(kept.ravel(), values.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    "member",
    [
        b"?",
        b"{}\n",
        b'{"kinds": ["music"], "size": 1, "low": 0, "step": 1}\nxx',
        b"[" * 5000 + b"\n",
        b'{"kinds": 5, "low": 0, "step": 1}\n',
    ],
)
def test_damaged_negatives_are_one_line(tmp_path: Path, member: bytes) -> None:
    shipped = read_bundle(find_model("gtzan-edge.int8"))
    path = tmp_path / "mine.tflite"
    write_bundle(path, shipped.flatbuffer, shipped.info, member)
    with pytest.raises(BundleError, match="its negatives are damaged"):
        negatives_of(read_bundle(path), trunk_of(shipped))


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_model_can_be_taught_and_carries_negatives(name: str) -> None:
    bundle = read_bundle(find_model(name))
    kinds = negatives_of(bundle, trunk_of(bundle)).kinds
    assert {MUSIC, SPEECH, NOISE} <= set(kinds)


def test_a_taught_model_outlives_the_one_it_came_from(tmp_path: Path) -> None:
    shipped = read_bundle(find_model("gtzan-edge.int8"))
    path = tmp_path / "mine.tflite"
    origin = {"name": "gtzan-edge.int8", "sha256": "of an older release"}
    info = replace(shipped.info, trained_on={"taught": {"from": origin}})
    write_bundle(path, shipped.flatbuffer, info)
    assert base_of(str(path)).path == str(path)
    assert trunk_of(read_bundle(path)).sha256 == "of an older release"


_KILLED = """
import os, sys
from pathlib import Path
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
shipped = read_bundle(find_model("gtzan-edge.float32"))
def die(descriptor):
    os.kill(os.getpid(), 9)
os.fsync = die
write_bundle(Path(sys.argv[1]), shipped.flatbuffer, shipped.info)
"""


def test_a_power_cut_while_the_bundle_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    shipped = read_bundle(find_model("gtzan-edge.int8"))
    path = tmp_path / "mine.tflite"
    write_bundle(path, shipped.flatbuffer, shipped.info)
    before = path.read_bytes()
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path)], env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert read_bundle(path).info.name == "gtzan-edge.int8"


_ON_A_FULL_DISK = """
import resource, sys
from genre_edge.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
sys.exit(main(["teach", "fit", "--anyway"]))
"""


def test_a_full_disk_leaves_the_old_bundle_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_clip: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for command in (["add", "choir", str(demo_clip)], ["fit"]):
        assert main(["teach", *command]) == 0
    path = Path(find_model("mine"))
    before = path.read_bytes()
    command = [sys.executable, "-c", _ON_A_FULL_DISK]
    ended = subprocess.run(command, env=os.environ, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"{path}: cannot be written (File too large)" in ended.stderr
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["mine.int8.tflite", "taught.db"]
