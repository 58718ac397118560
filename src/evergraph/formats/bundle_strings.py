"""String tensors in a tensor bundle.

::

    length*     varint64, one an element
    checksum    4 bytes: masked CRC-32C of the lengths, each taken as a uint32, or as a uint64 if
                it does not fit one, in the byte order of the writer
    bytes*      the elements, one after the other

The tensor's own checksum goes over the lengths in that form, those 4 bytes and the elements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evergraph.formats.crc32c import crc32c, mask, unmask
from evergraph.formats.wire import WireError, decode_varint, encode_varint

_FITS_32 = 1 << 32


def encode_strings(strings: Sequence[bytes]) -> tuple[list[bytes], int]:
    """The bytes of a string tensor, in pieces, and their checksum (not masked)."""
    lengths = [len(string) for string in strings]
    crc = crc32c(_lengths_as_summed(lengths, big_endian=False))
    checksum = mask(crc).to_bytes(4, "little")
    head = b"".join(map(encode_varint, lengths)) + checksum
    body = b"".join(strings)
    return [head, body], crc32c(body, crc32c(checksum, crc))


def decode_strings(data: bytes, count: int, big_endian: bool) -> tuple[list[bytes], int]:
    """The elements of a string tensor, and the checksum that goes over it (not masked).

    Args:
        data: all bytes of the tensor.
        count: how many elements it has.
        big_endian: whether the writer was.

    Raises:
        WireError: the lengths or their checksum do not fit the bytes.
    """
    if not data and count == 0:
        return [], 0
    if len(data) < count + 4:
        raise WireError(f"{count} strings cannot lie in {len(data)} bytes")
    lengths, position = _read_lengths(data, count)
    crc = crc32c(_lengths_as_summed(lengths, big_endian))
    checksum = data[position : position + 4]
    position += 4
    stored = unmask(int.from_bytes(checksum, "big" if big_endian else "little"))
    if crc != stored:
        raise WireError(
            f"the checksum of its strings' lengths is {crc:#010x} and should be {stored:#010x}"
        )
    if position + sum(lengths) != len(data):
        raise WireError(
            f"its strings have {sum(lengths)} bytes by their lengths, and {len(data) - position} "
            "are stored"
        )
    crc = crc32c(memoryview(data)[position:], crc32c(checksum, crc))
    strings = []
    for length in lengths:
        strings.append(data[position : position + length])
        position += length
    return strings, crc


def _read_lengths(data: bytes, count: int) -> tuple[list[int], int]:
    head = data[:count]
    if count and max(head) < 0x80:  # the common case: no string of 128 bytes or more
        return list(head), count
    lengths, position = [], 0
    for _ in range(count):
        length, position = decode_varint(data, position)
        lengths.append(length)
    return lengths, position


def _lengths_as_summed(lengths: list[int], big_endian: bool) -> bytes:
    order = ">" if big_endian else "<"
    if max(lengths, default=0) < _FITS_32:
        return np.array(lengths, dtype=order + "u4").tobytes()
    return b"".join(
        np.array(length, dtype=order + ("u4" if length < _FITS_32 else "u8")).tobytes()
        for length in lengths
    )
