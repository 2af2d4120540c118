"""Reading a TFLite flatbuffer, against TensorFlow's own reader."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.flatbuffer import read_graph


def test_the_flatbuffer_is_read_as_tensorflow_reads_it() -> None:
    schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated")
    for name in ("gtzan-edge.int8", "gtzan-two-block.float32"):
        flatbuffer = read_bundle(find_model(name)).flatbuffer
        graph = read_graph(flatbuffer, name)
        model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
        expected = model.subgraphs[0]
        names = {v: k for k, v in vars(schema.BuiltinOperator).items()}
        codes = [(names[code.builtinCode], code.version) for code in model.operatorCodes]
        assert [(o.name, o.version) for o in graph.operators] == [
            codes[o.opcodeIndex] for o in expected.operators
        ]
        for ours, theirs in zip(graph.tensors, expected.tensors, strict=True):
            assert list(map(abs, ours.shape)) == list(
                theirs.shape if theirs.shape is not None else []
            )
            if theirs.quantization is not None and theirs.quantization.scale is not None:
                np.testing.assert_array_equal(np.float32(ours.scale), theirs.quantization.scale)
        assert graph.inputs == tuple(expected.inputs)
    # 3x3 convolutions with 32 and 128 channels, dense 512 and 10, on 126 x 128 and 63 x
    # 64.
    by_hand = 126 * 128 * 9 * 32 + 63 * 64 * 9 * 32 * 128 + 128 * 512 + 512 * 10
    assert graph.macs == by_hand
