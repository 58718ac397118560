"""Five hundred nodes of 8 MB each, constant, so that whoever prepares the graph computes them all ahead."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("size", [1 << 20])
    graph.const("zero", 0.0)
    names = []
    for i in range(500):
        fill = graph.node("Fill", f"f{i}", ["size", "zero"], T=Type(FLOAT), index_type=Type(INT))
        names.append(graph.node("Exp", f"e{i}", [fill], T=Type(FLOAT)))
    graph.node("AddN", "out", names, T=Type(FLOAT), N=len(names))
    graph.save(folder)
