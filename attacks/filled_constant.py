"""A constant of 512 GB, written as one element and a shape; then one is added to it."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", 1.5, shape=[1 << 37])
    graph.node("AddV2", "out", ["c", "c"], T=Type(FLOAT))
    graph.save(folder)
