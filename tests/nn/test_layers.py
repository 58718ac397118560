"""Layers: names, sharing, collections, errors, and that they train."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.graph import Graph
from evergraph.nn import layers, losses
from evergraph.ops import array
from evergraph.ops.gradients import gradients
from evergraph.ops.random_seed import set_random_seed
from evergraph.ops.state import assign_sub
from evergraph.runtime.session import Session
from evergraph.variables.collections import global_variables_initializer, trainable_variables
from evergraph.variables.scope import variable_scope


def names(graph: Graph, collection: str) -> list[str]:
    return [one.name for one in graph.get_collection(collection)]


def test_variables_are_called_as_tensorflow_calls_them() -> None:
    with Graph().as_default() as graph:
        x = array.placeholder(dtypes.float32, [None, 8, 8, 3])
        layers.conv2d(x, 4, 3)
        layers.conv2d(x, 4, 3)
        with variable_scope("outer"):
            layers.conv2d(x, 4, 3, name="inner")
    assert names(graph, GraphKeys.TRAINABLE_VARIABLES) == [
        "conv2d/kernel:0",
        "conv2d/bias:0",
        "conv2d_1/kernel:0",
        "conv2d_1/bias:0",
        "outer/inner/kernel:0",
        "outer/inner/bias:0",
    ]


def test_reuse_shares_variables_and_needs_them() -> None:
    with Graph().as_default() as graph:
        x = array.placeholder(dtypes.float32, [None, 3])
        layers.dense(x, 2, name="d")
        layers.dense(x, 2, name="d", reuse=True)
        assert names(graph, GraphKeys.GLOBAL_VARIABLES) == ["d/kernel:0", "d/bias:0"]
        with pytest.raises(ValueError, match="d/kernel already exists"):
            layers.dense(x, 2, name="d")
        with pytest.raises(ValueError, match="e/kernel does not exist"):
            layers.dense(x, 2, name="e", reuse=True)


def test_layer_that_is_not_trainable() -> None:
    with Graph().as_default() as graph:
        layer = layers.Dense(2, trainable=False)
        layer(array.placeholder(dtypes.float32, [None, 3]))
    assert names(graph, GraphKeys.TRAINABLE_VARIABLES) == []
    assert layer.trainable_weights == []
    assert [one.name for one in layer.weights] == ["dense/kernel:0", "dense/bias:0"]


def test_shapes_that_do_not_fit() -> None:
    with Graph().as_default():
        layer = layers.Dense(2)
        layer(array.placeholder(dtypes.float32, [None, 3]))
        with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
            layer(array.placeholder(dtypes.float32, [None, 4]))
        with pytest.raises(ValueError, match="expected min_ndim=4, found ndim=2"):
            layers.conv2d(array.placeholder(dtypes.float32, [None, 3]), 2, 2)
        with pytest.raises(ValueError, match="last dimension of the inputs to a Dense"):
            layers.dense(array.placeholder(dtypes.float32, [None, None]), 2)


def test_activations_and_initializers_by_name() -> None:
    with Graph().as_default():
        x = array.placeholder(dtypes.float32, [None, 3])
        y = layers.dense(x, 2, activation="relu", kernel_initializer="ones")
        assert y.op.type == "Relu"
        with pytest.raises(ValueError, match="Unknown activation 'rel'"):
            layers.dense(x, 2, activation="rel")
        with Session() as session:
            session.run(global_variables_initializer())
            assert session.run(y, {x: [[1, 2, 3]]}).tolist() == [[6, 6]]


def test_batch_normalization_moves_its_averages_only_when_asked() -> None:
    values = np.random.RandomState(0).randn(16, 3).astype(np.float32) * 2 + 5
    with Graph().as_default() as graph:
        x = array.placeholder(dtypes.float32, [None, 3])
        training = array.placeholder(dtypes.bool, [])
        y = layers.batch_normalization(x, training=training, momentum=0.5)
        updates = graph.get_collection(GraphKeys.UPDATE_OPS)
        mean = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)[2]
        assert mean.name == "batch_normalization/moving_mean:0"
        with Session() as session:
            session.run(global_variables_initializer())
            normal = session.run(y, {x: values, training: True})
            np.testing.assert_allclose(normal.mean(0), 0, atol=1e-5)
            np.testing.assert_allclose(normal.std(0), 1, atol=1e-3)
            assert session.run(mean).tolist() == [0, 0, 0]
            session.run(updates, {x: values, training: True})
            np.testing.assert_allclose(session.run(mean), values.mean(0) / 2, rtol=1e-5)
            before = session.run(mean)
            session.run(updates, {x: values, training: False})
            assert session.run(mean).tolist() == before.tolist()


def test_a_network_learns() -> None:
    random = np.random.RandomState(1)
    classes = random.randint(0, 2, 64).astype(np.int32)
    images = (random.rand(64, 6, 6, 1) + classes[:, None, None, None]).astype(np.float32)
    with Graph().as_default():
        set_random_seed(1)
        x = array.placeholder(dtypes.float32, [None, 6, 6, 1])
        y = array.placeholder(dtypes.int32, [None])
        h = layers.conv2d(x, 4, 3, activation="relu")
        h = layers.max_pooling2d(h, 2, 2)
        logits = layers.dense(layers.flatten(h), 2)
        loss = losses.sparse_softmax_cross_entropy(y, logits)
        variables = trainable_variables()
        steps = [
            assign_sub(variable, 0.2 * grad)
            for variable, grad in zip(variables, gradients(loss, variables), strict=True)
        ]
        with Session() as session:
            session.run(global_variables_initializer())
            feed = {x: images, y: classes}
            first = session.run(loss, feed)
            for _ in range(60):
                session.run(steps, feed)
            assert session.run(loss, feed) < 0.8 * first
