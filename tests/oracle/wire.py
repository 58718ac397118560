"""The language that the tests and a TensorFlow process speak: pickled frames over pipes.

A frame is eight bytes (little endian, the length) and a pickle of plain Python values. Arrays do
not travel as pickled arrays: two NumPy versions sit at the two ends, and bfloat16 or quantized
types have no common pickle. They travel as name of the element type, shape, and bytes (or, for
strings, a list of bytes), and come out bit for bit the same.

Both sides import this file; it needs the standard library, NumPy and ml_dtypes.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

_LENGTH = struct.Struct("<Q")
_ARRAY, _SCALAR = "__array__", "__scalar__"
# TensorFlow hands quantized numbers out as one-field records; they travel as the integers inside.
_QUANTIZED = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}


def dumps(value: Any) -> bytes:
    """One value as a frame. Raises TypeError where it holds something that cannot travel."""
    data = pickle.dumps(pack(value), protocol=4)
    return _LENGTH.pack(len(data)) + data


def send(stream: BinaryIO, frame: bytes) -> None:
    """Writes a frame of :func:`dumps`."""
    stream.write(frame)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Waits for one value. Raises EOFError where the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return unpack(pickle.loads(_exactly(stream, length)))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the other side closed the pipe")
    return data


def pack(value: Any) -> Any:
    """``value`` with every array, at any depth, as plain values."""
    if isinstance(value, np.ndarray):
        return {_ARRAY: pack_array(value)}
    if isinstance(value, np.generic):
        return {_SCALAR: pack_array(np.asarray(value))}
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [pack(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    raise TypeError(f"cannot send a {type(value).__name__}: {value!r:.200}")


def unpack(value: Any) -> Any:
    """The reverse of :func:`pack`."""
    if isinstance(value, dict):
        if _ARRAY in value:
            return unpack_array(*value[_ARRAY])
        if _SCALAR in value:
            return unpack_array(*value[_SCALAR])[()]
        return {key: unpack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [unpack(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def pack_array(array: np.ndarray) -> tuple[str, tuple[int, ...], Any]:
    if array.dtype.kind in "OSU":
        flat = [_as_bytes(item) for item in array.ravel().tolist()]
        return "string", array.shape, flat
    if array.dtype.names:
        (name,) = array.dtype.names
        return name, array.shape, array[name].tobytes()
    return array.dtype.name, array.shape, array.tobytes()


def _as_bytes(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return item
    raise TypeError(f"an array of objects may hold strings only, not {type(item).__name__}")


def unpack_array(name: str, shape: tuple[int, ...], data: Any) -> np.ndarray:
    if name == "string":
        array = np.empty(len(data), dtype=object)
        array[:] = data
        return array.reshape(shape)
    return np.frombuffer(bytearray(data), dtype=dtype_named(name)).reshape(shape)


def dtype_named(name: str) -> np.dtype[Any]:
    """The NumPy type of that name, ml_dtypes' included; quantized types are the integers inside."""
    name = _QUANTIZED.get(name, name)
    return np.dtype(getattr(ml_dtypes, name, None) or name)
