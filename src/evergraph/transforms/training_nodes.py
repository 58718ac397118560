"""Removing nodes that matter for training only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.formats.protos import GraphDef
from evergraph.graph.importer import parse_input
from evergraph.transforms.subgraph import node_names, nodes_by_name

_SPLICED = frozenset(("Identity", "CheckNumerics"))


def remove_training_nodes(
    input_graph: Any, protected_nodes: str | Sequence[str] | None = None
) -> Any:
    """The graph without Identity and CheckNumerics nodes: what took their output takes their input.

    Nodes with control inputs or that are control inputs, and those named in ``protected_nodes``, stay.
    """
    nodes = nodes_by_name(input_graph)
    kept = set(node_names(protected_nodes or []))
    for node in input_graph.node:
        for text in node.input:
            if text.startswith("^"):
                kept.update((node.name, text[1:]))
    # The function library names no nodes of the graph: it goes along as it is.
    spliced = {
        node.name: node.input[0]
        for node in input_graph.node
        if node.op in _SPLICED and node.name not in kept and len(node.input) == 1
    }

    def source(text: str) -> str:
        seen: set[str] = set()
        while True:
            name = parse_input(text).node
            if text.startswith("^") or name not in spliced or name in seen or name not in nodes:
                return text
            seen.add(name)
            text = spliced[name]

    result = GraphDef()
    result.library.CopyFrom(input_graph.library)
    result.versions.CopyFrom(input_graph.versions)
    for node in input_graph.node:
        if node.name in spliced:
            continue
        copy = result.node.add()
        copy.CopyFrom(node)
        copy.input[:] = [source(text) for text in node.input]
    return result
