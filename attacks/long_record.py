"""A record that says of itself, with the right checksum, that it is 2**62 bytes long."""

from __future__ import annotations

from pathlib import Path

from evergraph.formats.crc32c import crc32c, mask

WAY = "events"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    length = (1 << 62).to_bytes(8, "little")
    head = length + mask(crc32c(length)).to_bytes(4, "little")
    (folder / "events").write_bytes(head + bytes(1000))
