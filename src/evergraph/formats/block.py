"""A block of a sorted table: keys in order, each stored as what it adds to the one before.

::

    entry*        one a key
    restart*      uint32, little-endian: offsets of entries whose key is stored whole
    count         uint32: number of restarts, at least 1

    entry:
      shared      varint32: how many bytes of the key are those of the key before
      unshared    varint32: how many follow
      length      varint32: of the value
      key bytes   unshared
      value bytes length

Every 16th key of a data block and every key of an index block is a restart, so a key is found by
binary search over the restarts and a short scan. Keys compare as bytes and strictly increase.

In the file a block is followed by a trailer of five bytes: how it is compressed (0 not, 1 Snappy)
and the masked CRC-32C of the stored bytes and that one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from evergraph.formats.wire import WireError, decode_varint, encode_varint

TRAILER_SIZE = 5
NO_COMPRESSION, SNAPPY = 0, 1

# A key that repeats most of the key before takes a few bytes, so a small hostile block could spell
# gigabytes of keys. Real blocks stay far below this many key bytes for each byte of the block in the file.
_MOST_KEY_BYTES_PER_BYTE = 64
_FEW_KEY_BYTES = 1 << 16


class BlockBuilder:
    """Gathers entries, in order of their keys, and makes the block's bytes."""

    def __init__(self, restart_interval: int) -> None:
        self._interval = restart_interval
        self._parts: list[bytes] = []
        self._length = 0
        self._restarts = [0]
        self._since_restart = 0
        self._last_key = b""

    def add(self, key: bytes, value: bytes) -> int:
        """Appends an entry; ``key`` is greater than the one before. Returns how long the block would be now."""
        shared = 0
        if self._since_restart < self._interval:
            shared = shared_length(self._last_key, key)
        else:
            self._restarts.append(self._length)
            self._since_restart = 0
        unshared, length = len(key) - shared, len(value)
        if (shared | unshared | length) < 0x80:
            head = bytes((shared, unshared, length))
        else:
            head = b"".join(map(encode_varint, (shared, unshared, length)))
        self._parts += head, key[shared:], value
        self._length += len(head) + unshared + length
        self._last_key = key
        self._since_restart += 1
        return self._length + 4 * len(self._restarts) + 4

    @property
    def is_empty(self) -> bool:
        """Whether there is no entry."""
        return not self._parts

    def finish(self) -> bytes:
        """The block. The builder is empty again."""
        count = len(self._restarts)
        tail = struct.pack(f"<{count + 1}I", *self._restarts, count)
        block = b"".join((*self._parts, tail))
        self.__init__(self._interval)  # type: ignore[misc]  # starting over is being made anew
        return block


class Block:
    """The entries of a block.

    Args:
        data: the block without its trailer, decompressed.
        stored: how long it is in the file; by default as long as ``data``.

    Attributes:
        size: the length of ``data``.

    Raises:
        WireError: from here and all methods, if the bytes are no block.
    """

    def __init__(self, data: bytes, stored: int | None = None) -> None:
        if len(data) < 4:
            raise WireError(f"a block of {len(data)} bytes is too short")
        (count,) = struct.unpack_from("<I", data, len(data) - 4)
        end = len(data) - 4 - 4 * count
        if end < 0 or (count == 0 and end > 0):
            raise WireError(f"a block of {len(data)} bytes cannot have {count} restarts")
        restarts: tuple[int, ...] = struct.unpack_from(f"<{count}I", data, end)
        if any(offset > end for offset in restarts):
            raise WireError("a restart lies outside the block")
        self.size = len(data)
        self._key_bytes = max(
            _MOST_KEY_BYTES_PER_BYTE * (len(data) if stored is None else stored), _FEW_KEY_BYTES
        )
        self._entries = data[:end]
        self._restarts = restarts

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields every key with its value."""
        return self._scan(0)

    def at_or_after(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The first entry whose key is ``key`` or greater."""
        low, high = 0, len(self._restarts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            first = next(self._scan(self._restarts[middle]), None)
            if first is None or first[0] >= key:
                high = middle - 1
            else:
                low = middle
        if high < 0:
            return None
        for entry in self._scan(self._restarts[low]):
            if entry[0] >= key:
                return entry
        return None

    def _scan(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        """Yields entries from one whose key is whole."""
        data, end = self._entries, len(self._entries)
        budget = self._key_bytes
        key = last = b""
        is_first = True
        while position < end:
            head = data[position : position + 3]
            if len(head) == 3 and (head[0] | head[1] | head[2]) < 0x80:
                shared, unshared, length = head
                position += 3
            else:
                shared, position = decode_varint(data, position)
                unshared, position = decode_varint(data, position)
                length, position = decode_varint(data, position)
            value_at = position + unshared
            stop = value_at + length
            if stop > end:
                raise WireError("an entry reaches beyond the block")
            if shared > len(last):
                raise WireError("a key goes on from one that is shorter")
            key = last[:shared] + data[position:value_at]
            if key <= last and not is_first:
                raise WireError(f"keys are out of order or double: {key!r} after {last!r}")
            budget -= len(key)
            if budget < 0:
                raise WireError("its keys are out of all proportion to its size")
            yield key, data[value_at:stop]
            position = stop
            last = key
            is_first = False


def shared_length(a: bytes, b: bytes) -> int:
    """How many bytes ``a`` and ``b`` have in common at their beginning."""
    length = min(len(a), len(b))
    # The first bit that differs, counted from the end: in one go, however long the keys are.
    different = int.from_bytes(a[:length], "big") ^ int.from_bytes(b[:length], "big")
    return length - (different.bit_length() + 7) // 8
