"""A TensorArray with two thousand million places."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("size", (1 << 31) - 1)
    graph.node("TensorArrayV3", "array", ["size"], dtype=Type(FLOAT))
    graph.node("TensorArraySizeV3", "out", ["array", "array:1"])
    graph.save(folder)
