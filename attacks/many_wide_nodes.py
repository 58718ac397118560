"""Two thousand nodes of 60,000 outputs each: every node is allowed, and together they are 120 million objects."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ValueError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", 1.0, shape=[60_000])
    for i in range(2000):
        graph.node("Unpack", f"u{i}", ["c"], T=Type(FLOAT), num=60_000, axis=0)
    graph.node("Identity", "out", ["u0"], T=Type(FLOAT))
    graph.save(folder)
