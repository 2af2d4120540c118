"""A bundle's network in ONNX Runtime: it must answer what the bundle answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel
from genre_edge.settings.tables import DEFAULT_MODEL
from genre_edge_convert import cli as convert

onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own
]


def run(*arguments: object) -> int:
    return convert.main([str(a) for a in arguments])


@pytest.mark.parametrize("name", [DEFAULT_MODEL, DEFAULT_MODEL.replace("int8", "float32")])
def test_onnx_runtime_gives_the_bundles_scores(
    name: str, tmp_path: Path, gtzan: Path, demo_clip: Path
) -> None:
    path = tmp_path / "model.onnx"
    clips = sorted(gtzan.rglob("*.flac"))[:4]
    assert run("onnx", name, "-o", path, "--check-with", *clips) == 0
    bundle = read_bundle(find_model(name))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (out,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type) == ("features", "tensor(float)")
    assert (out.name, out.shape) == ("scores", [1, len(bundle.info.labels)])
    classifier, spec = Classifier(bundle), bundle.info.frontend
    for window in LogMel(spec).push(read_mono(demo_clip, spec.sample_rate)):
        (found,) = session.run(None, {"features": window.features.reshape(given.shape)})
        expected = classifier.scores(window.features)
        assert int(np.argmax(found)) == int(expected.argmax())
        tolerance = 1e-4 if "float32" in name else 0.05
        assert found[0] == pytest.approx(expected, abs=tolerance)
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["labels"]) == list(bundle.info.labels)
    assert json.loads(said["frontend"]) == spec.to_dict()
    assert json.loads(said["made_from"])["sha256"] == bundle.sha256


def test_a_wrong_name_is_known_before_the_work(tmp_path: Path, capsys) -> None:
    assert run("onnx", DEFAULT_MODEL, "-o", tmp_path / "model.tflite") == 2
    assert "--output" in (said := capsys.readouterr().err) and "must be a .onnx file" in said


def test_a_missing_converter_is_one_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "genre_edge_convert.export.onnx_model", raising=False)
    assert run("onnx", DEFAULT_MODEL, "-o", tmp_path / "model.onnx") != 0
    said = capsys.readouterr().err
    assert "onnxruntime is not installed" in said and "[onnx]" in said
    assert not list(tmp_path.iterdir())
