"""The elements of a TensorProto without a type of its own, straight from its bytes and into them.

A V1 checkpoint keeps each slice as a TensorProto that has only the repeated field of its type:
packed floats are the array's very bytes, integers are varints. Protobuf would make a Python object
of each element; here they become arrays at once, and arrays become them.

============ ================================================ ===========================
field        of the types                                     an element is
============ ================================================ ===========================
float_val  5 float32                                          4 bytes
double_val 6 float64                                          8 bytes
int_val    7 (u)int8, (u)int16, int32 and the quantized types varint
string_val 8 string                                           bytes
scomplex   9 complex64                                        twice 4 bytes
int64_val 10 int64                                            varint
bool_val  11 bool                                             varint
dcomplex  12 complex128                                       twice 8 bytes
half_val  13 float16, bfloat16                                varint of the 16 bits
uint32   16, uint64 17                                        varint
============ ================================================ ===========================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evergraph.formats.dtypes import DType
from evergraph.formats.wire import WireError, bytes_field, bytes_head, fields

Array = np.ndarray[Any, Any]

_FIELD = {
    "float32": 5,
    "float64": 6,
    "string": 8,
    "complex64": 9,
    "int64": 10,
    "bool": 11,
    "complex128": 12,
    "float16": 13,
    "bfloat16": 13,
    "uint32": 16,
    "uint64": 17,
    **dict.fromkeys("int32 int16 int8 uint16 uint8 qint32 qint16 qint8 quint16 quint8".split(), 7),
}
_FIXED_WIDTH = {5: 4, 6: 8, 9: 4, 12: 8}
_STRING, _HALF = 8, 13
_PIECE = 1 << 18
_PIECE_ELEMENTS = 1 << 15


def encode_elements(array: Array, dtype: DType) -> list[bytes | memoryview]:
    """A TensorProto of nothing but the elements of an array in C order, in pieces; strings are bytes objects.

    Raises:
        WireError: elements of this type have no place in this format.
    """
    field = _field_of(dtype)
    flat = array.reshape(-1)
    if field == _STRING:
        return [bytes_field(field, text) for text in flat.tolist()]
    if not flat.size:
        return []
    if field in _FIXED_WIDTH:
        pieces = [flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8).data]
    else:
        pieces = [
            _pack(flat[start : start + _PIECE_ELEMENTS], dtype)
            for start in range(0, flat.size, _PIECE_ELEMENTS)
        ]
    return [bytes_head(field, sum(map(len, pieces))), *pieces]


def _pack(flat: Array, dtype: DType) -> memoryview:
    """The varints of some elements; those below zero are the ten bytes of their 64 bits."""
    name = dtype.name.removeprefix("q")
    bits = flat.view(np.uint16 if _FIELD[dtype.name] == _HALF else name)
    numbers = bits.astype(np.int64 if name.startswith("int") else np.uint64).view(np.uint64)
    width = -(-int(numbers.max()).bit_length() // 7)
    if width <= 1:
        return numbers.astype(np.uint8).data
    length = np.ones(numbers.size, np.int64)
    for place in range(1, width):
        length += numbers >= np.uint64(1 << 7 * place)
    places = np.arange(width, dtype=np.int64)
    packed = (numbers[:, None] >> (7 * places).astype(np.uint64)).astype(np.uint8) | 0x80
    packed[np.arange(numbers.size), length - 1] &= 0x7F
    used: Array = packed[places < length[:, None]]
    return used.data


def _field_of(dtype: DType) -> int:
    field = _FIELD.get(dtype.name)
    if field is None:
        raise WireError(f"elements of type {dtype.name} have no place in this format")
    return field


def decode_elements(message: memoryview, dtype: DType, count: int) -> Array:
    """The ``count`` elements of a TensorProto's bytes, as a flat array of the type.

    Raises:
        WireError: the message is damaged, or has not just as many elements of this type.
    """
    field = _field_of(dtype)
    if field == _STRING:
        strings = [bytes(v) for n, _, v in fields(message) if n == field and not isinstance(v, int)]
        _check_count(len(strings), count)
        array = np.empty(count, object)
        array[:] = strings
        return array
    packed = [value for number, _, value in fields(message) if number == field]
    if field in _FIXED_WIDTH:
        return _fixed(packed, _FIXED_WIDTH[field], dtype, count)
    return _varints(packed, dtype, count)


def _fixed(packed: list[int | memoryview], width: int, dtype: DType, count: int) -> Array:
    pieces = [v.to_bytes(width, "little") if isinstance(v, int) else v for v in packed]
    length = sum(map(len, pieces))
    if length % dtype.size:
        raise WireError(f"{length} bytes are no whole number of {dtype.name}")
    _check_count(length // dtype.size, count)
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    stored = np.frombuffer(data, np.dtype(dtype.as_numpy_dtype).newbyteorder("<"))
    return stored.astype(dtype.as_numpy_dtype)


def _varints(packed: list[int | memoryview], dtype: DType, count: int) -> Array:
    total = sum(
        1 if isinstance(v, int) else int(np.count_nonzero(np.frombuffer(v, np.uint8) < 0x80))
        for v in packed
    )
    _check_count(total, count)
    array = np.empty(count, dtype.as_numpy_dtype)
    # Elements are their bits: a half's are stored as a number, a quantized type's behind a field.
    bits = array.view(f"u{dtype.size}")
    position = 0
    for value in packed:
        for numbers in [np.array([value], np.uint64)] if isinstance(value, int) else _unpack(value):
            bits[position : position + numbers.size] = numbers
            position += numbers.size
    if dtype.is_bool:
        bits[:] = bits != 0
    return array


def _unpack(data: memoryview) -> Iterator[Array]:
    """The varints that fill ``data``, some at a time."""
    start = 0
    while start < len(data):
        piece = np.frombuffer(data[start : start + _PIECE], np.uint8)
        ends = np.flatnonzero(piece < 0x80)
        if not ends.size:
            raise WireError("a varint is cut off or longer than 64 bits")
        piece = piece[: ends[-1] + 1]
        begins = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - begins + 1
        if lengths.max() > 10:
            raise WireError("a varint is longer than 64 bits")
        place = np.arange(piece.size, dtype=np.uint64) - np.repeat(begins, lengths).astype(
            np.uint64
        )
        parts = (piece & 0x7F).astype(np.uint64) << (np.uint64(7) * place)
        yield np.add.reduceat(parts, begins)
        start += piece.size
    return


def _check_count(found: int, expected: int) -> None:
    if found != expected:
        raise WireError(f"it has {found} elements and should have {expected}")
