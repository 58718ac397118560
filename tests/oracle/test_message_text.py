"""Text of graphs: the bytes of `tf.train.write_graph`, and text that TensorFlow reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from evergraph.formats import protos
from evergraph.formats.graph_file import read_graph_def
from evergraph.formats.message_text import parse_text, to_text
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

WRITE = """
def main(tf, np, folder):
    tf.constant([0.1, 1e-30, np.inf, np.nan, -0.0], name="floats", shape=[7])
    tf.constant(0.1, name="one")
    tf.constant(["a", "dé"], name="text")
    tf.constant([b"\\xff\\"'\\n\\0"], name="bytes")
    tf.constant([1j, 2.5], name="complex")
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    tf.nn.leaky_relu(x, alpha=0.3, name="leaky")
    graph_def = tf.get_default_graph().as_graph_def()
    tf.train.write_graph(graph_def, folder, "g.pbtxt", as_text=True)
    return graph_def.SerializeToString()
"""

READ = """
from google.protobuf import text_format

def main(tf, np, text):
    return text_format.Parse(text, tf.GraphDef()).SerializeToString(deterministic=True)
"""


def test_written_and_read_alike(oracle: Oracle, tmp_path: Path) -> None:
    graph = protos.GraphDef.FromString(oracle.execute(WRITE, folder=str(tmp_path)))
    text = (tmp_path / "g.pbtxt").read_text()
    if oracle.version == "2.15":  # newer ones write floats and letters as protobuf now likes them
        assert to_text(graph, exact_floats=True) == text
    expected = protos.serialize(graph, deterministic=True)
    assert protos.serialize(parse_text(text, protos.GraphDef()), deterministic=True) == expected
    assert read_graph_def(tmp_path / "g.pbtxt").SerializeToString(deterministic=True) == expected
    for exact in (False, True):
        ours = to_text(graph, exact_floats=exact)
        assert oracle.execute(READ, text=ours) == expected
