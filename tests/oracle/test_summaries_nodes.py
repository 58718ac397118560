"""The nodes that tf.summary makes, against TensorFlow's; and what its images show."""

from __future__ import annotations

import numpy as np
import pytest

from evergraph.formats.protos import GraphDef, Summary
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import name_scope
from evergraph.ops import summaries
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

PROGRAM = """
x = constant([[1.0, -2.0], [3.0, 4.0]])
with name_scope("outer"):
    summary.scalar("loss value", constant(1.5))
    summary.scalar("rate", constant(2), family="fam/ily")
summary.histogram("h", x)
summary.histogram("h", x, collections=["other"])
summary.image("pictures", constant([[[[0.5], [-1.0]]]]), max_outputs=2)
summary.tensor_summary("t", x, summary_description="what", display_name="T")
summary.merge(summary_all)
summary.merge_all()
"""

IN_TENSORFLOW = """
def main(tf, np, program):
    tf = tf.compat.v1
    with tf.Graph().as_default() as graph:
        names = {"constant": tf.constant, "name_scope": tf.name_scope, "summary": tf.summary,
                 "summary_all": ["a", "b"]}
        exec(program, names)
        return graph.as_graph_def().SerializeToString()
"""

IMAGES = """
def main(tf, np, pixels, data):
    tf = tf.compat.v1
    with tf.Graph().as_default(), tf.Session() as session:
        summary = tf.Summary.FromString(session.run(tf.summary.image("i", tf.constant(pixels), 3)))
        other = tf.Summary.FromString(data)
        assert [v.tag for v in summary.value] == [v.tag for v in other.value]
        decode = lambda v: session.run(tf.image.decode_png(v.image.encoded_image_string))
        return [[decode(a), decode(b)] for a, b in zip(summary.value, other.value)]
"""


def nodes(data: bytes) -> dict[str, object]:
    return {
        node.name: (node.op, list(node.input), dict(node.attr))
        for node in GraphDef.FromString(data).node
    }


def test_nodes(tf215: Oracle) -> None:
    theirs = nodes(tf215.execute(IN_TENSORFLOW, program=PROGRAM))
    with Graph().as_default() as graph:
        names = {"constant": constant, "name_scope": name_scope, "summary": summaries,
                 "summary_all": ["a", "b"]}  # fmt: skip
        exec(PROGRAM, names)
        ours = nodes(graph.as_graph_def().SerializeToString())
    assert list(ours) == list(theirs)
    assert ours == theirs


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_images(tf215: Oracle, channels: int, kind: str, low: float) -> None:
    random = np.random.RandomState(3)
    pixels = random.uniform(low, 2, (2, 5, 4, channels))
    pixels = (pixels * 50 + 50 if kind == "uint8" else pixels).astype(kind)
    if kind != "uint8":
        pixels[0, 1, 2, 0] = np.nan
    with Graph().as_default(), Session() as session:
        node = summaries.image("i", constant(pixels), 3)
        data = session.run(node)
        assert len(Summary.FromString(data).value) == 2
    for theirs, ours in tf215.execute(IMAGES, pixels=pixels, data=data):
        np.testing.assert_array_equal(ours, theirs)
