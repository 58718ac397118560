"""String tensors in a tensor bundle.

::

    length*     varint64, one an element
    checksum    4 bytes: masked CRC-32C of the lengths, each taken as a uint32, or as a uint64 if
                it does not fit one, in the byte order of the writer
    bytes*      the elements, one after the other

The tensor's own checksum goes over the lengths in that form, those 4 bytes and the elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evergraph.formats.crc32c import crc32c, mask, unmask
from evergraph.formats.wire import WireError, decode_varint, encode_varint
from evergraph.storage.filesystem import Bytes

_FITS_32 = 1 << 32
_LONGEST_VARINT = 10


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
    _check_lengths(checksum, crc, sum(lengths), len(data) - position, big_endian)
    crc = crc32c(memoryview(data)[position:], crc32c(checksum, crc))
    strings = []
    for length in lengths:
        strings.append(data[position : position + length])
        position += length
    return strings, crc


def check_strings(pieces: Iterable[Bytes], count: int, size: int, big_endian: bool) -> int:
    """The checksum that goes over a string tensor (not masked), without keeping its elements.

    Args:
        pieces: all bytes of the tensor, in pieces of any size.
        count, big_endian: as in `decode_strings`.
        size: how many bytes there are.

    Raises:
        WireError: as `decode_strings`.
    """
    if not size and count == 0:
        return 0
    if size < count + 4:
        raise WireError(f"{count} strings cannot lie in {size} bytes")
    source = iter(pieces)
    crc = total = head = 0
    left, data = count, b""
    while left:
        piece = next(source, None)
        if piece is None:
            raise WireError("a varint is cut off")
        data += piece
        lengths, position = _read_lengths(data, min(left, _whole_varints(data)))
        crc = crc32c(_lengths_as_summed(lengths, big_endian), crc)
        total += sum(lengths)
        left -= len(lengths)
        head += position
        data = data[position:]
    while len(data) < 4:
        piece = next(source, None)
        if piece is None:
            raise WireError("the checksum of its strings' lengths is cut off")
        data += piece
    _check_lengths(data[:4], crc, total, size - head - 4, big_endian)
    crc = crc32c(data, crc)
    for piece in source:
        crc = crc32c(piece, crc)
    return crc


def _check_lengths(
    checksum: bytes, crc: int, total: int, stored_bytes: int, big_endian: bool
) -> None:
    """WireError where the lengths of a tensor's strings are not those that were written."""
    stored = unmask(int.from_bytes(checksum, "big" if big_endian else "little"))
    if crc != stored:
        raise WireError(
            f"the checksum of its strings' lengths is {crc:#010x} and should be {stored:#010x}"
        )
    if total != stored_bytes:
        raise WireError(
            f"its strings have {total} bytes by their lengths, and {stored_bytes} are stored"
        )


def _whole_varints(data: bytes) -> int:
    """How many varints end within ``data``; at least 1 where one is longer than any may be."""
    ends = int(np.count_nonzero(np.frombuffer(data, np.uint8) < 0x80))
    return ends or int(len(data) >= _LONGEST_VARINT)


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
