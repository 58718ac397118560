"""TensorProto: tensors inside messages, to and from NumPy.

A TensorProto holds its elements in one of two ways:

- `tensor_content`: the bytes of the array, C order, little-endian. Strings: the length of
  each as a varint, then all their bytes.
- a list that belongs to the type (`_FIELDS`), one entry for each element, two for each
  complex one. If it is shorter than the shape asks for, its last entry stands for all the
  rest; if it is empty, so does zero, or the empty string.

Written is what TensorFlow 2.15's `tf.make_tensor_proto` writes, byte for byte.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from evergraph.errors import InvalidArgumentError, InvalidTypeError, ResourceExhaustedError
from evergraph.formats import dtypes, protos, wire
from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_values import as_array, flat_strings

_Array = np.ndarray[Any, Any]

MAX_FILL_BYTES: Final = 1 << 30
"""How much memory a short list may ask to be filled with copies of its last entry."""

_MAX_RANK: Final = 64  # NumPy's
_SMALL_FILL_BYTES: Final = 1 << 16  # below, a real array is handier than a view with no strides

# Type of the entries of each list.
_ENTRIES: Final = {
    "float_val": np.float32,
    "double_val": np.float64,
    "int_val": np.int32,
    "int64_val": np.int64,
    "bool_val": np.bool_,
    "scomplex_val": np.float32,
    "dcomplex_val": np.float64,
    "half_val": np.int32,
    "uint32_val": np.uint32,
    "uint64_val": np.uint64,
}

_INT_VAL_TYPES: Final = (
    "int32 uint8 int16 int8 uint16 qint8 quint8 qint32 qint16 quint16 int4 uint4 int2 uint2"
)

# The list of each type.
_FIELDS: Final[dict[DType, str]] = {
    dtypes.float32: "float_val",
    dtypes.float64: "double_val",
    dtypes.string: "string_val",
    dtypes.complex64: "scomplex_val",
    dtypes.complex128: "dcomplex_val",
    dtypes.int64: "int64_val",
    dtypes.bool: "bool_val",
    dtypes.float16: "half_val",
    dtypes.bfloat16: "half_val",
    dtypes.uint32: "uint32_val",
    dtypes.uint64: "uint64_val",
    **{dtypes.as_dtype(name): "int_val" for name in _INT_VAL_TYPES.split()},
    **{d: "float8_val" for d in dtypes.ALL_DTYPES if d.is_floating and d.size == 1},
}

# Types of which TensorFlow writes two elements and more as `tensor_content`. That it makes
# lists of bool, complex and uint16 has no reason but history; integers of less than a byte
# have no agreed form in memory.
_CONTENT_TYPES: Final = frozenset(_FIELDS) - {
    dtypes.string,
    dtypes.bool,
    dtypes.complex64,
    dtypes.complex128,
    dtypes.uint16,
    dtypes.int4,
    dtypes.uint4,
    dtypes.int2,
    dtypes.uint2,
}


def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Any = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Makes a TensorProto.

    Args:
        values: a scalar, nested lists or tuples of scalars, or an array; a TensorProto is
            returned as it is.
        dtype: the element type; by default the one of the array, float32 for Python
            floats, int32 for Python integers that fit, int64 for others.
        shape: the shape, by default that of `values`. It may have more elements than
            `values`: the last one is repeated.
        verify_shape: insist that `values` have this shape.
        allow_broadcast: insist that they have it, or are a single element.

    Raises:
        TypeError: for values that do not fit the type, or the shape asked for.
        ValueError: for None, lists that are not rectangular, more values than the shape
            takes, or more than 2 GB.
    """
    if allow_broadcast and verify_shape:
        raise ValueError("allow_broadcast and verify_shape are not both allowed.")
    if isinstance(values, protos.TensorProto):
        return values
    wanted = dtypes.as_dtype(dtype) if dtype is not None else None
    sizes = None if shape is None else [int(size) for size in shape]
    array = as_array(values, wanted, sizes)
    given = dtypes.as_dtype(array.dtype)
    if wanted is not None and given != wanted.base_dtype:
        raise TypeError(f"`dtype` {wanted} is not compatible with {values} of dtype {array.dtype}.")
    if sizes is None:
        sizes = list(array.shape)
    else:
        _check_shape(array, sizes, verify_shape, allow_broadcast)

    proto = protos.TensorProto(dtype=int(given))
    dims = proto.tensor_shape.dim
    for size in sizes:
        dims.add(size=size)
    if not sizes:
        proto.tensor_shape.SetInParent()
    if given in _CONTENT_TYPES and array.size > 1 and array.size == math.prod(sizes):
        if array.nbytes > protos.MAX_BYTES:
            raise ValueError("Cannot create a tensor proto whose content is larger than 2GB.")
        proto.tensor_content = _little_endian(array).tobytes()
    elif given is dtypes.string:
        _add_strings(proto, values if not isinstance(values, np.ndarray) else array)
    else:
        _add_entries(proto, given, array.ravel())
    return proto


