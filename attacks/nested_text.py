"""A graph in text form with a hundred thousand brackets, one in another."""

from __future__ import annotations

from pathlib import Path

WAY = "text"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    depth = 100_000
    nested = "func { attr { value { " * depth
    (folder / "model.pbtxt").write_text('node { attr { key: "f" value { ' + nested)
