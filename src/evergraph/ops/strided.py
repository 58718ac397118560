"""StridedSlice, the op behind ``x[1:3, ..., None]``: its gradient, and writes to such a part.

An index is three vectors (begin, end, strides), one entry for each thing between the brackets, and
five masks that say by bits which entries are a missing begin, a missing end, an ellipsis, a new
axis, a single index. Source: the documentation of StridedSlice (core/ops/array_ops.cc) and
util/strided_slice_op.cc, for what is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing, shape_rules, shaping
from evergraph.ops.types import INDEX

_MASKS = {
    "begin_mask": 0,
    "end_mask": 0,
    "ellipsis_mask": 0,
    "new_axis_mask": 0,
    "shrink_axis_mask": 0,
}
_STATIC = "begin, end, strides"


def _numpy_index(
    dims: tuple[int, ...], begin: Any, end: Any, strides: Any, masks: Sequence[int]
) -> tuple[Any, ...]:
    """The index that NumPy takes for the same elements of an array of shape ``dims``.

    It always holds an ellipsis, so that a single element stays an array. Raises
    InvalidArgumentError for what TensorFlow refuses.
    """
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask = masks
    steps = strides.tolist()
    index: list[Any] = []
    axis, rank = 0, len(dims)
    for i, (first, last, stride) in enumerate(
        zip(begin.tolist(), end.tolist(), steps, strict=True)
    ):
        bit = 1 << i
        if ellipsis_mask & bit:
            _check_spec(len(steps), rank, masks)
            index.append(...)
            axis = rank - _taking(range(i + 1, len(steps)), masks)
            continue
        if new_axis_mask & bit:
            index.append(None)
            continue
        if axis >= rank:
            _check_spec(len(steps), rank, masks)
        if shrink_axis_mask & bit:
            _check_shrink(dims[axis], axis, first, stride)
            index.append(first)
        else:
            _check_stride(stride, axis)
            start = None if begin_mask & bit else first
            index.append(slice(start, None if end_mask & bit else last, stride))
        axis += 1
    if not ellipsis_mask:
        index.append(...)
    return tuple(index)


def _taking(entries: Sequence[int], masks: Sequence[int]) -> int:
    """How many of ``entries`` take a dimension of the input (ellipsis and new axis do not)."""
    free = masks[2] | masks[3]
    return sum(not free & (1 << i) for i in entries)


def _check_spec(count: int, rank: int, masks: Sequence[int]) -> None:
    ellipsis = masks[2]
    if ellipsis & (ellipsis - 1):
        _refuse("Multiple ellipses in slice spec not allowed")
    if _taking(range(count), masks) > rank:
        _refuse(f"Index out of range using input dim {rank}; input has only {rank} dims")


def _check_stride(stride: int, axis: int) -> None:
    if stride == 0:
        _refuse(f"strides[{axis}] must be non-zero")


def _check_shrink(size: int, axis: int, place: int, stride: int) -> None:
    if stride <= 0:
        _check_stride(stride, axis)
        _refuse("only stride 1 allowed on non-range indexing.")
    if not -size <= place < size:
        shown = place + size if place < 0 else place
        _refuse(f"slice index {shown} of dimension {axis} out of bounds.")


def _refuse(message: str) -> None:
    raise errors.InvalidArgumentError(None, None, message)


def _sliced(dims: Dims, begin: Any, end: Any, strides: Any, masks: Sequence[int]) -> Dims:
    """The static shape of a slice; ``begin`` and ``end`` are None where they are not known yet."""
    if dims is None or strides is None:
        return None
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask = masks
    strides = strides.tolist()
    _check_spec(len(strides), len(dims), masks)
    known = begin is not None and end is not None
    result: list[int | None] = []
    axis = 0
    for i, stride in enumerate(strides):
        bit = 1 << i
        if ellipsis_mask & bit:
            rest = len(dims) - _taking(range(i + 1, len(strides)), masks)
            result.extend(dims[axis:rest])
            axis = rest
            continue
        if new_axis_mask & bit:
            result.append(1)
            continue
        size = dims[axis]
        _check_stride(stride, axis)
        if shrink_axis_mask & bit:
            if known and size is not None:
                _check_shrink(size, axis, int(begin[i]), stride)
        elif size is None:
            result.append(None)
        elif begin_mask & end_mask & bit:
            result.append(len(range(size)[::stride]))
        elif known:
            first = None if begin_mask & bit else int(begin[i])
            last = None if end_mask & bit else int(end[i])
            result.append(len(range(size)[first:last:stride]))
        else:
            result.append(None)
        axis += 1
    result.extend(dims[axis:])
    return tuple(result)


def _masks_of(attrs: Any) -> tuple[int, ...]:
    return tuple(attrs[name] for name in _MASKS)


def _bounds(c: Any, first: int) -> list[Any]:
    """The values of begin, end and strides, which are arguments from ``first`` on."""
    length: Dims = None
    for i in range(first, first + 3):
        shapes.with_rank(c.shape(i), 1)
        length = shapes.merge(length, c.shape(i))
    return [c.value(i) for i in range(first, first + 3)]


@op(
    "StridedSlice", "input: T, begin: Index, end: Index, strides: Index -> output: T", T="type",
    Index="{int16, int32, int64}", **_MASKS, static=_STATIC,
)  # fmt: skip
class StridedSlice:
    def shape(c):
        return _sliced(c.shape(0), *_bounds(c, 1), _masks_of(c))

    def compute(
        xp, input, begin, end, strides, *,
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    ):  # fmt: skip
        masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
        index = _numpy_index(input.shape, begin, end, strides, masks)
        return passing.detached(xp, input[index])

    def gradient(op, grad):
        _, begin, end, strides = op.inputs
        size = array.shape(op.inputs[0], out_type=begin.dtype)
        masks = {name: op.attrs[name] for name in _MASKS}
        known = [_known(tensor) for tensor in (size, begin, end, strides)]
        return StridedSliceGrad(*known, grad, **masks), None, None, None


def _known(tensor: Tensor) -> Any:
    value = constant_value(tensor)
    return tensor if value is None else value


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """The elements ``input_[begin:end:strides]``; this module's head says what the masks mean.

    Where ``var``, the variable behind ``input_``, is given, the result has an ``assign(value)``
    that writes to that part of it. ``x[...]`` is the kinder form of this.
    """
    if strides is None:
        strides = array.ones_like(begin)
    masks = {
        "begin_mask": begin_mask,
        "end_mask": end_mask,
        "ellipsis_mask": ellipsis_mask,
        "new_axis_mask": new_axis_mask,
        "shrink_axis_mask": shrink_axis_mask,
    }
    result = StridedSlice(input_, begin, end, strides, name=name, **masks)
    if var is not None:
        base = name

        def assign(value: Any, name: str | None = None) -> Any:
            name = f"{base}_assign" if name is None else name
            return var._strided_slice_assign(
                begin=begin, end=end, strides=strides, value=value, name=name, **masks
            )

        result.assign = assign
    return result


@op(
    "StridedSliceGrad",
    "shape: Index, begin: Index, end: Index, strides: Index, dy: T -> output: T", T="type",
    Index=INDEX, **_MASKS, static=f"shape, {_STATIC}",
)  # fmt: skip
class StridedSliceGrad:
    def shape(c):
        return shaping.sizes_of(c, 0)

    def compute(
        xp, shape, begin, end, strides, dy, *,
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    ):  # fmt: skip
        dims = tuple(shape.tolist())
        masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
        index = _numpy_index(dims, begin, end, strides, masks)
        whole = xp.zeros(dims, dy.dtype)
        wanted = whole[index].shape
        if wanted != dy.shape:
            _refuse(f"shape of dy was {shapes.text(dy.shape)} instead of {shapes.text(wanted)}")
        if xp is not np:
            return whole.at[index].set(dy)
        if dy.dtype == object:
            whole.fill(b"")
        whole[index] = dy
        return whole

    def gradient(op, grad):
        _, begin, end, strides, _ = op.inputs
        masks = {name: op.attrs[name] for name in _MASKS}
        return None, None, None, None, strided_slice(grad, begin, end, strides, **masks)


# ------------------------------------------------------------------------------------------- writes


def _write(cell, begin, end, strides, value, masks):
    """Puts ``value`` into a slice of what a variable of either kind holds."""
    with cell.lock:
        whole = cell.writable()
        _written(whole, _numpy_index(whole.shape, begin, end, strides, masks), value)


def _written(whole: Any, index: tuple[Any, ...], value: Any) -> None:
    """Puts ``value`` into ``whole[index]``. Raises InvalidArgumentError where it does not fit."""
    part = whole[index]
    try:
        part[...] = value
    except ValueError:
        _refuse(
            f"could not broadcast a value of shape {shapes.text(np.shape(value))} to the slice "
            f"of shape {shapes.text(part.shape)}"
        )


@op(
    "StridedSliceAssign",
    "ref: Ref(T), begin: Index, end: Index, strides: Index, value: T -> output_ref: Ref(T)",
    T="type", Index=INDEX, **_MASKS, static=_STATIC,
)  # fmt: skip
class StridedSliceAssign:
    shape = shape_rules.unchanged

    def compute(
        xp, ref, begin, end, strides, value, *,
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    ):  # fmt: skip
        masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
        _write(ref, begin, end, strides, value, masks)
        return ref


@op(
    "ResourceStridedSliceAssign",
    "ref: resource, begin: Index, end: Index, strides: Index, value: T ->",
    T="type", Index=INDEX, **_MASKS, stateful=True, static=_STATIC,
)  # fmt: skip
class ResourceStridedSliceAssign:
    def shape(c):
        return []

    def compute(
        ctx, ref, begin, end, strides, value, *,
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    ):  # fmt: skip
        masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
        _write(ref, begin, end, strides, value, masks)


@op(
    "TensorStridedSliceUpdate",
    "input: T, begin: Index, end: Index, strides: Index, value: T -> output: T",
    T="type", Index=INDEX, **_MASKS, static=_STATIC,
)  # fmt: skip
class TensorStridedSliceUpdate:
    shape = shape_rules.unchanged

    def compute(
        xp, input, begin, end, strides, value, *,
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    ):  # fmt: skip
        masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
        index = _numpy_index(input.shape, begin, end, strides, masks)
        if xp is not np:
            return input.at[index].set(value)
        whole = np.array(input, copy=True)
        _written(whole, index, value)
        return whole

    def gradient(op, grad):
        from evergraph.ops.broadcasting import BroadcastGradientArgs
        from evergraph.ops.reductions import reduce_sum

        _, begin, end, strides, value = op.inputs
        masks = {name: op.attrs[name] for name in _MASKS}
        part = strided_slice(grad, begin, end, strides, **masks)
        rest = TensorStridedSliceUpdate(grad, begin, end, strides, array.zeros_like(part), **masks)
        # The value may have been broadcast to the slice.
        size = array.shape(value, out_type=begin.dtype)
        axes = BroadcastGradientArgs(array.shape(part, out_type=begin.dtype), size)[1]
        summed = reduce_sum(part, axis=axes, keepdims=True)
        return rest, None, None, None, array.reshape(summed, size)
