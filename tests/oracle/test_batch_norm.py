"""Fused batch normalization against TensorFlow's: the outputs that it fills, the gradients, a step of training."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.nn import layers
from evergraph.ops import array
from evergraph.ops.batch_norm import FusedBatchNorm, FusedBatchNormV2, FusedBatchNormV3
from evergraph.ops.gradients import gradients
from evergraph.runtime.session import Session
from evergraph.variables.collections import global_variables_initializer
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

OPS = {
    "FusedBatchNorm": FusedBatchNorm,
    "FusedBatchNormV2": FusedBatchNormV2,
    "FusedBatchNormV3": FusedBatchNormV3,
}


@pytest.mark.parametrize("name", OPS)
# TensorFlow's CPU kernels train with channels last only.
@pytest.mark.parametrize(
    ("data_format", "training"), [("NHWC", True), ("NHWC", False), ("NCHW", False)]
)
def test_values_and_gradients(tf215: Oracle, name: str, data_format: str, training: bool) -> None:
    random = np.random.RandomState(7)
    shape = (2, 3, 4, 5) if data_format == "NHWC" else (2, 5, 3, 4)
    x = random.randn(*shape).astype(np.float32)
    scale, offset, mean = (random.randn(5).astype(np.float32) for _ in range(3))
    variance = random.rand(5).astype(np.float32) + 0.5
    if training:
        mean = variance = np.zeros(0, np.float32)
    filled = 5 if training else 3
    graph = Graph()
    with graph.as_default():
        inputs = [array.placeholder(dtypes.float32, value.shape)
                  for value in (x, scale, offset, mean, variance)]  # fmt: skip
        outputs = OPS[name](*inputs, data_format=data_format, is_training=training)
        grads = gradients(outputs[0] * outputs[0], inputs[:3])
        feeds = dict(zip(inputs, (x, scale, offset, mean, variance), strict=True))
        with Session() as session:
            values = session.run([*outputs[:filled], *grads], feeds)
    expected = tf215.run_graph(
        graph.as_graph_def().SerializeToString(),
        {one.name: value for one, value in feeds.items()},
        [one.name for one in [*outputs[:filled], *grads]],
    )
    for ours, theirs in zip(values, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)


STEPS = """
def main(tf, np, x):
    h = tf.placeholder(tf.float32, [None, 4, 4, 3])
    out = tf.layers.batch_normalization(h, training=True, momentum=0.9)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            value, _ = session.run([out, updates], {h: x})
        return value, session.run(tf.global_variables())
"""


def test_moving_averages(tf215: Oracle) -> None:
    x = np.random.RandomState(3).randn(2, 4, 4, 3).astype(np.float32) * 2 + 1
    value, variables = tf215.execute(STEPS, x=x)
    graph = Graph()
    with graph.as_default():
        h = array.placeholder(dtypes.float32, [None, 4, 4, 3])
        out = layers.batch_normalization(h, training=True, momentum=0.9)
        with Session() as session:
            session.run(global_variables_initializer())
            for _ in range(3):
                ours, _ = session.run([out, graph.get_collection("update_ops")], {h: x})
            mine = session.run(graph.get_collection("variables"))
    np.testing.assert_allclose(ours, value, rtol=1e-4, atol=1e-5)
    for one, other in zip(mine, variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
