"""Forty nodes, each of which joins the string before with itself: a string of a terabyte."""

from __future__ import annotations

from pathlib import Path

from attacks.building import Graph

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    last = graph.const("c", b"a")
    for i in range(40):
        name = "out" if i == 39 else f"n{i}"
        last = graph.node("StringJoin", name, [last, last], N=2)
    graph.save(folder)
