"""The key under which one slice of a tensor lies in a table.

Keys are made so that they sort by tensor, then by place::

    0             number
    name          string
    rank          number
    start length  signed numbers, a pair for each dimension (0 and -1 for all of it)

    number        one byte: how many bytes follow; then the value, big-endian, no leading zeros
    string        00 as 00 ff, ff as ff 00, other bytes as they are; then 00 01
    signed number n bytes of big-endian two's complement, their first n bits flipped

Of a signed number, n is the least that leaves the first n + 1 bits equal to the sign. Flipping n
of them makes the bytes sort as the numbers do, and tells n: how often the first bit is repeated.
"""

from __future__ import annotations

import re

from evergraph.formats.tensor_slice import TensorSlice

_ESCAPES = {b"\x00": b"\x00\xff", b"\xff": b"\xff\x00"}
_END = b"\x00\x01"


def encode_slice_key(name: bytes, box: TensorSlice) -> bytes:
    """The key of the slice ``box`` of the tensor ``name``."""
    escaped = re.sub(rb"[\x00\xff]", lambda found: _ESCAPES[found[0]], name)
    key = [_number(0), escaped, _END, _number(len(box.extents))]
    for start, length in box.extents:
        key += [_signed(start), _signed(length)]
    return b"".join(key)


def is_slice_key(key: bytes) -> bool:
    """Whether ``key`` begins as the key of a slice does."""
    return key.startswith(b"\x00")


def _number(value: int) -> bytes:
    length = (value.bit_length() + 7) // 8
    return bytes((length,)) + value.to_bytes(length, "big")


def _signed(value: int) -> bytes:
    magnitude = value if value >= 0 else ~value
    length = magnitude.bit_length() // 7 + 1
    bits = value & ((1 << 8 * length) - 1)
    head = ((1 << length) - 1) << 7 * length
    return (bits ^ head).to_bytes(length, "big")
