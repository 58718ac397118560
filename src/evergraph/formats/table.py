"""Sorted tables: the files of a checkpoint's index, and of a whole checkpoint in format V1.

LevelDB's table format, read and written as TensorFlow's copy of it does::

    data block*    keys and values in order (see `block`), each about 256 KiB
    metaindex      a block, empty
    index          a block: for each data block a key at or after its last one and before the
                   next block's first, and the block's handle
    footer         48 bytes: the metaindex's handle, the index's handle, zeros up to byte 40, then
                   the magic number 0xdb4775248b80fb57, little-endian

    handle:        varint64 offset, varint64 size (without the five bytes of the block's trailer)

Index keys are as short as they can be: the last key of a block, cut behind the first byte that
can be raised by one and still be before the next block's first key; behind the last block,
cut behind the first byte that can be raised at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NoReturn

from evergraph import errors
from evergraph.formats.block import (
    NO_COMPRESSION,
    SNAPPY,
    TRAILER_SIZE,
    Block,
    BlockBuilder,
    shared_length,
)
from evergraph.formats.crc32c import crc32c, mask, unmask
from evergraph.formats.damage import data_loss
from evergraph.formats.wire import WireError, decode_varint, encode_varint
from evergraph.storage.filesystem import Bytes, RandomAccessFile

MAGIC = 0xDB4775248B80FB57
FOOTER_SIZE = 48

_BLOCK_SIZE = 256 * 1024
_RESTART_INTERVAL = 16
# Blocks that have been read are kept up to this many bytes: look-ups come in neighbourhoods.
_MOST_KEPT = 32 << 20


class TableWriter:
    """Writes a table; keys are added in strictly increasing order of their bytes.

    Args:
        write: takes the table's bytes, piece by piece.
        block_size: a data block is closed when it has become this long.
        compress: Snappy-compress blocks that become an eighth shorter by it.
    """

    def __init__(
        self,
        write: Callable[[Bytes], object],
        block_size: int = _BLOCK_SIZE,
        compress: bool = False,
    ) -> None:
        self._write = write
        self._block_size = block_size
        self._compress = compress
        self._offset = 0
        self._data = BlockBuilder(_RESTART_INTERVAL)
        self._index = BlockBuilder(1)
        self._last_key: bytes | None = None
        self._closed_block: bytes | None = None  # its handle, until its index key is known

    def add(self, key: bytes, value: bytes) -> None:
        """Appends an entry. InvalidArgumentError if ``key`` is not greater than the one before."""
        if self._last_key is not None:
            if key <= self._last_key:
                raise errors.InvalidValueError(
                    None, None, f"Keys of a table increase: {key!r} after {self._last_key!r}."
                )
            if len(key) + len(value) >= 2 * self._block_size:
                self._close_block()
        if self._closed_block is not None and self._last_key is not None:
            self._index.add(separator(self._last_key, key), self._closed_block)
            self._closed_block = None
        self._last_key = key
        if self._data.add(key, value) >= self._block_size:
            self._close_block()

    def finish(self) -> None:
        """Writes what closes a table."""
        self._close_block()
        metaindex = self._write_block(BlockBuilder(_RESTART_INTERVAL).finish())
        if self._closed_block is not None and self._last_key is not None:
            self._index.add(successor(self._last_key), self._closed_block)
        handles = metaindex + self._write_block(self._index.finish())
        self._write(handles.ljust(FOOTER_SIZE - 8, b"\0") + MAGIC.to_bytes(8, "little"))

    def _close_block(self) -> None:
        if not self._data.is_empty:
            self._closed_block = self._write_block(self._data.finish())

    def _write_block(self, block: bytes) -> bytes:
        """Writes a block with its trailer; returns its handle."""
        kind = NO_COMPRESSION
        if self._compress:
            from evergraph.formats.snappy import compress

            smaller = compress(block)
            if len(smaller) < len(block) - len(block) // 8:
                block, kind = smaller, SNAPPY
        trailer = bytes((kind,))
        crc = mask(crc32c(trailer, crc32c(block)))
        self._write(block)
        self._write(trailer + crc.to_bytes(4, "little"))
        handle = encode_varint(self._offset) + encode_varint(len(block))
        self._offset += len(block) + TRAILER_SIZE
        return handle


class TableReader:
    """Finds and lists the entries of a table; several threads may.

    Blocks are read when they are needed.

    Args:
        file: the table.

    Raises:
        DataLossError: from here and all methods, if the file is no whole table.
    """

    def __init__(self, file: RandomAccessFile) -> None:
        self._file = file
        self._kept: OrderedDict[int, Block] = OrderedDict()
        self._kept_bytes = 0
        self._lock = Lock()
        if file.size < FOOTER_SIZE:
            self._fail(
                self._other_kind()
                or f"is too short to be a sorted table (sstable): it has {file.size} bytes, and the "
                f"footer alone has {FOOTER_SIZE}"
            )
        footer = bytes(file.read(file.size - FOOTER_SIZE, FOOTER_SIZE))
        magic = int.from_bytes(footer[-8:], "little")
        if magic != MAGIC:
            self._fail(
                self._other_kind()
                or f"is not a sorted table (sstable), or has lost its end: bad magic number, its last "
                f"8 bytes should be {MAGIC:#018x} and are {magic:#018x}"
            )
        try:
            self._metaindex, position = _decode_handle(footer, 0)
            index, _ = _decode_handle(footer, position)
        except WireError as error:
            self._fail(f"has a damaged footer at offset {file.size - FOOTER_SIZE}: {error}")
        try:
            entries = [
                (key, _decode_handle(handle, 0)[0])
                for key, handle in Block(self._read_block(index, "index block"), index[1])
            ]
        except WireError as error:
            self._fail(f"is damaged: the index block at offset {index[0]}: {error}", index[0])
        self._last_keys = [key for key, _ in entries]
        self._handles = [handle for _, handle in entries]
        end = 0
        for offset, size in self._handles:
            # Blocks that overlap could make a small file as large as one likes.
            if offset < end:
                self._fail(f"is damaged: the block at offset {offset} begins before {end}")
            self._check_place(offset, size, "block")
            end = offset + size + TRAILER_SIZE

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``, or None."""
        number = bisect_left(self._last_keys, key)
        if number == len(self._handles):
            return None
        with self._damage_of(number):
            entry = self._block(number).at_or_after(key)
        return entry[1] if entry is not None and entry[0] == key else None

    def first(self) -> tuple[bytes, bytes] | None:
        """The first entry, or None if there is none."""
        if not self._handles:
            return None
        with self._damage_of(0):
            return next(iter(self._block(0)), None)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields all entries, in order."""
        last: bytes | None = None
        for number in range(len(self._handles)):
            with self._damage_of(number):
                entries = list(self._block(number))  # in order among themselves
                if entries and last is not None and entries[0][0] <= last:
                    raise WireError(
                        f"keys are out of order or double: {entries[0][0]!r} after {last!r}"
                    )
            yield from entries
            if entries:
                last = entries[-1][0]

    def salvage(self) -> Iterator[tuple[bytes, bytes] | errors.DataLossError]:
        """Yields all entries of the blocks that are whole, and for each that is not the error."""
        lost = self.metaindex_damage()
        if lost is not None:
            yield lost
        for number in range(len(self._handles)):
            try:
                entries = list(self._block(number))
            except errors.DataLossError as error:
                yield error
            except WireError as error:
                yield self._loss(self._of_block(number, error), self._handles[number][0])
            else:
                yield from entries

    def metaindex_damage(self) -> errors.DataLossError | None:
        """What is wrong with the block that nothing is in, and that nothing else looks at; usually None."""
        try:
            self._read_block(self._metaindex, "metaindex block")
        except errors.DataLossError as error:
            return error
        except WireError as error:
            offset, size = self._metaindex
            what = f"is damaged: the metaindex block at offset {offset} ({size} bytes): {error}"
            return self._loss(what, offset)
        return None

    def statistics(self) -> tuple[int, int]:
        """How many data blocks there are, and how many of them are Snappy-compressed."""
        kinds = [self._file.read(offset + size, 1)[0] for offset, size in self._handles]
        return len(kinds), kinds.count(SNAPPY)

    def _block(self, number: int) -> Block:
        """A data block."""
        with self._lock:
            found = self._kept.get(number)
            if found is not None:
                self._kept.move_to_end(number)
                return found
            handle = self._handles[number]
            found = Block(self._read_block(handle, "block"), handle[1])
            self._kept[number] = found
            self._kept_bytes += found.size
            while self._kept_bytes > _MOST_KEPT:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= dropped.size
            return found

    @contextmanager
    def _damage_of(self, number: int) -> Iterator[None]:
        """Says of a WireError in which data block it is. DataLossError."""
        try:
            yield
        except WireError as error:
            self._fail(self._of_block(number, error), self._handles[number][0])

    def _of_block(self, number: int, error: WireError) -> str:
        offset, size = self._handles[number]
        return f"is damaged: the block at offset {offset} ({size} bytes): {error}"

    def _read_block(self, handle: tuple[int, int], what: str) -> bytes:
        """The bytes of a block, verified and decompressed; WireError if they cannot be."""
        offset, size = handle
        self._check_place(offset, size, what)
        stored = bytes(self._file.read(offset, size + TRAILER_SIZE))
        expected = unmask(int.from_bytes(stored[-4:], "little"))
        actual = crc32c(memoryview(stored)[:-4])
        if actual != expected:
            self._fail(
                f"is damaged: block checksum mismatch, the {what} at offset {offset} ({size} "
                f"bytes) has {actual:#010x} instead of {expected:#010x}",
                offset,
            )
        data, kind = stored[:-TRAILER_SIZE], stored[-TRAILER_SIZE]
        if kind == SNAPPY:
            from evergraph.formats.snappy import decompress

            return decompress(data)
        if kind != NO_COMPRESSION:
            raise WireError(f"compression type {kind} is not known (0 is none, 1 Snappy)")
        return data

    def _other_kind(self) -> str:
        """What the file is by its first bytes, where these are no table's; or nothing."""
        from evergraph.formats.file_kind import HEAD_SIZE, describe

        kind = describe(bytes(self._file.read(0, min(HEAD_SIZE, self._file.size))))
        if kind is None:
            return ""
        return f"is {kind}. A checkpoint was expected: not an sstable (bad magic number)"

    def _check_place(self, offset: int, size: int, what: str) -> None:
        if offset + size + TRAILER_SIZE > self._file.size - FOOTER_SIZE:
            self._fail(
                f"is damaged: bad block handle, a {what} of {size} bytes at offset {offset} does "
                f"not fit into {self._file.size} bytes",
                offset,
            )

    def _fail(self, what: str, offset: int | None = None) -> NoReturn:
        raise self._loss(what, offset)

    def _loss(self, what: str, offset: int | None) -> errors.DataLossError:
        return data_loss(self._file.path, what, offset)


def separator(key: bytes, following: bytes) -> bytes:
    """A key, short if possible, from ``key`` on and before ``following``."""
    shared = shared_length(key, following)
    if shared < min(len(key), len(following)):
        raised = key[shared] + 1
        if raised < following[shared]:
            return key[:shared] + bytes((raised,))
    return key


def successor(key: bytes) -> bytes:
    """A key, short if possible, from ``key`` on."""
    for position, byte in enumerate(key):
        if byte != 0xFF:
            return key[:position] + bytes((byte + 1,))
    return key


def _decode_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = decode_varint(data, position)
    size, position = decode_varint(data, position)
    return (offset, size), position
