"""A graph that calls a Python function of the victim's program by the name that it was registered under."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, Graph

WAY = "model"
ERRORS = ("PermissionDeniedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.node("PyFunc", "out", [], token=b"pyfunc_0", Tin=[], Tout=[FLOAT])
    graph.save(folder)
