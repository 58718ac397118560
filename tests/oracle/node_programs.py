"""Small programs run by evergraph and by TensorFlow: the same nodes, shapes and refusals."""

from __future__ import annotations

import textwrap
from types import SimpleNamespace
from typing import Any

import numpy as np

from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

BUILD = """
def main(tf, np, program):
    exec(program, {"tf": tf, "np": np})
    graph = tf.get_default_graph()
    return graph.as_graph_def().SerializeToString(), [
        None if output.shape.rank is None else output.shape.as_list()
        for op in graph.get_operations() for output in op.outputs
    ]
"""

REFUSE = """
def main(tf, np, inputs, lines):
    found = []
    for line in lines:
        with tf.Graph().as_default():
            names = {"tf": tf, "np": np}
            exec(inputs, names)
            try:
                exec(line, names)
                found.append("")
            except Exception as error:
                found.append(type(error).__name__)
    return found
"""


def namespace(*modules: Any, **names: Any) -> SimpleNamespace:
    """The public names of ``modules``, and ``names``: what a program sees as ``tf``."""
    found = SimpleNamespace()
    for module in modules:
        vars(found).update((name, value) for name, value in vars(module).items() if name[0] != "_")
    vars(found).update(names)
    return found


def check_nodes(oracle: Oracle, tf: Any, inputs: str, program: str) -> None:
    """Asserts that both make the same nodes, and know the same of their outputs' shapes."""
    text = textwrap.dedent(inputs) + textwrap.dedent(program)
    serialized, shapes = oracle.execute(BUILD, program=text)
    theirs = GraphDef.FromString(serialized)
    with Graph().as_default() as graph:
        exec(text, {"tf": tf, "np": np})
    ours = graph.as_graph_def()
    for node in theirs.node:
        # A type that TensorFlow infers anew when it reads a graph.
        node.ClearField("experimental_type")
    for mine, other in zip(ours.node, theirs.node, strict=False):
        assert mine == other
    assert [node.name for node in ours.node] == [node.name for node in theirs.node]
    outputs = [output for op in graph.get_operations() for output in op.outputs]
    for output, shape in zip(outputs, shapes, strict=True):
        if output.dims is not None and output.op.type == "Sum" and "_grad/" in output.name:
            continue  # over axes that TensorFlow works out while it builds
        assert (None if output.dims is None else list(output.dims)) == shape, output


def check_refusals(oracle: Oracle, tf: Any, inputs: str, lines: tuple[str, ...]) -> None:
    """Asserts that both refuse each of ``lines``, with the same class of error or one of its kind."""
    inputs = textwrap.dedent(inputs)
    different = []
    for line, wanted in zip(
        lines, oracle.execute(REFUSE, inputs=inputs, lines=list(lines)), strict=True
    ):
        with Graph().as_default():
            names = {"tf": tf, "np": np}
            exec(inputs, names)
            try:
                exec(line, names)
                kinds = [""]
            except Exception as error:
                kinds = [kind.__name__ for kind in type(error).__mro__]
        if wanted not in kinds:
            different.append(
                f"{line}: {kinds[0] or 'no error'}, TensorFlow: {wanted or 'no error'}"
            )
    assert not different, "\n".join(different)