def _check_shape(
    array: _Array, sizes: Sequence[int], verify_shape: bool, allow_broadcast: bool
) -> None:
    count = math.prod(sizes)
    if allow_broadcast:
        mismatch = array.shape not in ((), (1,)) and array.size != count
    else:
        mismatch = verify_shape and array.shape != tuple(sizes)
    if mismatch:
        raise TypeError(f"Expected Tensor's shape: {tuple(sizes)}, but got {array.shape}.")
    if not allow_broadcast and array.size > count:
        raise ValueError(
            f"Too many elements provided. Takes at most {count}, but got {array.size}."
        )


def _add_strings(proto: Any, values: Any) -> None:
    if isinstance(values, np.ndarray):
        proto.string_val.extend(flat_strings(values.ravel().tolist()))
        return
    try:
        strings = list(flat_strings(values))
    except TypeError as error:
        raise TypeError(
            f"Failed to convert elements of {values} to Tensor. {error}; consider casting the "
            "elements to one type that a tensor can have."
        ) from None
    proto.string_val.extend(strings)


def _add_entries(proto: Any, dtype: DType, flat: _Array) -> None:
    field = _FIELDS[dtype]
    if dtype.is_complex:
        entries = flat.view(np.dtype(dtype.real_dtype.as_numpy_dtype))
    elif dtype.is_quantized:
        entries = flat.view(dtype.name[1:])
    elif field == "half_val":
        entries = flat.view(np.uint16)
    elif field == "float8_val":
        proto.float8_val = flat.view(np.uint8).tobytes()
        return
    elif dtype.is_integer and dtype._kind.isupper():
        entries = flat.astype(np.int8)
    else:
        entries = flat
    getattr(proto, field).extend(entries.tolist())


def make_ndarray(tensor: Any) -> _Array:
    """The elements of a TensorProto.

    Args:
        tensor: a TensorProto, in any of the encodings.

    Returns:
        An array that must not be written to: it may share memory with other things, and a
        large one that repeats a single element takes the memory of that element only.
        Strings are `bytes` objects in an array of type object.

    Raises:
        InvalidArgumentError: if shape and elements do not fit together.
        InvalidTypeError: for types that no array can hold.
        ResourceExhaustedError: if a short list stands for more than `MAX_FILL_BYTES`.
    """
    dtype = _element_type(tensor)
    shape = _static_shape(tensor)
    count = math.prod(shape)
    content = tensor.tensor_content
    if content and dtype is dtypes.string:
        array = _from_string_list(content, count).reshape(shape)
    elif content:
        array = _from_content(content, dtype, shape)
    else:
        array = _filled(_from_entries(tensor, dtype), dtype, shape)
    array.flags.writeable = False
    return array


def fill_bytes(tensor: Any) -> int:
    """How much more memory than the message `make_ndarray` takes, where its list is short and has several elements."""
    if tensor.tensor_content:
        return 0
    dtype = _element_type(tensor)
    stored = len(getattr(tensor, _FIELDS[dtype])) // (2 if dtype.is_complex else 1)
    count = math.prod(_static_shape(tensor))
    return (count - stored) * max(dtype.size, 1) if 1 < stored < count else 0


def _element_type(tensor: Any) -> DType:
    try:
        dtype = dtypes.as_dtype(tensor.dtype).base_dtype
    except TypeError:
        raise InvalidTypeError(
            None, None, f"A TensorProto has the type number {tensor.dtype}, which is no DataType."
        ) from None
    if not dtype.is_numpy_compatible:
        raise InvalidTypeError(
            None, None, f"A {dtype.name} tensor has no NumPy form: only a session can hold one."
        )
    return dtype


