"""Programs with queues: TensorFlow's nodes, and the order in which it shuffles."""

from __future__ import annotations

from typing import Any

import pytest

from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from evergraph.ops.constant import constant
from evergraph.ops.queue_classes import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from evergraph.ops.random_seed import set_random_seed
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

NODES = """
q = FIFOQueue(10, [float32, string], shapes=[(), (2,)], shared_name="shared")
q.enqueue([1.0, ["a", "b"]])
q.enqueue([constant(2.0), ["a", "b"]], name="put")
q.enqueue_many([[1.0], [["a", "b"]]])
q.dequeue(), q.dequeue_many(3), q.dequeue_up_to(2), q.dequeue(name="take")
q.size(), q.is_closed(), q.close(), q.close(cancel_pending_enqueues=True, name="end")
PaddingFIFOQueue(5, [float32], [(None, 3)]).dequeue_many(2)
set_random_seed(7)
RandomShuffleQueue(5, 2, float32).dequeue()
RandomShuffleQueue(5, 2, float32, shapes=(), seed=3, name="mine").dequeue_many(2)
RandomShuffleQueue(5, 2, float32, shared_name="both")
"""

SHUFFLE = """
q = RandomShuffleQueue(100, 0, float32, shapes=(), seed=3)
put, take, close = q.enqueue_many([[float(i) for i in range(20)]]), q.dequeue(), q.close()
"""

THEIRS = """
def main(tf, np, program, steps):
    tf = tf.compat.v1
    with tf.Graph().as_default() as graph:
        names = {key: getattr(tf, key) for key in NAMES}
        exec(program, names)
        if not steps:
            return graph.as_graph_def().SerializeToString()
        with tf.Session() as session:
            session.run(names["put"])
            return [float(session.run(names["take"])) for _ in range(steps)]
"""
NAMES: dict[str, Any] = {
    "FIFOQueue": FIFOQueue,
    "PaddingFIFOQueue": PaddingFIFOQueue,
    "RandomShuffleQueue": RandomShuffleQueue,
    "float32": dtypes.float32,
    "string": dtypes.string,
    "constant": constant,
    "set_random_seed": set_random_seed,
}
THEIRS = THEIRS.replace("NAMES", repr(sorted(NAMES)))


def nodes(data: bytes) -> dict[str, object]:
    found = GraphDef.FromString(data).node
    return {node.name: (node.op, list(node.input), dict(node.attr)) for node in found}


def test_nodes(tf215: Oracle) -> None:
    theirs = nodes(tf215.execute(THEIRS, program=NODES, steps=0))
    with Graph().as_default() as graph:
        exec(NODES, dict(NAMES))
    ours = nodes(graph.as_graph_def().SerializeToString())
    assert list(ours) == list(theirs)
    assert ours == theirs


def test_shuffling(tf215: Oracle) -> None:
    theirs = tf215.execute(THEIRS, program=SHUFFLE, steps=20)
    names = dict(NAMES)
    with Graph().as_default(), Session() as session:
        exec(SHUFFLE, names)
        session.run(names["put"])
        assert [float(session.run(names["take"])) for _ in range(20)] == theirs
