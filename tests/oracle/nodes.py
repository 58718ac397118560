"""Comparing graphs node for node: one program, built by TensorFlow and by evergraph."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from evergraph import tf1
from evergraph.formats.protos import GraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

_MAIN = """
def main(tf, np):
{body}
    return tf.get_default_graph().as_graph_def().SerializeToString()
"""


def built(program: str, oracle: Oracle) -> tuple[Any, Any]:
    """The GraphDefs of a program's graph: evergraph's and TensorFlow's."""
    source = _MAIN.format(body=textwrap.indent(textwrap.dedent(program).strip(), "    "))
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    with Graph().as_default():
        ours = GraphDef.FromString(namespace["main"](tf1, np))
    return ours, GraphDef.FromString(oracle.execute(source))


def differences(ours: Any, theirs: Any, without: tuple[str, ...] = ("gradients/",)) -> list[str]:
    """Where two GraphDefs differ: nodes, their order, ops, inputs, devices and attributes.

    ``without``: beginnings of names that are left out on both sides.
    """
    mine = [node for node in ours.node if not node.name.startswith(without)]
    stock = [node for node in theirs.node if not node.name.startswith(without)]
    found = []
    names, stock_names = [node.name for node in mine], [node.name for node in stock]
    if names != stock_names:
        missing = [name for name in stock_names if name not in set(names)]
        extra = [name for name in names if name not in set(stock_names)]
        found.append(f"missing {missing}, extra {extra}" if missing or extra else f"order {names}")
    by_name = {node.name: node for node in stock}
    for node in mine:
        other = by_name.get(node.name)
        if other is not None and node != other:
            found.append(f"{node.name}:\n{node}\nTensorFlow has:\n{other}")
    return found
