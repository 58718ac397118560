"""A list of a million elements that were never set, each of a megabyte by its shape, is stacked."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("shape", [1 << 18])
    graph.const("count", 1 << 20)
    kinds = {"element_dtype": Type(FLOAT), "shape_type": Type(INT)}
    graph.node("TensorListReserve", "list", ["shape", "count"], **kinds)
    graph.node(
        "TensorListStack", "out", ["list", "shape"], element_dtype=Type(FLOAT), num_elements=-1
    )
    graph.save(folder)
