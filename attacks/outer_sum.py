"""A column and a row of 400 kB each: their sum takes 40 GB."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("a", 1.0, shape=[100_000, 1])
    graph.const("b", 1.0, shape=[1, 100_000])
    for name in "ab":
        graph.node("PlaceholderWithDefault", f"{name}p", [name], dtype=Type(FLOAT), shape=(-1, -1))
    graph.node("AddV2", "out", ["ap", "bp"], T=Type(FLOAT))
    graph.save(folder)
