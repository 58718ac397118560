"""What attacks are made of: messages and tables that no honest writer writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evergraph.formats.block import NO_COMPRESSION
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.protos import GraphDef
from evergraph.formats.table import FOOTER_SIZE, MAGIC, TableWriter
from evergraph.formats.tensor_proto import make_tensor_proto
from evergraph.formats.wire import encode_varint

FLOAT, INT, STRING, RESOURCE, VARIANT = 1, 3, 7, 20, 21


class Graph:
    """A GraphDef, node by node."""

    def __init__(self) -> None:
        self.message = GraphDef()
        self.message.versions.producer = 1087

    def node(self, op: str, name: str, inputs: Sequence[str] = (), **attrs: Any) -> str:
        """Adds a node; types are DataType numbers in ``attrs`` whose names begin with ``T``, ``dtype`` or end so."""
        node = self.message.node.add(name=name, op=op, input=list(inputs))
        for key, value in attrs.items():
            _set(node.attr[key], value)
        return name

    def const(self, name: str, value: Any, dtype: Any = None, shape: Any = None) -> str:
        """Adds a constant; ``shape`` repeats the value."""
        tensor = make_tensor_proto(value, dtype, shape)
        return self.node("Const", name, dtype=Type(tensor.dtype), value=tensor)

    def save(self, folder: Path) -> None:
        """Writes ``model.pb``."""
        (folder / "model.pb").write_bytes(self.message.SerializeToString())


class Type(int):
    """A DataType number."""


def _set(attr: Any, value: Any) -> None:
    if isinstance(value, Type):
        attr.type = value
    elif isinstance(value, bool):
        attr.b = value
    elif isinstance(value, int):
        attr.i = value
    elif isinstance(value, bytes):
        attr.s = value
    elif isinstance(value, str):
        attr.func.name = value
    elif isinstance(value, list):
        attr.list.type.extend(value)
    elif isinstance(value, tuple):
        attr.shape.SetInParent()
        for size in value:
            attr.shape.dim.add(size=size)
    else:
        attr.tensor.CopyFrom(value)


def bundle(
    folder: Path,
    entries: Mapping[str | bytes, BundleEntry],
    data: bytes,
    header: BundleHeader | None = None,
    prefix: str = "m",
) -> None:
    """A V2 checkpoint with these entries; the checksums of those that lie within ``data`` are right."""
    out = bytearray()
    writer = TableWriter(out.extend)
    writer.add(b"", (header or BundleHeader(num_shards=1)).encode())
    keys = {
        name.encode() if isinstance(name, str) else name: entry for name, entry in entries.items()
    }
    for key in sorted(keys):
        entry = keys[key]
        entry.crc = mask(crc32c(data[entry.offset : entry.offset + entry.size]))
        writer.add(key, entry.encode())
    writer.finish()
    (folder / f"{prefix}.index").write_bytes(out)
    (folder / f"{prefix}.data-00000-of-00001").write_bytes(data)


def table(blocks: Sequence[tuple[bytes, int]], index: bytes | None = None) -> bytes:
    """A table of blocks as they are, each with its kind of compression, under the keys ``b"\\x01"``, ``b"\\x02"``..."""
    out = bytearray()

    def add(block: bytes, kind: int) -> bytes:
        handle = encode_varint(len(out)) + encode_varint(len(block))
        stored = block + bytes((kind,))
        out.extend(stored + mask(crc32c(stored)).to_bytes(4, "little"))
        return handle

    handles = [add(block, kind) for block, kind in blocks]
    keys = [bytes((0xFF, number)) for number in range(len(blocks))]
    known = index if index is not None else entries_block(list(zip(keys, handles, strict=True)))
    place = add(entries_block([]), NO_COMPRESSION) + add(known, NO_COMPRESSION)
    out.extend(place.ljust(FOOTER_SIZE - 8, b"\0") + MAGIC.to_bytes(8, "little"))
    return bytes(out)


def entries_block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A block of entries, every key whole."""
    block = b"".join(
        b"\0" + encode_varint(len(key)) + encode_varint(len(value)) + key + value
        for key, value in entries
    )
    return block + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
