"""The nodes that savers and optimizers make, against TensorFlow's."""

from __future__ import annotations

import textwrap

import pytest

from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

_MODEL = """
x = tf.placeholder(tf.float32, [None, 3], name="x")
w = tf.get_variable("w", [3, 2], use_resource={resource})
b = tf.Variable(tf.zeros([2]), name="b", use_resource={resource})
loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b))
"""

_ROWS = """
w = tf.get_variable("w", [5, 2], use_resource={resource})
loss = tf.reduce_sum(tf.square(tf.gather(w, [3, 0, 3])))
"""

PROGRAMS = {
    "Saver": "tf.Variable(1.0, name='v'); tf.Variable([1.0, 2.0]); tf.train.Saver()",
    "Saver of some, by name": "v = tf.Variable(1.0); tf.Variable(2.0); tf.train.Saver({'other': v}, name='mine')",
    "Saver of resources": "tf.get_variable('v', [2, 2], use_resource=True); tf.train.Saver()",
    "Saver, reshape": "tf.Variable([1.0]); tf.train.Saver(reshape=True)",
    "two savers": "v = tf.Variable([1.0]); tf.train.Saver(); tf.train.Saver([v])",
    "sharded Saver": """
        with tf.device("/cpu:0"):
            tf.Variable([1.0], name="a")
        with tf.device("/cpu:1"):
            tf.Variable([1.0], name="b")
        tf.train.Saver(sharded=True)
    """,
    "global step": "tf.train.get_or_create_global_step(); tf.train.Saver()",
}
OPTIMIZERS = {
    "gradient descent": "tf.train.GradientDescentOptimizer(0.5).minimize(loss)",
    "gradient descent, step": """
        step = tf.train.get_or_create_global_step()
        tf.train.GradientDescentOptimizer(0.5, name="sgd").minimize(loss, global_step=step)
    """,
    "momentum": "tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)",
    "nesterov": "tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True).minimize(loss)",
    "adam": "tf.train.AdamOptimizer(0.01).minimize(loss)",
    "adam, saved": "tf.train.AdamOptimizer(0.01).minimize(loss); tf.train.Saver()",
    "rmsprop": "tf.train.RMSPropOptimizer(0.1, momentum=0.5).minimize(loss)",
    "rmsprop, centered": "tf.train.RMSPropOptimizer(0.1, centered=True).minimize(loss)",
    "adagrad": "tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.3).minimize(loss)",
    "adadelta": "tf.train.AdadeltaOptimizer(0.1).minimize(loss)",
    "ftrl": "tf.train.FtrlOptimizer(0.1).minimize(loss)",
    "ftrl, all settings": """
        tf.train.FtrlOptimizer(
            0.1, -0.3, 0.2, 0.01, 0.02, True, "Mine", "sums", "pulls", 0.03, 0.04
        ).minimize(loss)
    """,
    "proximal gradient descent": (
        "tf.train.ProximalGradientDescentOptimizer(0.1, 0.01, 0.02).minimize(loss)"
    ),
    "proximal adagrad": "tf.train.ProximalAdagradOptimizer(0.1, 0.2, 0.01, 0.02).minimize(loss)",
    "clipped": """
        optimizer = tf.train.AdamOptimizer()
        pairs = optimizer.compute_gradients(loss)
        optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs])
    """,
}
DECAYS = {
    "exponential": "exponential_decay(0.1, step, 100, 0.96)",
    "exponential, staircase": "exponential_decay(0.1, step, 100, 0.96, staircase=True, name='fall')",
    "exponential, float64": "exponential_decay(np.float64(0.1), step, 100, 0.96)",
    "natural": "natural_exp_decay(0.1, step, 100, 0.5)",
    "natural, staircase": "natural_exp_decay(0.1, step, 100, 0.5, staircase=True)",
    "inverse time": "inverse_time_decay(0.1, step, 100, 0.5)",
    "inverse time, staircase": "inverse_time_decay(0.1, step, 100, 0.5, staircase=True)",
    "polynomial": "polynomial_decay(0.1, step, 100, 0.01, power=0.5)",
    "polynomial, cycle": "polynomial_decay(0.1, step, 100, cycle=True)",
    "cosine": "cosine_decay(0.1, step, 100)",
    "cosine, alpha": "cosine_decay(0.1, step, 100, alpha=0.2, name='wave')",
    "restarts": "cosine_decay_restarts(0.1, step, 100)",
    "restarts, equal": "cosine_decay_restarts(0.1, step, 100, 1.0, 0.9, 0.1)",
    "linear cosine": "linear_cosine_decay(0.1, step, 100)",
    "noisy": "noisy_linear_cosine_decay(0.1, step, 100)",
    "piecewise": "piecewise_constant(step, [10, 20, 40], [1.0, 0.5, 0.2, 0.1])",
    "piecewise, one limit": "piecewise_constant_decay(step, [10], [1.0, 0.5], name='pieces')",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_saver(tf215: Oracle, name: str) -> None:
    assert differences(*built(PROGRAMS[name], tf215)) == []


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(tf215: Oracle, name: str, resource: bool) -> None:
    program = _MODEL.format(resource=resource) + textwrap.dedent(OPTIMIZERS[name])
    # What a clipped gradient's own nodes are called hangs on those of the gradients.
    without = ("gradients/", "clip_by_value") if name == "clipped" else ("gradients/",)
    assert differences(*built(program, tf215), without) == []


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "clipped"])
def test_optimizer_of_rows(tf215: Oracle, name: str, resource: bool) -> None:
    program = _ROWS.format(resource=resource) + textwrap.dedent(OPTIMIZERS[name])
    ours, theirs = built(program, tf215)
    for node in theirs.node:
        # A type that TensorFlow infers anew when it reads a graph.
        node.ClearField("experimental_type")
    assert differences(ours, theirs) == []


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("name", DECAYS)
def test_decay(tf215: Oracle, name: str, resource: bool) -> None:
    program = f"""
        step = tf.get_variable("step", [], tf.int64, use_resource={resource}, trainable=False)
        tf.train.{DECAYS[name]}
    """
    assert differences(*built(program, tf215)) == []
