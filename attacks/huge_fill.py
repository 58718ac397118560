"""Fill makes a terabyte; its size is an input of the run, so that no shape is known before."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, INT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("size", [1 << 20, 1 << 18])
    graph.node("PlaceholderWithDefault", "p", ["size"], dtype=Type(INT), shape=(2,))
    graph.const("one", 1.0)
    graph.node("Fill", "out", ["p", "one"], T=Type(FLOAT), index_type=Type(INT))
    graph.save(folder)
