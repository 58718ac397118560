"""The nodes of ``tf.contrib``'s functions, against the same program in the words that TensorFlow 2.15 still has."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph.formats.checkpoint_saving import save_checkpoint
from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

_VARIABLES = """
a = tf.get_variable("a", [2])
b = tf.get_variable("s/b", [3], tf.int32, use_resource=True)
"""
PAIRS = {
    "variables": (
        """
        f = tf.contrib.framework
        f.variable("a", [2], device="/cpu:0")
        f.model_variable("b", [2], regularizer=tf.nn.l2_loss)
        f.local_variable(1.0, name="c")
        f.global_variable([1.0], name="d", use_resource=True)
        """,
        """
        with tf.device("/cpu:0"):
            tf.get_variable("a", [2])
        tf.get_variable("b", [2], regularizer=tf.nn.l2_loss)
        tf.Variable(1.0, name="c")
        tf.Variable([1.0], name="d", use_resource=True)
        """,
    ),
    "devices in turn": (
        """
        chooser = tf.contrib.framework.VariableDeviceChooser(2)
        for name in "abc":
            tf.contrib.framework.variable(name, [2], device=chooser)
        """,
        """
        for number, name in enumerate("abc"):
            with tf.device("/job:ps/task:%d/device:CPU:0" % (number % 2)):
                tf.get_variable(name, [2])
        """,
    ),
    "from values": (
        _VARIABLES + "tf.contrib.framework.assign_from_values({'s/b': [1, 2, 3], 'a': [1.0, 2.0]})",
        _VARIABLES
        + """
fed = tf.placeholder(tf.int32, [3], name="placeholder/s/b")
second = b.assign(fed)
fed = tf.placeholder(tf.float32, [2], name="placeholder/a")
tf.group(second, a.assign(fed))
""",
    ),
    "from a checkpoint": (
        _VARIABLES + "tf.contrib.framework.assign_from_checkpoint(PREFIX, [a, b])",
        _VARIABLES
        + """
fed = tf.placeholder(tf.float32, [2], name="placeholder/a")
first = a.assign(fed)
fed = tf.placeholder(tf.int32, [3], name="placeholder/s/b")
tf.group(first, b.assign(fed))
""",
    ),
    "a function that restores": (
        _VARIABLES
        + "tf.contrib.framework.assign_from_checkpoint_fn(PREFIX, [a, b], reshape_variables=True)",
        _VARIABLES + "tf.train.Saver([a, b], reshape=True)",
    ),
    "a shape that a run knows": (
        """
        x = tf.placeholder(tf.float32, name="x")
        tf.contrib.framework.with_shape([2, 3], x)
        """,
        """
        x = tf.placeholder(tf.float32, name="x")
        with tf.name_scope("x/"):
            with tf.name_scope("assert_shape") as top:
                actual = tf.shape(x, name="actual")
                with tf.name_scope("is_shape") as middle:
                    with tf.name_scope("is_rank") as inner:
                        expected = tf.convert_to_tensor(tf.size(np.int32([2, 3])), name="expected")
                        rank = tf.equal(expected, tf.rank(x, name="actual"), name=inner)
                    expected = tf.convert_to_tensor(np.int32([2, 3]), name="expected")
                    with tf.name_scope("all_equal") as inner:
                        same = tf.reduce_all(tf.equal(expected, actual, name="equal"), name=inner)
                    both = tf.logical_and(rank, same, name=middle)
                said = ["Wrong shape for x:0 [expected] [actual].", np.int32([2, 3]), actual]
                check = tf.Assert(both, said, name=top)
            with tf.control_dependencies([check]):
                tf.identity(x)
        """,
    ),
    "a sum of all": (
        "tf.contrib.framework.reduce_sum_n([tf.ones([2], name='x'), tf.ones([3], name='y')])",
        """
        x, y = tf.ones([2], name="x"), tf.ones([3], name="y")
        with tf.name_scope("reduce_sum_n") as scope:
            tf.add_n([tf.reduce_sum(x, name="x/sum"), tf.reduce_sum(y, name="y/sum")], name=scope)
        """,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_nodes(name: str, tf215: Oracle, tmp_path: Path) -> None:
    prefix = save_checkpoint(
        tmp_path / "model", {"a": np.zeros(2, np.float32), "s/b": np.zeros(3, np.int32)}
    )
    contrib, plain = (
        f"PREFIX = {prefix!r}\n" + textwrap.dedent(program).lstrip("\n") for program in PAIRS[name]
    )
    ours = _ours(contrib)
    theirs = built(plain, tf215)[1]
    for node in theirs.node:  # A type that TensorFlow infers anew when it reads a graph.
        node.ClearField("experimental_type")
    assert differences(ours, theirs) == []


def _ours(program: str) -> Any:
    with tf.Graph().as_default() as graph:
        exec(program, {"tf": tf, "np": np})
    return graph.as_graph_def()
