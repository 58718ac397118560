"""A graph with ten thousand messages, one in another."""

from __future__ import annotations

from pathlib import Path

from evergraph.formats.wire import bytes_field

WAY = "model"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    inner = b""
    for _ in range(10_000):
        inner = bytes_field(10, bytes_field(2, bytes_field(1, b"k") + bytes_field(2, inner)))
    node = bytes_field(1, b"out") + bytes_field(5, bytes_field(1, b"f") + bytes_field(2, inner))
    (folder / "model.pb").write_bytes(bytes_field(1, node))
