"""The memory that the values of one run take, and what stops it from growing without end.

Counted are the arrays that operations have made and that are still alive: each once, however many views there are of
it, and until it is freed. What an operation is about to make is known from the shape rule of its op, asked with the
shapes and values that its inputs have in the run; that is checked before its kernel runs.

Not counted: what a kernel takes while it computes, arrays of less than 4 KiB that no collection holds, and what the
caller feeds. A run may therefore take some multiple of the limit, never an arbitrary one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.operation import Operation
from evergraph.graph.shape import Dims, from_partial_values, is_fully_defined, product
from evergraph.graph.shape_inference import ShapeContext
from evergraph.graph.tensor import Tensor
from evergraph.ops.shape_rules import unchanged

#: Smaller arrays are not worth counting.
SMALL = 1 << 12
#: What a Python object in a list takes, about.
_OBJECT = 64
#: Predictions kept for each operation: one for each shape of its inputs.
_MOST_PREDICTIONS = 64
_MOST_SIZES = 1024
#: Their outputs are no larger than their inputs, though the shapes depend on values.
_MODEST = frozenset(
    """All Any ArgMax ArgMin EuclideanNorm ExpandDims Max Mean Min Prod Reshape Slice Split SplitV Squeeze StridedSlice
    Sum Transpose""".split()
)

Function = Callable[..., Any]


class RunMemory:
    """Counts for one run; ``most`` bytes are allowed. Implements evergraph.graph.room.Room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._owners: dict[int, Any] = {}

    def reserve(self, nbytes: int) -> None:
        """Raises ResourceExhaustedError where ``nbytes`` more are not allowed."""
        if self._taken + nbytes > self._most:
            raise errors.ResourceExhaustedError(
                None,
                None,
                f"The run would take {self._taken + nbytes:,} bytes, {nbytes:,} of them for one value; {self._most:,} "
                "are allowed. Where the model is meant to be as large as this, load it with a higher bytes=",
            )

    def keep(self, value: Any) -> None:
        """Counts an array that a collection holds."""
        if isinstance(value, np.ndarray):
            self._count(value, _OBJECT)
        elif isinstance(value, (np.generic, bytes)):
            # Numbers cannot tell that they are gone: they count to the end of the run.
            self._taken += _OBJECT + len(value) if isinstance(value, bytes) else _OBJECT
            self.reserve(0)

    def made(self, result: Any) -> None:
        """Counts what a kernel has returned: an array, or a sequence of them."""
        if isinstance(result, np.ndarray):
            if result.nbytes >= SMALL or result.dtype == object:
                self._count(result, 0)
        elif isinstance(result, (tuple, list)):
            for each in result:
                self.made(each)

    def _count(self, value: np.ndarray[Any, Any], extra: int) -> None:
        owner = _owner(value)
        key = id(owner)
        if key in self._owners:
            return
        nbytes = _size(owner) + extra
        self._owners[key] = weakref.ref(owner, lambda _: self._gone(key, nbytes))
        self._taken += nbytes
        self.reserve(0)

    def _gone(self, key: int, nbytes: int) -> None:
        del self._owners[key]
        self._taken -= nbytes


def _owner(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array whose memory ``value`` is a view of."""
    owner, base = value, value.base
    while base is not None:
        if isinstance(base, np.ndarray):
            owner = base
        base = getattr(base, "base", None)
    return owner


def _size(array: np.ndarray[Any, Any]) -> int:
    if array.dtype == object:
        return array.nbytes + sum(len(each) for each in array.flat if isinstance(each, bytes))
    return array.nbytes


def predictor(op: Operation) -> Callable[[Sequence[Any]], int]:
    """A function of the values of ``op``'s inputs: how many bytes its outputs will take, as far as shapes tell."""
    if all(is_fully_defined(tensor.dims) for tensor in op.outputs):
        known = _bytes_of(op, [tensor.dims for tensor in op.outputs])
        return lambda values: known
    rule = op.declaration.shape if op.declaration is not None else None
    if rule is None or rule is unchanged or op.type in _MODEST:
        return lambda values: 0
    known_by_shapes: dict[tuple[Any, ...], int] = {}

    def predict(values: Sequence[Any]) -> int:
        try:
            shapes = tuple([value.shape for value in values])
        except AttributeError:
            shapes = tuple([getattr(value, "shape", None) for value in values])
        found = known_by_shapes.get(shapes)
        if found is None:
            context = _RunShapes(op, values)
            try:
                result = rule(context)
            except (ValueError, TypeError, LookupError, ArithmeticError, errors.OpError):
                return 0  # The kernel will refuse it.
            found = _bytes_of(op, result if isinstance(result, list) else [result])
            if not context.asked_for_values and len(known_by_shapes) < _MOST_PREDICTIONS:
                known_by_shapes[shapes] = found
        return found

    return predict


def _bytes_of(op: Operation, shapes: Sequence[Dims]) -> int:
    total = 0
    for tensor, dims in zip(op.outputs, shapes, strict=True):
        kind = tensor.dtype.base_dtype
        if is_fully_defined(dims) and kind not in (dtypes.resource, dtypes.variant):
            total += (product(dims or ()) or 0) * max(kind.size, 1)
    return total


class _RunShapes(ShapeContext):
    """What a shape rule sees of a node in a run: the shapes and values that its inputs have."""

    __slots__ = ("_values", "asked_for_values")

    def __init__(self, op: Operation, values: Sequence[Any]) -> None:
        super().__init__(op)
        self._values: dict[Tensor, Any] = {}
        for tensor, value in zip(op._inputs, values, strict=True):
            if isinstance(value, (np.ndarray, np.generic)):
                self._values[tensor] = value
        self.asked_for_values = False

    def _shape_of(self, tensor: Tensor) -> Dims:
        value = self._values.get(tensor)
        shape: Dims = tensor._dims if value is None else value.shape
        return shape

    def shape(self, i: int) -> Dims:
        return self._shape_of(self.tensor(i))

    def shapes(self, i: int) -> list[Dims]:
        return [self._shape_of(tensor) for tensor in self.tensors(i)]

    def value(self, i: int) -> np.ndarray[Any, Any] | None:
        self.asked_for_values = True
        found = self._values.get(self.tensor(i))
        return super().value(i) if found is None else np.asarray(found)

    def value_as_shape(self, i: int) -> Dims:
        self.asked_for_values = True
        found = self._values.get(self.tensor(i))
        if found is None:
            return super().value_as_shape(i)
        if found.size > _MOST_SIZES or (found.ndim == 0 and found == -1):
            return None
        return from_partial_values([int(size) for size in np.ravel(found)])
