"""Control flow against stock TensorFlow: the same nodes (of gradients too), the same contexts, the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.protos import CondContextDef, GraphDef, MetaGraphDef, WhileContextDef
from evergraph.graph.graph import Graph
from evergraph.train.meta_graph import import_scoped_meta_graph
from tests.control_flow_programs import PROGRAMS, RUN
from tests.oracle.client import Oracle
from tests.oracle.nodes import differences
from tests.runtime.test_control_flow import same

pytestmark = pytest.mark.oracle

EXPORT = """
def main(tf, np):
    build(tf, np)
    return tf.train.export_meta_graph().SerializeToString()
"""
NODES = """
def main(tf, np):
    build(tf, np)
    return tf.get_default_graph().as_graph_def().SerializeToString()
"""
CONTEXTS = {"cond_context": CondContextDef, "while_context": WhileContextDef}


def stock(name: str, oracle: Oracle) -> Any:
    return MetaGraphDef.FromString(oracle.execute(PROGRAMS[name].source + EXPORT))


def ours(name: str) -> Graph:
    namespace: dict[str, Any] = {}
    exec(PROGRAMS[name].source, namespace)
    with Graph().as_default() as graph:
        namespace["build"](tf1, np)
    return graph


def contexts(meta: Any, key: str) -> list[Any]:
    return [CONTEXTS[key].FromString(data) for data in meta.collection_def[key].bytes_list.value]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_values(name: str, tf215: Oracle) -> None:
    found = tf215.execute(PROGRAMS[name].source + RUN)
    for value, expected in zip(found, PROGRAMS[name].expected, strict=True):
        same(value, expected)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_nodes(name: str, tf215: Oracle) -> None:
    mine = ours(name).as_graph_def()
    theirs = GraphDef.FromString(tf215.execute(PROGRAMS[name].source + NODES))
    for graph_def in (mine, theirs):
        for node in graph_def.node:
            node.ClearField("experimental_type")
            if node.op.startswith("PyFunc"):
                # Tokens are counted over the whole process.
                node.attr["token"].s = b"pyfunc"
    assert differences(mine, theirs, without=()) == []


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_contexts(name: str, tf215: Oracle) -> None:
    meta, graph = stock(name, tf215), ours(name)
    for key in CONTEXTS:
        written = [context.to_proto() for context in graph.get_collection(key)]
        assert written == contexts(meta, key)


@pytest.mark.parametrize("scope", [None, "inside"])
@pytest.mark.parametrize(
    "name", ["gradient of loops in loops", "conds in conds", "a cond in a loop"]
)
def test_contexts_of_an_imported_graph(name: str, scope: str | None, tf215: Oracle) -> None:
    meta = stock(name, tf215)
    with Graph().as_default() as graph:
        import_scoped_meta_graph(meta, import_scope=scope)
    for key in CONTEXTS:
        written = [context.to_proto(scope) for context in graph.get_collection(key)]
        assert written == contexts(meta, key)


LOOP = """
def build(tf, np):
    x = tf.placeholder(tf.float32, [], name="x")

    def body(i, a):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: a + x)

    tf.while_loop(lambda i, a: i < 4, body, (0, 1.0), name="loop")
"""
GRADIENT = """
def main(tf, np, meta):
    tf.train.import_meta_graph(tf.MetaGraphDef.FromString(meta))
    graph = tf.get_default_graph()
    x, y = graph.get_tensor_by_name("x:0"), graph.get_tensor_by_name("loop/Exit_1:0")
    with tf.Session() as session:
        return session.run(tf.gradients(y, x)[0], {x: 3.0}).item()
"""


def test_a_loop_read_from_a_file_has_a_gradient(tf215: Oracle) -> None:
    """In both directions: the loop of one is differentiated by the other."""
    namespace: dict[str, Any] = {}
    exec(LOOP + GRADIENT, namespace)
    with Graph().as_default():
        namespace["build"](tf1, np)
        written = tf1.train.export_meta_graph().SerializeToString()
    read = tf215.execute(LOOP + EXPORT)
    with Graph().as_default():
        mine = namespace["main"](tf1, np, read)
    theirs = tf215.execute(LOOP + GRADIENT, meta=written)
    # y = ((x + x) * x + x), so dy/dx = 4 x + 1
    assert mine == theirs == 13.0


def test_what_is_written_runs_in_tensorflow(tf215: Oracle) -> None:
    """The gradient's nodes too: TensorFlow runs evergraph's graph to the same numbers."""
    for name in ("gradient of loops in loops", "gradient of arrays", "scan"):
        namespace: dict[str, Any] = {}
        exec(PROGRAMS[name].source, namespace)
        with Graph().as_default() as graph:
            feeds, fetches = namespace["build"](tf1, np)
        found = tf215.run_graph(
            graph.as_graph_def().SerializeToString(),
            {tensor.name: np.float32(value) for tensor, value in feeds.items()},
            [fetch.name for fetch in fetches],
        )
        for value, expected in zip(found, PROGRAMS[name].expected, strict=True):
            same(value.tolist(), expected)