def _static_shape(tensor: Any) -> tuple[int, ...]:
    sizes = tuple(dim.size for dim in tensor.tensor_shape.dim)
    reason = ""
    if len(sizes) > _MAX_RANK:
        reason = f"has {len(sizes)} dimensions; {_MAX_RANK} are the most an array can have"
    elif any(size < 0 for size in sizes):
        reason = f"{list(sizes)} has a negative size"
    elif math.prod(size or 1 for size in sizes) > sys.maxsize // 16:
        reason = f"{list(sizes)} has more elements than memory has addresses"
    if reason:
        raise InvalidArgumentError(None, None, f"The shape of a TensorProto {reason}.")
    return sizes


def _from_content(content: bytes, dtype: DType, shape: tuple[int, ...]) -> _Array:
    expected = math.prod(shape) * dtype.size
    if len(content) != expected:
        raise InvalidArgumentError(
            None,
            None,
            f"A TensorProto holds {len(content)} bytes of content, but a {dtype.name} tensor of "
            f"shape {list(shape)} takes {expected}.",
        )
    if dtype is dtypes.bool:
        # NumPy trusts the bytes of a bool to be 0 or 1; those of a file may be anything.
        array: _Array = np.frombuffer(content, np.uint8) != 0
    else:
        array = _little_endian(np.frombuffer(content, dtype.as_numpy_dtype))
    return array.reshape(shape)


def _from_string_list(content: bytes, count: int) -> _Array:
    """Strings as C++ packs them: all lengths as varints, then all bytes."""
    position, lengths, array = 0, [], np.empty(min(count, len(content)), object)
    try:
        for _ in range(count):
            length, position = wire.decode_varint(content, position)
            lengths.append(length)
        if position + sum(lengths) != len(content):
            raise wire.WireError("its lengths do not add up")
    except wire.WireError as error:
        raise InvalidArgumentError(
            None,
            None,
            f"The content of a TensorProto is not a list of {count} strings: {error}.",
        ) from None
    for index, length in enumerate(lengths):
        array[index] = content[position : position + length]
        position += length
    return array


def _from_entries(tensor: Any, dtype: DType) -> _Array:
    """The list of the type, as a flat array of the type."""
    field = _FIELDS[dtype]
    values = getattr(tensor, field)
    if field == "string_val":
        strings = np.empty(len(values), object)
        strings[:] = values
        return strings
    if field == "float8_val":
        floats: _Array = np.frombuffer(values, np.uint8).view(dtype.as_numpy_dtype)
        return floats
    entry = _ENTRIES[field]
    # Only protobuf 7 hands its lists to NumPy in one piece.
    whole = hasattr(type(values), "__array__")
    entries: _Array = np.array(values, entry) if whole else np.fromiter(values, entry, len(values))
    if dtype.is_complex:
        if entries.size % 2:
            raise InvalidArgumentError(
                None, None, f"A {dtype.name} TensorProto holds an odd number of parts."
            )
        return entries.view(dtype.as_numpy_dtype)
    if dtype.is_quantized:
        return entries.astype(np.dtype(dtype.name[1:])).view(dtype.as_numpy_dtype)
    if field == "half_val":
        return entries.astype(np.uint16).view(dtype.as_numpy_dtype)
    return entries.astype(dtype.as_numpy_dtype, copy=False)


def _filled(entries: _Array, dtype: DType, shape: tuple[int, ...]) -> _Array:
    """Entries brought to `shape`: extra ones dropped, missing ones copies of the last."""
    count = math.prod(shape)
    if entries.size >= count:
        return entries[:count].reshape(shape)
    if entries.size == 0:
        entries = np.zeros(1, entries.dtype)
        if dtype is dtypes.string:
            entries[0] = b""
    nbytes = count * entries.itemsize
    if entries.size == 1 and nbytes > _SMALL_FILL_BYTES:
        repeated: _Array = np.broadcast_to(entries, shape)
        return repeated
    if nbytes > MAX_FILL_BYTES:
        raise ResourceExhaustedError(
            None,
            None,
            f"A TensorProto with {entries.size} elements asks for {count} of shape {list(shape)}: "
            f"{nbytes:,} bytes, more than the {MAX_FILL_BYTES:,} that are allowed.",
        )
    array = np.empty(count, entries.dtype)
    array[: entries.size] = entries
    array[entries.size :] = entries[-1]
    return array.reshape(shape)


def _little_endian(array: _Array) -> _Array:
    """The array in the byte order of files: swapped on a big-endian machine. And back."""
    return array if sys.byteorder == "little" else array.byteswap()
