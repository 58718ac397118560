"""What a program writes down as a constant (numbers, lists, strings, arrays) as a NumPy array.

The rules are those of TensorFlow 2.15's `tf.make_tensor_proto`: an explicit type must fit
every value (no float in an int32 tensor, no number in a string tensor); without one,
Python floats become float32 and Python integers int32 where they fit.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType

_REAL = (numbers.Real, np.integer, np.floating)
_COMPLEX = (numbers.Complex, np.number)
_TEXT = (bytes, str)


def as_array(values: Any, dtype: DType | None, shape: Sequence[int] | None) -> np.ndarray[Any, Any]:
    """`values` as an array of type `dtype`, or of the type that they suggest.

    Args:
        values: a scalar, nested lists or tuples of scalars, an array, or anything that
            NumPy takes for an array. Quantized values in lists are tuples of one integer.
        dtype: the type to convert to. Arrays are converted freely, other values strictly.
        shape: the shape that the tensor will have; where it has no elements, `values`
            may be anything.

    Raises:
        TypeError: for a value that does not fit the type.
        ValueError: for None, and for lists that are not rectangular.
    """
    numpy_dtype = dtype.as_numpy_dtype if dtype is not None and dtype.is_numpy_compatible else None
    if is_array_like(values):
        array = np.asarray(values)
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return array if numpy_dtype is None else array.astype(numpy_dtype, copy=False)
    if values is None:
        raise ValueError("None values not supported.")
    if isinstance(values, range):
        values = list(values)
    if shape is not None and math.prod(shape) == 0:
        array = np.empty(shape, numpy_dtype)
    else:
        _check_fits(values, dtype)
        array = _dense(values, dtype, numpy_dtype)
    return array if dtype is not None else _narrowed(array)


def is_array_like(value: Any) -> bool:
    """Whether NumPy takes `value` for an array; `bytes` and the tensors of a graph do not count."""
    if isinstance(value, (list, tuple, bytes, str, int, float)):
        return isinstance(value, np.generic)
    if isinstance(value, np.ndarray):
        return True
    if _is_symbolic(value):
        return False
    if callable(getattr(value, "__array__", None)):
        return True
    if isinstance(getattr(value, "__array_interface__", None), dict):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def flat_strings(values: Any) -> Iterator[bytes]:
    """The strings in nested lists, in order; text is encoded as UTF-8.

    NumPy's own string arrays would lose trailing zero bytes, so they are passed by.

    Raises:
        TypeError: for anything that is neither text nor bytes.
    """
    if isinstance(values, (list, tuple)):
        for inner in values:
            yield from flat_strings(inner)
    elif isinstance(values, str):
        yield values.encode()
    elif isinstance(values, (bytes, bytearray)):
        yield bytes(values)
    else:
        raise TypeError(f"Expected binary or unicode string, got {values!r}")


def _dense(values: Any, dtype: DType | None, numpy_dtype: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.array(values, dtype=numpy_dtype)
    except OverflowError:
        if dtype is None or not dtype.is_integer:
            raise
        # NumPy 1, and with it every TensorFlow 1 program, let such integers wrap around.
        array = np.array(values).astype(numpy_dtype)
    if array.dtype == object:
        expected = _dimensions(values)
        if list(array.shape) != expected:
            raise ValueError(
                f"Expected values {values} to be a dense tensor with shape {expected}, "
                f"but got shape {list(array.shape)}."
            )
    return array


def _dimensions(values: Any) -> list[int]:
    """The shape of nested lists, judged by the first element on each level."""
    found = []
    while isinstance(values, (list, tuple)):
        found.append(len(values))
        values = values[0] if values else None
    return found


def _narrowed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The types that a program means by plain numbers: float32, and int32 where it holds them."""
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64:
        narrow = array.astype(np.int32)
        if (narrow == array).all():
            return narrow
    return array


def _is_symbolic(value: Any) -> bool:
    """Whether `value` is a tensor of a graph, whose elements only a run can tell."""
    return hasattr(type(value), "value_index")


def _check_fits(values: Any, dtype: DType | None) -> None:
    misfits = (
        _quantized_misfits(values) if dtype and dtype.is_quantized else _misfits(values, dtype)
    )
    for misfit in misfits:
        if dtype is None:
            raise TypeError("Expected any non-tensor type, but got a tensor instead.")
        raise TypeError(
            f"Expected {dtype.name}, but got {misfit} of type '{type(misfit).__name__}'."
        )


def _misfits(values: Any, dtype: DType | None) -> Iterator[Any]:
    """The leaves of nested lists that do not fit, in order."""
    if not isinstance(values, (list, tuple)):
        if not _fits(values, dtype):
            yield values
        return
    # Most lists hold one type throughout: judge each type once, and look for the culprit
    # only when there is one.
    kinds = set(map(type, values))
    plain = _PLAIN[dtype.base_dtype._kind.lower()] if dtype is not None else _ALL_PLAIN
    if kinds <= plain:
        return
    for value in values:
        if type(value) not in plain:
            yield from _misfits(value, dtype)


def _quantized_misfits(values: Any) -> Iterator[Any]:
    """Quantized values come as tuples, one integer in each, within lists."""
    if isinstance(values, tuple):
        for value in values:
            yield from _misfits(value, dtypes.int32)
    elif isinstance(values, list):
        for value in values:
            yield from _quantized_misfits(value)
    else:
        yield values


def _fits(value: Any, dtype: DType | None) -> bool:
    if dtype is None or not dtype.is_numpy_compatible:
        return not _is_symbolic(value)
    if isinstance(value, (np.ndarray, np.generic)):
        given = dtypes.as_dtype(value.dtype)
        if given.is_integer:
            return dtype.is_integer or dtype.is_floating or dtype.is_complex
        if given.is_floating:
            return dtype.is_floating or dtype.is_complex
        same_kind = given.is_complex == dtype.is_complex and given.is_bool == dtype.is_bool
        return same_kind and (given == dtypes.string) == (dtype.base_dtype == dtypes.string)
    if dtype.is_floating:
        return isinstance(value, _REAL)
    if dtype.is_integer:
        # A dimension of a shape counts as an integer too.
        return isinstance(value, numbers.Integral) or hasattr(type(value), "__index__")
    if dtype.is_complex:
        return isinstance(value, _COMPLEX)
    if dtype.is_bool:
        return isinstance(value, bool)
    return isinstance(value, _TEXT)


# Python's own types that fit each kind of type without a further look.
_PLAIN: dict[str, frozenset[type]] = {
    "f": frozenset({float, int, bool}),
    "i": frozenset({int, bool}),
    "u": frozenset({int, bool}),
    "c": frozenset({complex, float, int, bool}),
    "b": frozenset({bool}),
    "s": frozenset({bytes, str}),
    "q": frozenset(),
    "h": frozenset(),
}
_ALL_PLAIN = frozenset({bool, int, float, complex, bytes, str})
