"""The protocol-buffer wire format, as much as two tiny messages need.

Opening a checkpoint reads a header and some entries, one message a tensor. Doing that here means
that reading weights never loads protobuf, and costs a few microseconds an entry.

========= ==== =====================================================
type      code payload
========= ==== =====================================================
varint    0    7 bits a byte, low ones first, top bit: more follow
64 bit    1    8 bytes, little-endian
bytes     2    a varint length, then that many bytes
32 bit    5    4 bytes, little-endian
========= ==== =====================================================

A field is a varint ``number << 3 | code``, then its payload. Negative int32 and int64 are ten-byte
varints of their 64-bit two's complement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

Data = TypeVar("Data", bytes, memoryview)

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_LONGEST_VARINT = 10
_ONE_BYTE = tuple(bytes((value,)) for value in range(0x80))


class WireError(ValueError):
    """Bytes that are not what the wire format says; the caller knows which file they are from."""


def encode_varint(value: int) -> bytes:
    """The varint of a number from 0 to 2**64 - 1."""
    if value < 0x80:
        return _ONE_BYTE[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if value < 0x20_0000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Returns the varint at ``position`` and the position behind it.

    Raises:
        WireError: the bytes end within it, or it does not fit 64 bits.
    """
    try:
        first = data[position]
        if first < 0x80:
            return first, position + 1
        second = data[position + 1]
        if second < 0x80:
            return first & 0x7F | second << 7, position + 2
    except IndexError:
        raise WireError("a varint is cut off") from None
    value = first & 0x7F | (second & 0x7F) << 7
    position += 2
    shift = 14
    for byte in data[position : position + _LONGEST_VARINT - 2]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                raise WireError("a varint is longer than 64 bits")
            return value, position
        shift += 7
    if shift == 7 * _LONGEST_VARINT:
        raise WireError("a varint is longer than 64 bits")
    raise WireError("a varint is cut off")


def fields(data: Data) -> Iterator[tuple[int, int, int | Data]]:
    """Yields ``(number, code, value)`` for each field of a message.

    The value is a piece of ``data`` for code 2, else a number from 0 to 2**64 - 1 (see `signed`).

    Raises:
        WireError: the bytes are no message.
    """
    position, end = 0, len(data)
    while position < end:
        tag = data[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = decode_varint(data, position)
        number, code = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise WireError(f"{number} is no field number")
        value: int | Data
        if code == VARINT:
            value, position = decode_varint(data, position)
        elif code == BYTES:
            length, position = decode_varint(data, position)
            value = data[position : position + length]
            position += length
        elif code in (FIXED32, FIXED64):
            width = 4 if code == FIXED32 else 8
            value = int.from_bytes(data[position : position + width], "little")
            position += width
        else:
            raise WireError(f"field {number} has wire type {code}")
        if position > end:
            raise WireError(f"field {number} is cut off")
        yield number, code, value


def signed(value: int) -> int:
    """A 64-bit number from its two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varint_field(number: int, value: int) -> bytes:
    """A field of a number; negative ones as two's complement."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value & 0xFFFFFFFFFFFFFFFF)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field of bytes: a string, or a message within the message."""
    return bytes_head(number, len(value)) + value


def bytes_head(number: int, length: int) -> bytes:
    """What stands before the bytes of a field of ``length`` bytes."""
    return encode_varint(number << 3 | BYTES) + encode_varint(length)


def fixed32_field(number: int, value: int) -> bytes:
    """A field of 32 bits."""
    return encode_varint(number << 3 | FIXED32) + value.to_bytes(4, "little")
