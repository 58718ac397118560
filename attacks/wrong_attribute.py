"""Attributes of another kind than their op has: a number where a type is expected."""

from __future__ import annotations

from pathlib import Path

from attacks.building import Graph

WAY = "model"
ERRORS = ("ValueError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", 1.0)
    graph.node("Identity", "out", ["c"], T=1)
    graph.save(folder)
