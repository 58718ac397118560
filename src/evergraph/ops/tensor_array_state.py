"""What a TensorArray is in a run: a list of arrays, each written once and read once (or more often, where that is
allowed).

It lives in the run that makes it: its handle is the object itself, and is gone with the run's values. The array of
gradients for it, one for each call of ``gradients``, adds up what is written to one place more than once. Source of
the rules: TensorFlow's core/kernels/tensor_array.{h,cc}.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import room
from evergraph.graph.shape import Dims, compatible, is_fully_defined, merge, text

Array = Any

# What a place takes that has no value.
_ENTRY_BYTES = 120


def _refuse(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def zeros(shape: tuple[int, ...], dtype: DType) -> Array:
    """An array of zeros (empty strings)."""
    if dtype == dtypes.string:
        result = np.empty(shape, object)
        result[...] = b""
        return result
    return np.zeros(shape, dtype.as_numpy_dtype)


def sizes(dims: Dims) -> tuple[int, ...]:
    """``dims``, in which every size is known, as plain numbers."""
    assert dims is not None
    return tuple(size for size in dims if size is not None)


def _nbytes(dims: Dims, dtype: DType) -> int:
    """What an array of a known shape takes; 0 where the shape is not known."""
    return math.prod(sizes(dims)) * max(dtype.size, 1) if is_fully_defined(dims) else 0


class _Entry:
    """One place: its value, the shape that is known of it, and what has happened to it."""

    __slots__ = ("cleared", "read", "shape", "value", "written")

    def __init__(self) -> None:
        self.value: Array = None
        self.shape: tuple[int, ...] | None = None
        self.written = False
        self.read = False
        self.cleared = False


class RunTensorArray:
    """An array of ``size`` values of type ``dtype``. ``sums``: it holds gradients, which add up."""

    def __init__(
        self,
        name: str,
        dtype: DType,
        size: int,
        element_shape: Dims = None,
        dynamic_size: bool = False,
        clear_after_read: bool = True,
        identical_shapes: bool = False,
        sums: bool = False,
    ) -> None:
        if size < 0:
            raise _refuse(f"Size should be >= 0 (TensorArray {name}: {size})")
        self.name = name
        self.dtype = dtype
        self.element_shape = element_shape
        room.reserve(_ENTRY_BYTES * size)
        self._entries = [_Entry() for _ in range(size)]
        self._dynamic_size = dynamic_size
        self._clear_after_read = clear_after_read
        self._identical_shapes = identical_shapes
        self._sums = sums
        self._closed = False
        self._gradients: dict[str, RunTensorArray] = {}

    def _check_open(self) -> None:
        if self._closed:
            raise _refuse(f"TensorArray {self.name} has already been closed.")

    @property
    def size(self) -> int:
        """How many places there are. Raises InvalidArgumentError where the array is closed."""
        self._check_open()
        return len(self._entries)

    def read(self) -> RunTensorArray:
        """What a reference to the array gives where a value is wanted (first version): itself."""
        return self

    def close(self) -> None:
        """Lets go of everything."""
        self._entries.clear()
        self._closed = True

    def gradient(self, source: str, prepended: tuple[int, ...] = ()) -> RunTensorArray:
        """The array of gradients for the call of ``gradients`` named ``source``; its elements have ``prepended``
        sizes first."""
        self._check_open()
        found = self._gradients.get(source)
        if found is None:
            found = RunTensorArray(
                f"{self.name}@{source}",
                self.dtype,
                len(self._entries),
                None if self.element_shape is None else prepended + self.element_shape,
                identical_shapes=self._identical_shapes,
                sums=True,
            )
            for own, entry in zip(found._entries, self._entries, strict=True):
                if entry.shape is not None:
                    own.shape = prepended + entry.shape
            # From now on the two must stay of one size.
            self._dynamic_size = False
            self._gradients[source] = found
        return found

    # One value

    def write(self, index: int, value: Array, dtype: DType) -> None:
        """Puts ``value`` at ``index``; adds it to what is there where the array holds gradients.

        Raises InvalidArgumentError for a place that there is not or that was used before, another type or shape.
        """
        self._check_open()
        if index < 0 or (index >= len(self._entries) and not self._dynamic_size):
            raise _refuse(
                f"TensorArray {self.name}: Tried to write to index {index} but array is not resizeable and size is: "
                f"{len(self._entries)}"
            )
        where = f"TensorArray {self.name}: Could not write to TensorArray index {index} because"
        if dtype != self.dtype:
            raise _refuse(
                f"{where} the value dtype is {dtype.name} but TensorArray dtype is {self.dtype.name}."
            )
        shape = value.shape
        if not compatible(self.element_shape, shape):
            raise _refuse(
                f"{where} the value shape is {text(shape)} which is incompatible with the TensorArray's inferred "
                f"element shape: {text(self.element_shape)} (consider setting infer_shape=False)."
            )
        self._grow(index + 1)
        entry = self._entries[index]
        if entry.read:
            raise _refuse(f"{where} it has already been read.")
        if entry.written and not self._sums:
            raise _refuse(f"{where} it has already been written to.")
        if self._identical_shapes and not is_fully_defined(self.element_shape):
            self.element_shape = shape
        if entry.written and entry.value is not None:
            if entry.value.shape != shape:
                raise _refuse(
                    f"{where} the existing shape is {text(entry.value.shape)} but the new input shape is {text(shape)}."
                )
            value = entry.value + value
        room.keep(value)
        entry.value = value
        entry.shape = shape
        entry.written = True

    def _grow(self, size: int) -> None:
        if size > len(self._entries):
            room.reserve(_ENTRY_BYTES * (size - len(self._entries)))
            self._entries.extend(_Entry() for _ in range(size - len(self._entries)))

    def get(self, index: int, dtype: DType) -> Array:
        """The value at ``index``; zeros where nothing was written but the shape is known.

        Raises InvalidArgumentError where there is no value, or no longer.
        """
        self._check_open()
        if dtype != self.dtype:
            raise _refuse(
                f"TensorArray dtype is {self.dtype.name} but Op requested dtype {dtype.name}."
            )
        if index < 0 or (index >= len(self._entries) and not self._sums):
            raise _refuse(
                f"Tried to read from index {index} but array size is: {len(self._entries)}"
            )
        self._grow(index + 1)
        entry = self._entries[index]
        if entry.cleared:
            raise _refuse(
                f"TensorArray {self.name}: Could not read index {index} twice because it was cleared after a previous "
                "read (perhaps try setting clear_after_read = false?)."
            )
        value = entry.value
        if value is None:
            value = zeros(self._unwritten_shape(index, entry), self.dtype)
            entry.written = True
        if self._clear_after_read:
            entry.value = None
            entry.cleared = True
        entry.read = True
        return value

    def _unwritten_shape(self, index: int, entry: _Entry) -> tuple[int, ...]:
        if self._sums and entry.shape is not None:
            return entry.shape
        if not is_fully_defined(self.element_shape):
            raise _refuse(
                f"TensorArray {self.name}: Could not read from TensorArray index {index}.  Furthermore, the element "
                f"shape is not fully defined: {text(self.element_shape)}.  It is possible you are working with a "
                "resizeable TensorArray and stop_gradients is not allowing the gradients to be written.  If you set "
                "the full element_shape property on the forward TensorArray, the proper all-zeros tensor will be "
                "returned instead of incurring this error."
            )
        return sizes(self.element_shape)

    # Several values

    def gather(self, indices: Array, dtype: DType, element_shape: Dims) -> Array:
        """The values at ``indices``, stacked. Raises InvalidArgumentError where their shapes differ."""
        self._check_open()
        try:
            self.element_shape = merge(self.element_shape, element_shape)
        except ValueError:
            raise _refuse(
                f"TensorArray {self.name} was passed element_shape {text(element_shape)} which does not match the "
                f"Tensor's element shape {text(self.element_shape)}"
            ) from None
        if len(indices) == 0:
            return zeros((0, *self._known("packing", self.element_shape, "element shape")), dtype)
        if len(indices):  # those that were not written may be made of zeros
            room.reserve(len(indices) * _nbytes(self.element_shape, self.dtype))
        values = [self.get(int(index), dtype) for index in indices]
        for i, value in enumerate(values):
            if value.shape != values[0].shape:
                raise _refuse(
                    f"TensorArray has inconsistent shapes.  Index 0 has shape: {text(values[0].shape)} but index {i} "
                    f"has shape: {text(value.shape)}"
                )
        return np.stack(values)

    def _known(self, what: str, shape: Dims, name: str) -> tuple[int, ...]:
        if not is_fully_defined(shape):
            raise _refuse(
                f"TensorArray has size zero, but {name} {text(shape)} is not fully defined. Currently only static "
                f"shapes are supported when {what} zero-size TensorArrays."
            )
        return sizes(shape)

    def scatter(self, indices: Array, value: Array, dtype: DType) -> None:
        """Puts the rows of ``value`` at ``indices``."""
        if value.ndim == 0:
            raise _refuse("Expected value to be at least a vector, but received shape: []")
        if len(indices) != len(value):
            raise _refuse(
                f"Expected len(indices) == values.shape[0], but saw: {len(indices)} vs. {len(value)}"
            )
        highest = int(max(indices, default=-1))
        if highest >= self.size and not self._dynamic_size:
            raise _refuse(f"Max scatter index must be < array size ({highest} vs. {self.size})")
        for index, row in zip(indices, value, strict=True):
            self.write(int(index), row, dtype)

    def concat(self, dtype: DType, except_first: Dims) -> tuple[Array, Array]:
        """All values one after the other along their first dimension, and how long each was."""
        if self.size == 0:
            shape = self._known("concatenating", except_first, "element_shape_except0")
            return zeros((0, *shape), dtype), np.zeros(0, np.int64)
        room.reserve(self.size * _nbytes(self.element_shape, self.dtype))
        values = [self.get(i, dtype) for i in range(self.size)]
        for i, value in enumerate(values):
            if value.ndim == 0:
                raise _refuse(
                    f"Concat saw a scalar shape at index {i} but requires at least vectors.  Did you mean to call pack?"
                )
            if value.shape[1:] != values[0].shape[1:]:
                raise _refuse(
                    "TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: "
                    f"{text(values[0].shape[1:])} but index {i} has (excepting dimension 0) shape: "
                    f"{text(value.shape[1:])}"
                )
        lengths = np.array([len(value) for value in values], np.int64)
        return np.concatenate(values), lengths

    def split(self, value: Array, lengths: Array, dtype: DType) -> None:
        """Cuts ``value`` into pieces of ``lengths`` rows and puts them in order."""
        if value.ndim == 0:
            raise _refuse("Expected value to be at least a vector, but received shape: []")
        if lengths.ndim != 1:
            raise _refuse(f"Expected lengths to be a vector, received shape: {text(lengths.shape)}")
        if lengths.sum() != len(value):
            raise _refuse(
                f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {lengths.sum()} and "
                f"value's shape is: {text(value.shape)}"
            )
        if len(lengths) != self.size and not (self._dynamic_size and len(lengths) > self.size):
            raise _refuse(
                f"TensorArray's size is not equal to the size of lengths ({self.size} vs. {len(lengths)}), and the "
                "TensorArray is not marked as dynamically resizeable"
            )
        start = 0
        for i, length in enumerate(lengths.tolist()):
            self.write(i, value[start : start + length], dtype)
            start += length
