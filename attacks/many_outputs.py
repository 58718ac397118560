"""A node with two thousand million outputs."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ValueError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("axis", 0)
    graph.const("c", [1.0, 2.0])
    graph.node("Split", "out", ["axis", "c"], T=Type(FLOAT), num_split=(1 << 31) - 1)
    graph.save(folder)
