"""Graphs that come near what protobuf takes (2 GB), and the constants in them that make them so."""

from __future__ import annotations

import heapq
import logging
from typing import Any

from evergraph import errors
from evergraph.formats import protos

#: From here on a graph is said to be large.
LARGE = 900 << 20
_SHOWN = 10
_LOG = logging.getLogger("evergraph")


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


def serialized(message: Any, path: str) -> bytes:
    """The bytes of a message (a graph, or one with a ``graph_def``) that go to ``path``; large ones are noticed.

    Raises InvalidArgumentError where protobuf could not read them again.
    """
    graph_def = getattr(message, "graph_def", message)
    try:
        contents = protos.serialize(message)
    except errors.InvalidArgumentError as error:
        told = f"{path}: {error.message} {sentence(graph_def)}"
        raise errors.InvalidArgumentError(None, None, told) from None
    if len(contents) > LARGE:
        _LOG.warning(
            "%s is large: %s bytes of the 2,147,483,647 that protobuf takes. %s",
            path,
            f"{len(contents):,}",
            sentence(graph_def),
        )
    return contents
