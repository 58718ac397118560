"""A string that says of itself that it is 2**62 bytes long."""

from __future__ import annotations

from pathlib import Path

from attacks.building import STRING, bundle
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.wire import encode_varint

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    length = 1 << 62
    checksum = mask(crc32c(length.to_bytes(8, "little"))).to_bytes(4, "little")
    data = encode_varint(length) + checksum + bytes(20)
    bundle(folder, {"a": BundleEntry(STRING, (1,), size=len(data))}, data)
