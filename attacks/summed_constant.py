"""A constant of 2**50 elements, written as one, is summed: hours of work, or all memory."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", 1.5, shape=[1 << 50])
    graph.const("axis", [0])
    graph.node("Sum", "out", ["c", "axis"], T=Type(FLOAT), Tidx=Type(INT))
    graph.save(folder)
