"""MetaGraphs against TensorFlow's: the messages themselves, and training that goes on, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.protos import GraphDebugInfo, MetaGraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_MODEL = """
def model(tf, np):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("layer", use_resource={resource}):
        w = tf.get_variable("w", [3, 2], initializer=tf.constant_initializer(0.5))
        b = tf.get_variable("b", [2], initializer=tf.zeros_initializer())
    y = tf.matmul(x, w) + b
    loss = tf.reduce_mean(tf.square(y - 1.0), name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer(0.01).minimize(loss, global_step=step)
    tf.add_to_collection("outputs", y)
    tf.add_to_collection("notes", "text")
    tf.add_to_collection("numbers", 3)
    return tf.train.Saver()
"""
_EXPORT = """
def main(tf, np):
    saver = model(tf, np)
    return saver.export_meta_graph().SerializeToString()
"""
_SAVE = """
def main(tf, np, prefix):
    saver = model(tf, np)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(tf.get_collection("train_op")[0], {"x:0": np.ones((4, 3), np.float32)})
        return saver.save(sess, prefix, global_step=3)
"""
_GO_ON = """
def main(tf, np, prefix):
    with tf.Session() as sess:
        saver = tf.train.import_meta_graph(prefix + ".meta")
        saver.restore(sess, prefix)
        for _ in range(3):
            sess.run(tf.get_collection("train_op")[0], {"x:0": np.ones((4, 3), np.float32)})
        names = sorted(v.name for v in tf.global_variables())
        found = {v.name: sess.run(v) for v in tf.global_variables()}
        found["y"] = sess.run(tf.get_collection("outputs")[0], {"x:0": np.ones((1, 3), np.float32)})
        return found
"""


def here(source: str, **arguments: Any) -> Any:
    """The program run by evergraph."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, **arguments)


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_messages(tf215: Oracle, resource: bool) -> None:
    source = _MODEL.format(resource=resource) + _EXPORT
    ours = MetaGraphDef.FromString(here(source))
    theirs = MetaGraphDef.FromString(tf215.execute(source))
    assert ours.saver_def == theirs.saver_def
    assert set(ours.collection_def) == set(theirs.collection_def)
    for key in theirs.collection_def:
        assert ours.collection_def[key] == theirs.collection_def[key], key
    used = {op.name for op in ours.meta_info_def.stripped_op_list.op}
    assert used == {node.op for node in ours.graph_def.node}


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_training_goes_on_there(oracle: Oracle, tmp_path: Path, resource: bool) -> None:
    prefix = here(_MODEL.format(resource=resource) + _SAVE, prefix=str(tmp_path / "model"))
    compare(oracle.execute(_GO_ON, prefix=prefix), here(_GO_ON, prefix=prefix))


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_training_goes_on_here(oracle: Oracle, tmp_path: Path, resource: bool) -> None:
    source = _MODEL.format(resource=resource) + _SAVE
    prefix = oracle.execute(source, prefix=str(tmp_path / "model"))
    compare(here(_GO_ON, prefix=prefix), oracle.execute(_GO_ON, prefix=prefix))


def compare(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-5, atol=1e-6, err_msg=name)


_DEBUG = """
def main(tf, np, path):
    model(tf, np)
    tf.train.export_meta_graph(path + ".meta", save_debug_info=True)
"""


def test_where_the_nodes_were_made(tf215: Oracle, tmp_path: Path) -> None:
    source = _MODEL.format(resource=False) + _DEBUG
    here(source, path=str(tmp_path / "ours"))
    tf215.execute(source, path=str(tmp_path / "theirs"))
    ours, theirs = (
        GraphDebugInfo.FromString((tmp_path / f"{name}.debug").read_bytes())
        for name in ("ours", "theirs")
    )

    def lines(message: Any, node: str) -> list[tuple[int, str]]:
        """The lines of the program that made a node."""
        trace = message.traces_by_id[message.name_to_trace_id[node + "@"]]
        frames = [message.frames_by_id[number] for number in trace.frame_id]
        return [(f.line, f.func) for f in frames if f.func in ("model", "main")]

    for node in ("x", "layer/w", "MatMul", "loss", "Adam"):
        assert lines(ours, node) == lines(theirs, node)
        assert len(lines(ours, node)) == 2
