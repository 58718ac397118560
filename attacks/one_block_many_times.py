"""An index of 100,000 blocks that are all the same one: 5 MB to read as 100 GB."""

from __future__ import annotations

from pathlib import Path

from attacks.building import entries_block, table
from evergraph.formats.block import NO_COMPRESSION
from evergraph.formats.wire import encode_varint

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    block = entries_block([(b"", b""), (b"a", bytes(1 << 20))])
    handle = encode_varint(0) + encode_varint(len(block))
    index = entries_block([(b"%08d" % i, handle) for i in range(100_000)])
    (folder / "m.index").write_bytes(table([(block, NO_COMPRESSION)], index))
