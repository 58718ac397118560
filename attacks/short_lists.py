"""A hundred constants of half a gigabyte, each written as two elements, where a shape is to be known."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type
from evergraph.formats.protos import TensorProto

WAY = "model"
ERRORS = ("ValueError", "InvalidArgumentError", "ResourceExhaustedError")


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", [1.0])
    graph.node("PlaceholderWithDefault", "x", ["c"], dtype=Type(FLOAT), shape=(-1,))
    for i in range(100):
        value = TensorProto(dtype=INT, int_val=[1, 2])
        value.tensor_shape.dim.add(size=1 << 27)
        graph.node("Const", f"s{i}", dtype=Type(INT), value=value)
        graph.node("Reshape", f"r{i}", ["x", f"s{i}"], T=Type(FLOAT), Tshape=Type(INT))
    graph.node("Identity", "out", ["r0"], T=Type(FLOAT))
    graph.save(folder)
