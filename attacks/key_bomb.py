"""Two hundred thousand keys of a megabyte: each repeats the one before and adds a byte."""

from __future__ import annotations

from pathlib import Path

from attacks.building import table
from evergraph.formats.block import NO_COMPRESSION
from evergraph.formats.bundle_entry import BundleHeader
from evergraph.formats.wire import encode_varint

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    shared = 1 << 20
    header = BundleHeader(num_shards=1).encode()
    block = b"\0\0" + encode_varint(len(header)) + header
    block += b"\0" + encode_varint(shared) + b"\0" + b"a" * shared
    entries = b"".join(encode_varint(shared + i) + b"\x01\0b" for i in range(200_000))
    tail = (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    (folder / "m.index").write_bytes(table([(block + entries + tail, NO_COMPRESSION)]))
