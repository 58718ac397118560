"""What a TensorList is in a run: an immutable list of arrays, the value of a ``variant`` tensor.

A place may be uninitialized; it reads as zeros where its shape is known. Source of the rules: TensorFlow's
core/kernels/list_kernels.{h,cc}.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph import room
from evergraph.graph.shape import Dims, compatible, is_fully_defined, merge, text
from evergraph.ops.tensor_array_state import sizes, zeros

Array = Any

_PLACE_BYTES = 8


def refuse(message: str) -> errors.InvalidArgumentError:
    """The error for an argument that does not fit."""
    return errors.InvalidArgumentError(None, None, message)


def places(count: int) -> list[Array]:
    """So many uninitialized elements."""
    room.reserve(_PLACE_BYTES * max(count, 0))
    return [None] * count


class TensorList:
    """``items``: arrays, None where uninitialized. No method changes the list; those that seem to give another."""

    __slots__ = ("dtype", "element_shape", "items", "max_size")
    #: As a tensor it is a scalar.
    shape = ()

    def __init__(
        self,
        items: Sequence[Array],
        dtype: DType,
        element_shape: Dims = None,
        max_size: int = -1,
    ) -> None:
        self.items = items
        self.dtype = dtype
        self.element_shape = element_shape
        self.max_size = max_size

    def with_items(self, items: Sequence[Array]) -> TensorList:
        """A list of the same kind with other ``items``."""
        return TensorList(items, self.dtype, self.element_shape, self.max_size)

    # A variant can be added up (AddN) and have zeros (ZerosLike), which are written for arrays.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        if ufunc is not np.add or method != "__call__" or len(inputs) != 2:
            return NotImplemented
        return inputs[0] + inputs[1]

    def __array_function__(self, function: Any, kinds: Any, args: Any, settings: Any) -> Any:
        if function is not np.zeros_like:
            return NotImplemented
        return self.with_items([None if x is None else zeros(x.shape, self.dtype) for x in self.items])  # fmt: skip

    def __add__(self, other: TensorList) -> TensorList:
        if len(self.items) != len(other.items):
            raise refuse(
                "Trying to add two lists of tensors with different lengths. "
                f"One is {len(self.items)} and the other is {len(other.items)}"
            )
        pairs = zip(self.items, other.items, strict=True)
        return self.with_items([b if a is None else a if b is None else a + b for a, b in pairs])

    def check_dtype(self, dtype: DType) -> None:
        """Raises InvalidArgumentError unless the elements are of type ``dtype``."""
        if dtype != self.dtype:
            raise refuse(
                f"Invalid data types; op elements {dtype.name} but list elements {self.dtype.name}"
            )

    def _check_index(self, index: int, what: str) -> None:
        if not 0 <= index < len(self.items):
            raise refuse(f"Trying to {what} element {index} in a list with {len(self.items)} elements.")  # fmt: skip

    def _check_shape(self, value: Array, what: str) -> None:
        if not compatible(self.element_shape, value.shape):
            raise refuse(
                f"Tried to {what} a tensor with incompatible shape to a list. Op element shape: {text(value.shape)} "
                f"list shape: {text(self.element_shape)}"
            )

    def push(self, value: Array) -> TensorList:
        """The list with ``value`` at its end."""
        self._check_shape(value, "append")
        if 0 <= self.max_size <= len(self.items):
            raise refuse(
                f"Tried to push item into a full list list size: {len(self.items)} max_num_elements: {self.max_size}"
            )
        room.keep(value)
        return self.with_items([*self.items, value])

    def pop(self, shape: Dims) -> tuple[TensorList, Array]:
        """The list without its last element, and that."""
        if not self.items:
            raise refuse("Trying to pop from an empty list.")
        return self.with_items(self.items[:-1]), self._initialized(self.items[-1], shape, "read")

    def get(self, index: int, shape: Dims) -> Array:
        """The element at ``index``."""
        self._check_index(index, "access")
        return self._initialized(self.items[index], shape, "read")

    def set(self, index: int, value: Array, resize: bool = False) -> TensorList:
        """The list with ``value`` at ``index``, longer where ``resize`` permits and demands it."""
        items = list(self.items)
        if resize and index >= len(items):
            items.extend(places(index + 1 - len(items)))
        else:
            self._check_index(index, "modify")
        self._check_shape(value, "set")
        room.keep(value)
        items[index] = value
        return self.with_items(items)

    def resize(self, size: int) -> TensorList:
        """The list cut, or lengthened by uninitialized elements, to ``size``."""
        if size < 0:
            raise refuse(f"TensorListSlice expects size to be non-negative. Got: {size}")
        return self.with_items([*self.items[:size], *places(size - len(self.items))])

    def gather(self, indices: Sequence[int], shape: Dims, what: str) -> Array:
        """The elements at ``indices``, stacked."""
        for index in indices:
            self._check_index(index, "access")
        return self._stacked([self.items[index] for index in indices], shape, what)

    def stack(self, shape: Dims, count: int) -> Array:
        """All elements, stacked; ``count`` of them where that is not negative."""
        if 0 <= count != len(self.items):
            raise refuse(
                f"Operation expected a list with {count} elements but got a list with {len(self.items)} elements."
            )
        return self._stacked(self.items, shape, "stack")

    def _stacked(self, items: Sequence[Array], shape: Dims, what: str) -> Array:
        shape = self._known_shape(items, shape)
        if not is_fully_defined(shape):
            kind = (
                f"{what} elements of an empty list"
                if not items
                else f"{what} list which only contains uninitialized tensors"
            )
            raise refuse(f"Tried to {kind} with non-fully-defined element_shape: {text(shape)}")
        if not items:
            return zeros((0, *sizes(shape)), self.dtype)
        room.reserve(len(items) * math.prod(sizes(shape)) * max(self.dtype.size, 1))
        return np.stack([self._initialized(item, shape, what) for item in items])

    def _known_shape(self, items: Sequence[Array], shape: Dims) -> Dims:
        """The shape of ``items``, by all that is known. Raises InvalidArgumentError where they differ."""
        try:
            shape = merge(self.element_shape, shape)
            for item in items:
                if item is not None:
                    shape = merge(shape, item.shape)
        except ValueError as error:
            raise refuse(
                f"Tried to stack elements of a list with incompatible shapes: {error}"
            ) from None
        return shape

    def _initialized(self, item: Array, shape: Dims, what: str) -> Array:
        if item is not None:
            if not compatible(item.shape, shape):
                raise refuse(
                    f"Incompatible shapes: the element has {text(item.shape)}, element_shape is {text(shape)}"
                )
            return item
        try:
            shape = merge(self.element_shape, shape)
        except ValueError as error:
            raise refuse(str(error)) from None
        for other in self.items:
            if other is not None and not is_fully_defined(shape):
                shape = merge(shape, other.shape)
        if not is_fully_defined(shape):
            raise refuse(
                f"Trying to {what} an uninitialized tensor but element_shape is not fully defined: {text(shape)} "
                "and no list element is set."
            )
        return zeros(sizes(shape), self.dtype)

    def concat(self, shape: Dims, leading: Sequence[int]) -> tuple[Array, Array]:
        """All elements one after the other, and how many rows each has.

        ``shape``: of an element; ``leading``: rows of the uninitialized ones.
        """
        rest = None if shape is None else shape[1:]
        own_rest = None if self.element_shape is None else self.element_shape[1:]
        rest = merge(rest, own_rest)
        parts = []
        for i, item in enumerate(self.items):
            if item is None:
                rows = leading[i] if i < len(leading) else None if shape is None else shape[0]
                if rows is None or not is_fully_defined(rest):
                    raise refuse(
                        f"List contains uninitialized tensor at index {i} but leading_dims has only {len(leading)} "
                        "elements."
                    )
                item = zeros((rows, *sizes(rest)), self.dtype)
            elif item.ndim == 0:
                raise refuse(
                    f"Concat saw a scalar shape at index {i} but requires at least vectors."
                )
            rest = merge(rest, item.shape[1:])
            parts.append(item)
        lengths = np.array([len(part) for part in parts], np.int64)
        if parts:
            return np.concatenate(parts), lengths
        if not is_fully_defined(rest):
            raise refuse(
                "All except the first dimension must be fully defined when concating an empty tensor list. "
                f"element_shape: {text(shape)}"
            )
        return zeros((0, *sizes(rest)), self.dtype), lengths


def from_rows(tensor: Array, dtype: DType, element_shape: Dims) -> TensorList:
    """The rows of ``tensor`` as a list."""
    if tensor.ndim == 0:
        raise refuse("Tensor must be at least a vector, but saw shape: []")
    if not compatible(element_shape, tensor.shape[1:]):
        raise refuse(
            f"Specified a list with shape {text(element_shape)} from a tensor with shape {text(tensor.shape[1:])}"
        )
    return TensorList(list(tensor), dtype, element_shape)


def scatter(base: TensorList, indices: Sequence[int], tensor: Array, grow: bool) -> TensorList:
    """``base`` with the rows of ``tensor`` at ``indices``."""
    if tensor.ndim == 0 or len(indices) != len(tensor):
        raise refuse(
            "Invalid number of rows in input tensor. Expected: "
            f"{len(indices)} Actual: {len(tensor) if tensor.ndim else 'a scalar'}"
        )
    items = list(base.items)
    for index, row in zip(indices, tensor, strict=True):
        if index < 0:
            raise refuse("Indices in TensorListScatter must all be non-negative.")
        if index >= len(items):
            if not grow:
                raise refuse(
                    f"TensorListScatter: Trying to scatter at index {index} in list with size {len(items)}"
                )
            items.extend(places(index + 1 - len(items)))
        items[index] = row
    return base.with_items(items)


def split(tensor: Array, dtype: DType, element_shape: Dims, lengths: Array) -> TensorList:
    """``tensor`` cut into pieces of ``lengths`` rows."""
    if tensor.ndim == 0:
        raise refuse("Tensor must be at least a vector, but saw shape: []")
    if lengths.ndim != 1:
        raise refuse(f"Expected lengths to be a vector, received shape: {text(lengths.shape)}")
    if (lengths < 0).any():
        raise refuse("Invalid value in lengths: they must not be negative")
    if lengths.sum() != len(tensor):
        raise refuse(
            f"Unused values in tensor. Length of tensor: {len(tensor)} Values used: {lengths.sum()}"
        )
    bounds = np.cumsum(lengths)[:-1]
    return TensorList(np.split(tensor, bounds), dtype, element_shape)
