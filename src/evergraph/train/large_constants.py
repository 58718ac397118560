"""Graphs that come near what protobuf takes (2 GB), and the constants in them that make them so."""

from __future__ import annotations

import heapq
from typing import Any

#: From here on a graph is said to be large.
LARGE = 900 << 20
_SHOWN = 10


def largest_constants(graph_def: Any, count: int = _SHOWN) -> list[tuple[int, str]]:
    """The largest constants of a GraphDef: bytes and name, largest first."""
    sizes = (
        (node.attr["value"].tensor.ByteSize(), node.name)
        for node in graph_def.node
        if node.op == "Const"
    )
    return heapq.nlargest(count, sizes)


def sentence(graph_def: Any) -> str:
    """What makes a graph large, and what to do."""
    found = largest_constants(graph_def)
    listed = ", ".join(f"{name} ({size:,} bytes)" for size, name in found)
    return (
        f"Its largest constants are {listed or 'none'}. Values belong into variables, which are saved beside the "
        "graph: tf.Variable(placeholder, trainable=False), with the value fed when it is initialized; or feed them."
    )
