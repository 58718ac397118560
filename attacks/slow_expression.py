"""A regular expression that takes 2**60 steps where the matcher goes back."""

from __future__ import annotations

from pathlib import Path

from attacks.building import Graph

WAY = "model"
ERRORS = ("ResourceExhaustedError",)


def make(folder: Path) -> None:
    graph = Graph()
    graph.const("c", b"a" * 60 + b"b")
    graph.node("StaticRegexReplace", "out", ["c"], pattern=b"(a+)+$", rewrite=b"")
    graph.save(folder)
