"""A graph that reads a file of the victim's and gives what is in it as its result."""

from __future__ import annotations

from pathlib import Path

from attacks.building import Graph

WAY = "model"
ERRORS = ("PermissionDeniedError",)


def make(folder: Path) -> None:
    (folder / "secret").write_bytes(b"the secret")
    graph = Graph()
    graph.const("path", str(folder / "secret").encode())
    graph.node("ReadFile", "out", ["path"])
    graph.save(folder)
