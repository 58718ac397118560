"""Checksums made right again, so that changes get past them to the code behind."""

from __future__ import annotations

import random
from contextlib import suppress

from evergraph.formats.block import TRAILER_SIZE, Block
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.table import FOOTER_SIZE, MAGIC, TableWriter
from evergraph.formats.wire import WireError, decode_varint


def repair_table(data: bytes, seed: int) -> bytes:
    """A table with its magic number, and the checksum of every block that its index leads to.

    For half of the seeds an entry is changed instead, and the table written anew around it.
    """
    if len(data) < FOOTER_SIZE:
        return data
    table = bytearray(data[:-8] + MAGIC.to_bytes(8, "little"))
    footer = bytes(table[-FOOTER_SIZE:])
    with suppress(WireError):
        position = 0
        for _ in range(2):
            _, position = decode_varint(footer, position)
        offset, position = decode_varint(footer, position)
        size, _ = decode_varint(footer, position)
        _sum_block(table, offset, size)
        blocks = [handle for _, handle in Block(bytes(table[offset : offset + size]))]
        for handle in blocks:
            start, position = decode_varint(handle, 0)
            length, _ = decode_varint(handle, position)
            _sum_block(table, start, length)
        _sum_block(table, offset, size)
        if seed % 2:
            return _with_changed_entry(bytes(table), blocks, random.Random(seed))
    return bytes(table)


def _sum_block(table: bytearray, offset: int, size: int) -> None:
    end = offset + size + 1
    if end + 4 <= len(table):
        table[end : end + 4] = mask(crc32c(bytes(table[offset:end]))).to_bytes(4, "little")


def _with_changed_entry(table: bytes, handles: list[bytes], chance: random.Random) -> bytes:
    entries: dict[bytes, bytes] = {}
    for handle in handles:
        start, position = decode_varint(handle, 0)
        length, _ = decode_varint(handle, position)
        if start + length + TRAILER_SIZE > len(table) or table[start + length] != 0:
            return table  # Compressed, or not there.
        entries.update(Block(table[start : start + length]))
    if not entries:
        return table
    key = chance.choice(sorted(entries))
    value = bytearray(entries[key])
    if value and chance.random() < 0.8:
        value[chance.randrange(len(value))] = chance.randrange(256)
        entries[key] = bytes(value)
    else:
        entries[bytes(chance.randrange(256) for _ in range(chance.randrange(6)))] = bytes(value)
    return write_table(entries)


def write_table(entries: dict[bytes, bytes], compress: bool = False) -> bytes:
    """A table of these entries."""
    out = bytearray()
    writer = TableWriter(out.extend, block_size=200, compress=compress)
    for key in sorted(entries):
        writer.add(key, entries[key])
    writer.finish()
    return bytes(out)


def split_bundle(data: bytes) -> tuple[bytes, bytes]:
    """Index and data file of a bundle that was made one input by `join_bundle`."""
    length = int.from_bytes(data[:4], "little")
    return data[4 : 4 + length], data[4 + length :]


def join_bundle(index: bytes, data: bytes) -> bytes:
    """Index and data file as one input: the length of the index, the index, the data."""
    return len(index).to_bytes(4, "little") + index + data


def repair_bundle(data: bytes, seed: int) -> bytes:
    """A bundle with the checksums of its index, and those of the tensors that the index leads to."""
    index, values = split_bundle(data)
    index = repair_table(index, seed)
    try:
        entries = _entries(index)
        for key, value in entries.items():
            if not key:
                continue
            entry = BundleEntry.decode(value)
            if 0 <= entry.offset <= entry.offset + entry.size <= len(values):
                entry.crc = mask(crc32c(values[entry.offset : entry.offset + entry.size]))
                entries[key] = entry.encode()
    except (WireError, ValueError, OverflowError):
        return join_bundle(index, values)
    return join_bundle(write_table(entries), values)


def _entries(table: bytes) -> dict[bytes, bytes]:
    footer = table[-FOOTER_SIZE:]
    position = 0
    for _ in range(2):
        _, position = decode_varint(footer, position)
    offset, position = decode_varint(footer, position)
    size, _ = decode_varint(footer, position)
    entries: dict[bytes, bytes] = {}
    for _, handle in Block(table[offset : offset + size]):
        start, position = decode_varint(handle, 0)
        length, _ = decode_varint(handle, position)
        entries.update(Block(table[start : start + length]))
    return entries


def repair_records(data: bytes, seed: int) -> bytes:
    """Records with their checksums, as far as their lengths lead."""
    records = bytearray(data)
    position = 0
    while position + 12 <= len(records):
        head = bytes(records[position : position + 8])
        records[position + 8 : position + 12] = mask(crc32c(head)).to_bytes(4, "little")
        end = position + 12 + int.from_bytes(head, "little")
        if end + 4 > len(records):
            break
        records[end : end + 4] = mask(crc32c(bytes(records[position + 12 : end]))).to_bytes(
            4, "little"
        )
        position = end + 4
    return bytes(records)
