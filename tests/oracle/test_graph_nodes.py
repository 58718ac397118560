"""Scopes, devices, control dependencies and imports: the nodes that come out, against TensorFlow's."""

from __future__ import annotations

import pytest

from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

PROGRAMS = {
    "names are made unique, whatever their case": """
        for name in ("a", "a", "A", "a_1", "b/c", "b/c"):
            tf.constant(1, name=name)
        with tf.name_scope("a"):
            tf.constant(1, name="x")
        with tf.name_scope("scope"):
            tf.constant(1)
            with tf.name_scope("inner") as inner:
                tf.constant(1)
            with tf.name_scope(None):
                tf.constant(1)
        with tf.name_scope("scope"):
            tf.constant(1)
        with tf.name_scope(inner):
            tf.constant(1)
    """,
    "control dependencies": """
        a, b = tf.constant(1, name="a"), tf.constant(2, name="b")
        with tf.control_dependencies([a]):
            c = tf.constant(3, name="c")
            with tf.control_dependencies([b, c]):
                tf.identity(c, name="d")
                tf.identity(b, name="e")
                tf.no_op(name="f")
            with tf.control_dependencies(None):
                tf.constant(4, name="g")
    """,
    "devices": """
        with tf.device("/job:ps"):
            tf.constant(1, name="a")
            with tf.device("/gpu:1"):
                tf.constant(1, name="b")
                with tf.device("/job:worker/task:2"):
                    tf.constant(1, name="c")
                with tf.device(None):
                    tf.constant(1, name="d")
            with tf.device(lambda op: "/cpu:0" if op.type == "Const" else ""):
                tf.constant(1, name="e")
                tf.no_op(name="f")
    """,
    "colocation": """
        with tf.device("/cpu:3"):
            a = tf.constant(1, name="a")
        b = tf.constant(1, name="b")
        with tf.colocate_with(a):
            tf.constant(1, name="c")
            with tf.colocate_with(b):
                tf.constant(1, name="d")
            with tf.colocate_with(b, ignore_existing=True):
                tf.constant(1, name="e")
        with tf.device("/cpu:1"), tf.colocate_with(b):
            tf.constant(1, name="f")
    """,
    "containers and overrides": """
        graph = tf.get_default_graph()
        with graph.container("box"):
            tf.Variable(1.0, name="v")
            tf.get_variable("r", [], use_resource=True)
        with graph.gradient_override_map({"Identity": "Mine"}):
            tf.identity(tf.constant(1.0), name="i")
    """,
    "import": """
        with tf.Graph().as_default() as other:
            x = tf.placeholder(tf.float32, [2], name="x")
            with tf.device("/cpu:1"):
                y = tf.multiply(x, 2.0, name="scope/y")
            with tf.control_dependencies([y]), tf.colocate_with(y):
                tf.identity(x, name="z")
        graph_def = other.as_graph_def()
        mine = tf.constant([1.0, 2.0], name="mine")
        with tf.control_dependencies([mine]):
            tf.import_graph_def(graph_def)
        tf.import_graph_def(graph_def)
        tf.import_graph_def(graph_def, name="", input_map={"x:0": mine})
        with tf.name_scope("outer"), tf.device("/gpu:0"):
            tf.import_graph_def(graph_def, name="inner", return_elements=["z"])
    """,
    "import of a loop": """
        with tf.Graph().as_default() as other:
            tf.while_loop(lambda i: i < 5, lambda i: i + 1, [tf.constant(0)])
        tf.import_graph_def(other.as_graph_def(), name="again")
    """,
    "cond and while": """
        x = tf.placeholder(tf.float32, [], name="x")
        y = tf.cond(x > 1.0, lambda: x + 1.0, lambda: tf.constant(5.0))
        tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * x), [0, y])
    """,
    "constants of every kind": """
        tf.constant(1)
        tf.constant(1.5)
        tf.constant([1, 2, 3], dtype=tf.int64)
        tf.constant(7.0, shape=[2, 2])
        tf.constant([[True, False]])
        tf.constant(["text", b"bytes"])
        tf.constant(np.arange(6, dtype=np.float64).reshape(2, 3))
        tf.constant(np.float16(1.5))
        tf.constant([])
        tf.constant(1 + 2j)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_nodes(tf215: Oracle, name: str) -> None:
    assert differences(*built(PROGRAMS[name], tf215), without=()) == []
