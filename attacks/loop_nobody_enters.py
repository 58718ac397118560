"""A list that comes from a loop that nothing leads into: whoever looks for where it was made goes around for ever."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, VARIANT, Graph, Type

WAY = "model"
ERRORS = ("ValueError", "InternalError")


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("i", 0)
    graph.const("shape", [1])
    graph.const("count", 1)
    kinds = {"element_dtype": Type(FLOAT), "shape_type": Type(INT)}
    graph.node("TensorListReserve", "list", ["shape", "count"], **kinds)
    graph.node("Merge", "merge", ["next", "list"], T=Type(VARIANT), N=2)
    graph.node("NextIteration", "next", ["merge"], T=Type(VARIANT))
    inputs = ["merge", "i", "shape"]
    graph.node("TensorListGetItem", "out", inputs, element_dtype=Type(FLOAT))
    graph.save(folder)
