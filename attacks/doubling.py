"""Forty nodes, each of which joins the one before with itself: 2**40 elements."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("axis", 0)
    graph.const("c", [1.0])
    last = graph.node("PlaceholderWithDefault", "p", ["c"], dtype=Type(FLOAT), shape=(-1,))
    for i in range(40):
        name = "out" if i == 39 else f"n{i}"
        inputs = [last, last, "axis"]
        last = graph.node("ConcatV2", name, inputs, T=Type(FLOAT), Tidx=Type(INT), N=2)
    graph.save(folder)
