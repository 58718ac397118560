"""A compressed block that says of itself that it expands to 4 GB."""

from __future__ import annotations

from pathlib import Path

from attacks.building import table
from evergraph.formats.block import SNAPPY
from evergraph.formats.wire import encode_varint

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    (folder / "m.index").write_bytes(table([(encode_varint((1 << 32) - 1) + bytes(30), SNAPPY)]))
