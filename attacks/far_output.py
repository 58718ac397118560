"""A node of an op that nobody knows, of which another takes the output number 2,000,000,000."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ValueError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.node("NobodyKnows", "x")
    graph.node("Identity", "out", ["x:2000000000"], T=Type(FLOAT))
    graph.save(folder)
