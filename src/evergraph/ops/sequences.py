"""Sequences of numbers: range, linspace, and masks of sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.constant import constant
from evergraph.ops.types import INDEX_DEFAULT_INT32

#: The types that ``range_`` infers, the later wins.
_RANGE_TYPES = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def _length(start: Any, limit: Any, delta: Any) -> int:
    """How many numbers a range has. Raises InvalidArgumentError where it would never end."""
    problem = None
    if delta == 0:
        problem = "Requires delta != 0: 0"
    elif delta > 0 and start > limit:
        problem = f"Requires start <= limit when delta > 0: {start}/{limit}"
    elif delta < 0 and start < limit:
        problem = f"Requires start >= limit when delta < 0: {start}/{limit}"
    if problem is not None:
        raise errors.InvalidArgumentError(None, None, problem)
    if start.dtype.kind in "iu":
        return len(range(int(start), int(limit), int(delta)))
    return math.ceil(abs((limit - start) / delta))


@op(
    "Range",
    "start: Tidx, limit: Tidx, delta: Tidx -> output: Tidx",
    Tidx=("{bfloat16, half, float, double, int8, int16, int32, int64, uint16, uint32} = DT_INT32"),
    static="start, limit, delta",
)
class Range:
    def shape(c):
        for i, name in enumerate(("start", "limit", "delta")):
            try:
                shapes.with_rank(c.shape(i), 0)
            except ValueError as error:
                raise ValueError(f"{error} for '{name}'") from None
        values = [c.value(i) for i in range(3)]
        if any(value is None for value in values):
            return (None,)
        return (_length(*values),)

    def compute(xp, start, limit, delta):
        for name, given in (("start", start), ("limit", limit), ("delta", delta)):
            if given.size != 1:
                raise errors.InvalidArgumentError(
                    None, None, f"{name} must be a scalar, not shape {shapes.text(given.shape)}"
                )
        start, limit, delta = start.ravel()[0], limit.ravel()[0], delta.ravel()[0]
        count = _length(start, limit, delta)
        kind = start.dtype
        if kind.kind in "iu":
            return np.arange(count, dtype=kind) * delta + start
        # One addition after the other, with the rounding of each, as TensorFlow does.
        steps = np.full(count, delta, kind)
        steps[:1] = start
        return np.add.accumulate(steps, dtype=kind)

    gradient = None


def range_(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range"
) -> Tensor:
    """The numbers from ``start`` (0) up to, not including, ``limit`` in steps of ``delta``.

    ``range_(n)`` is ``range_(0, n)``. Without ``dtype``, the widest type among the arguments.
    Raises TypeError for other types than int32, int64, float32 and float64 then.
    """
    from evergraph.ops.casts import cast

    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        bounds = [
            value if isinstance(value, Tensor) else convert_to_tensor(value, wanted, what)
            for what, value in (("start", start), ("limit", limit), ("delta", delta))
        ]
        kind = _widest(bounds) if wanted is None else wanted
        return Range(*[cast(bound, kind) for bound in bounds], name=scope)


def _widest(bounds: list[Tensor]) -> DType:
    for bound in bounds:
        if bound.dtype not in _RANGE_TYPES:
            raise TypeError(
                f"tf.range cannot infer a type from {bound.name} of type {bound.dtype.name}: "
                "pass dtype="
            )
    return max((bound.dtype for bound in bounds), key=_RANGE_TYPES.index)


# ----------------------------------------------------------------------------------------- linspace


@op(
    "LinSpace", "start: T, stop: T, num: Tidx -> output: T", T="{bfloat16, half, float, double}",
    Tidx=INDEX_DEFAULT_INT32, static="num",
)  # fmt: skip
class LinSpace:
    def shape(c):
        for i in range(3):
            shapes.with_rank(c.shape(i), 0)
        count = c.value(2)
        if count is None:
            return (None,)
        return (_positive(int(count)),)

    def compute(xp, start, stop, num):
        for name, given in (("start", start), ("stop", stop), ("num", num)):
            if given.ndim:
                raise errors.InvalidArgumentError(
                    None, None, f"{name} must be a scalar, not shape {shapes.text(given.shape)}"
                )
        count = _positive(int(num))
        if count == 1:
            return xp.reshape(start, (1,))
        kind = start.dtype
        step = (stop - start) / kind.type(count - 1)
        inner = start + step * xp.arange(1, count - 1).astype(kind)
        return xp.concatenate([xp.reshape(start, (1,)), inner, xp.reshape(stop, (1,))])

    gradient = None


def _positive(count: int) -> int:
    if count <= 0:
        raise errors.InvalidArgumentError(None, None, f"Requires num > 0: {count}")
    return count


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: Any = 0) -> Tensor:
    """``num`` evenly spaced numbers from ``start`` to ``stop``, both included, along ``axis``.

    ``start`` and ``stop`` may be tensors, which broadcast; ``axis`` is a new dimension.
    """
    from evergraph.ops.casts import Cast, cast
    from evergraph.ops.tiling import broadcast_dynamic_shape, broadcast_to

    with name_scope(name, "linspace", [start, stop]):
        start = convert_to_tensor(start, name="start")
        stop = convert_to_tensor(stop, name="stop", dtype=start.dtype)
        count = convert_to_tensor(num, name="num", preferred_dtype=dtypes.int32)
        if not count.dtype.is_integer:
            raise TypeError(f"Argument `num` must be of type integer, got {count.dtype.name}")
        count = Cast(count, DstT=dtypes.int32)
        # TensorFlow makes this, and does not use it.
        cast(count, start.dtype)
        dims = broadcast_dynamic_shape(array.shape(start), array.shape(stop))
        start, stop = broadcast_to(start, dims), broadcast_to(stop, dims)
        first, last = array.expand_dims(start, axis=axis), array.expand_dims(stop, axis=axis)
        return _spaced(first, last, count, axis)


def _spaced(first: Any, last: Any, count: Any, axis: Any) -> Tensor:
    from evergraph.ops.arithmetic import maximum
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal
    from evergraph.ops.selection import where_v2
    from evergraph.ops.slicing import slice_

    dims: Any = array.shape(first)
    sizes: Any = array.shape(dims)
    rank = sizes[0]
    axis = where_v2(axis >= 0, axis, rank + axis)
    inner = maximum(count - 2, 0)
    steps = maximum(count - 1, 1)
    delta = (last - first) / cast(steps, last.dtype)
    first, last = cast(first, delta.dtype), cast(last, delta.dtype)
    end = where_v2(count >= 0, steps, -1)
    numbers = cast(range_(1, end, dtype=dtypes.int64), delta.dtype)
    here = equal(axis, range_(rank))
    numbers = array.reshape(numbers, where_v2(here, inner, 1))
    result = first + delta * numbers
    # With one number, or none, what is too much is cut off.
    whole = concat((first, result, last), axis=axis)
    begin = array.zeros_like(dims)
    size = concat((dims[0:axis], array.reshape(count, [1]), dims[axis + 1 :]), axis=0)
    return slice_(whole, begin, size)


# ------------------------------------------------------------------------------------ sequence_mask


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None
) -> Tensor:
    """For each length n, ``maxlen`` elements (the largest length) of which the first n are true.

    [..., maxlen], of type ``dtype``. Raises ValueError where ``maxlen`` is not a scalar.
    """
    from evergraph.ops.arithmetic import Maximum
    from evergraph.ops.casts import Cast
    from evergraph.ops.reductions import Max

    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            largest = Max(lengths, all_axes(lengths))
            maxlen = Maximum(constant(0, largest.dtype), largest)
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen.dims:
            raise ValueError(
                "Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = "
                f"{maxlen} with shape '{maxlen.shape}' instead"
            )
        row = Range(constant(0, maxlen.dtype), maxlen, constant(1, maxlen.dtype))
        column = Cast(array.expand_dims(lengths, -1), DstT=maxlen.dtype)
        result: Tensor = row < column
        if dtype is None or result.dtype.is_compatible_with(dtypes.as_dtype(dtype)):
            return result
        return Cast(result, DstT=dtype)


def all_axes(x: Tensor) -> Tensor:
    """The numbers of all axes of ``x``, a constant where its rank is known."""
    if x.dims is not None:
        return constant(np.arange(len(x.dims)), dtype=dtypes.int32)
    return Range(0, array.rank(x), 1)
