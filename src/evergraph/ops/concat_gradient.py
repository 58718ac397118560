"""The gradient of a concatenation: each input's part of the gradient of the whole.

The nodes are those of TensorFlow's own gradient (python/ops/array_grad.py, 2.15).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import expand_dims, rank, shape, shape_n, squeeze, zeros
from evergraph.ops.concatenation import ConcatOffset, concat
from evergraph.ops.constant import constant, is_constant
from evergraph.ops.control_flow_queries import output_context
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.slicing import slice_
from evergraph.ops.splitting import split
from evergraph.ops.stacking import stack

#: From so many inputs on, one Split is faster than as many Slices.
_SPLIT_FROM = 17


def concat_gradient(inputs: Sequence[Tensor], axis: Any, grad: Any) -> list[Any]:
    """The gradients of ``inputs``, which have been concatenated along ``axis``."""
    if len(inputs) == 1:
        return [grad]
    if isinstance(grad, IndexedSlices):
        return _of_rows(inputs, axis, grad)
    if is_constant(axis) and output_context(axis.op) is not output_context(grad.op):
        # A constant of another loop's would have to be carried into this one.
        axis = constant(constant_value(axis), dtype=axis.dtype)
    axis = axis % rank(inputs[0])
    sizes: Any = _shapes(inputs)
    if len(inputs) >= _SPLIT_FROM:
        sizes = squeeze(slice_(stack(sizes, axis=1), [axis, 0], [1, -1]))
        return split(grad, sizes, axis)
    offsets = ConcatOffset(axis, sizes)
    return [slice_(grad, begin, size) for begin, size in zip(offsets, sizes, strict=True)]


def _shapes(inputs: Sequence[Tensor]) -> list[Tensor]:
    sizes = []
    for x in inputs:
        size = shape(x)
        if not is_constant(size):
            return shape_n(inputs)
        sizes.append(size)
    return sizes


def _of_rows(inputs: Sequence[Tensor], axis: Any, grad: IndexedSlices) -> list[IndexedSlices]:
    place = axis % rank(inputs[0])
    known = constant_value(axis)
    if known is None:
        raise ValueError("Can only compute IndexedSlices gradient with statically-known concat_dim")
    dims = inputs[0].dims
    if known < 0 and dims is None:
        raise ValueError(
            "Can only compute IndexedSlices gradient with negative concat_dim when first value "
            "rank is statically-known."
        )
    sizes = [shape(x) for x in inputs]
    if known % len(dims) if dims is not None else known:
        return _columns(sizes, place, grad)
    return _rows(sizes, place, grad)


def _columns(sizes: Sequence[Tensor], place: Any, grad: Any) -> list[IndexedSlices]:
    """Joined along another axis than the first: every input has all rows, and its part of each."""
    from evergraph.ops.arithmetic import add

    count: Any = shape(sizes[0])
    mask: Any = concat(
        [
            zeros(expand_dims(place, 0), dtype=dtypes.int32),
            [1],
            zeros(count - place - 1, dtype=dtypes.int32),
        ],
        0,
    )
    begin: Any = zeros(count, dtype=dtypes.int32)
    parts = []
    for size in sizes:
        extent = concat([[-1], slice_(size, [1], [-1])], 0)
        parts.append(IndexedSlices(slice_(grad.values, begin, extent), grad.indices, size))
        begin = add(begin, size * mask)
    return parts


def _rows(sizes: Sequence[Tensor], place: Any, grad: Any) -> list[IndexedSlices]:
    """Joined along the first axis: every input has the rows that lie in it."""
    from evergraph.ops.casts import cast
    from evergraph.ops.logical import logical_and
    from evergraph.ops.picking import gather
    from evergraph.ops.selection import where

    start: Any = constant(0, dtype=grad.indices.dtype)
    parts = []
    for size in sizes:
        length: Any = gather(size, place)
        if length.dtype != grad.indices.dtype:
            length = cast(length, grad.indices.dtype)
        end = start + length
        inside = logical_and(grad.indices >= start, grad.indices < end)
        chosen = squeeze(where(inside), axis=[1])
        rows: Any = gather(grad.indices, chosen)
        rows = rows - start
        parts.append(IndexedSlices(gather(grad.values, chosen), rows, size))
        start = end
    return parts
