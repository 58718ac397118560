"""A graph that writes a file where the victim's may be."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph, Type

WAY = "model"
ERRORS = ("PermissionDeniedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("path", str(folder / "written").encode())
    graph.const("text", b"import os")
    graph.node("WriteFile", "write", ["path", "text"])
    graph.const("c", 1.0)
    graph.node("Identity", "out", ["c", "^write"], T=Type(FLOAT))
    graph.save(folder)
