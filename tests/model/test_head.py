"""The last dense layer: found in any network, replaced in the flatbuffer, and refused
where it cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from genre_edge.demo import clip_path
from genre_edge.errors import ModelError
from genre_edge.model.bundle import Bundle, find_model, read_bundle, shipped_models
from genre_edge.model.classifier import Classifier
from genre_edge.model.flatbuffer import Graph, Operator, Tensor, read_graph
from genre_edge.model.frontend import LogMel
from genre_edge.model.head import find_head, read_layer, with_layer
from genre_edge.model.scores import softmax
from genre_edge.model.windows import file_windows
from genre_edge.teach.trunk import trunk_of


def windows(bundle: Bundle) -> np.ndarray:
    """What the front-end makes of the demo clip."""
    found = file_windows(clip_path(), LogMel(bundle.info.frontend))
    return np.stack([window.features for window in found])


@pytest.mark.parametrize("name", shipped_models())
@pytest.mark.parametrize("labels", [1, 3, 10, 13])
def test_another_layer_answers_as_its_weights_say(name: str, labels: int) -> None:
    bundle = read_bundle(find_model(name))
    trunk, head = trunk_of(bundle), find_head(read_graph(bundle.flatbuffer, name), name)
    rng = np.random.default_rng(labels)
    weights = (rng.standard_normal((labels, trunk.size)) / trunk.size**0.5).astype(np.float32)
    bias = rng.standard_normal(labels).astype(np.float32)
    asks = Classifier(bundle, embeds=True)
    given = windows(bundle)
    embeddings = trunk.floats(np.stack([asks.scores_and_embedding(one)[1] for one in given]))
    logits = embeddings @ weights.T + bias
    flatbuffer = with_layer(
        bundle.flatbuffer, head, weights, bias, (float(logits.min()), float(logits.max()))
    )
    info = replace(bundle.info, labels=tuple(map(str, range(labels))))
    answers = Classifier(replace(bundle, info=info, flatbuffer=flatbuffer, path="changed"))
    found = np.stack([answers.scores(one) for one in given])
    assert np.abs(found - softmax(logits)).max() < (1e-5 if trunk.dtype == "float32" else 0.04)


@pytest.mark.parametrize("name", shipped_models())
def test_the_layer_that_is_read_gives_the_models_own_scores(name: str) -> None:
    bundle = read_bundle(find_model(name))
    trunk, head = trunk_of(bundle), find_head(read_graph(bundle.flatbuffer, name), name)
    weights, bias = read_layer(bundle.flatbuffer, head)
    asks = Classifier(bundle, embeds=True)
    off = 1e-5 if trunk.dtype == "float32" else 0.03
    for one in windows(bundle):
        scores, embedding = asks.scores_and_embedding(one)
        assert np.abs(softmax(weights @ trunk.floats(embedding) + bias) - scores).max() < off


def test_asking_for_the_embedding_does_not_change_the_scores() -> None:
    bundle = read_bundle(find_model("gtzan-edge.int8"))
    plain, both = Classifier(bundle), Classifier(bundle, embeds=True)
    for one in windows(bundle):
        np.testing.assert_array_equal(plain.scores(one), both.scores_and_embedding(one)[0])


def graph(last: str, weights: str = "int8", constant: int = 40, shape: tuple = (1, 4)) -> Graph:
    """A network of one operator."""
    tensors = (
        Tensor("in", "int8", shape),
        Tensor("w", weights, (10, 4), constant_bytes=constant),
        Tensor("b", "int32", (10,), constant_bytes=40),
        Tensor("out", "int8", (1, 10)),
    )
    return Graph(tensors, (Operator(last, 1, (0, 1, 2), (3,)),), (0,), (3,))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (graph("CONV_2D"), "it ends in CONV_2D, not in a dense layer"),
        (graph("FULLY_CONNECTED", "float16"), "the weights of its last layer are float16"),
        (graph("FULLY_CONNECTED", constant=0), "int8 or computed"),
        (graph("FULLY_CONNECTED", shape=(1, -1)), "its embedding has no fixed size"),
    ],
)
def test_a_network_that_cannot_be_taught_says_why(made: Graph, reason: str) -> None:
    with pytest.raises(ModelError, match=r"m\.tflite: cannot be taught") as raised:
        find_head(made, "m.tflite")
    assert reason in str(raised.value)


def test_a_named_embedding_must_be_there() -> None:
    found = find_head(graph("FULLY_CONNECTED"), "m", "in")
    assert (found.embedding, found.size) == (0, 4)
    with pytest.raises(ModelError, match="m: has no tensor w that could be its embedding"):
        find_head(graph("FULLY_CONNECTED"), "m", "w")
