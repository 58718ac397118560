"""The gradient of GatherV2: rows as IndexedSlices along the first axis, else a sum by segments.

The nodes are those of TensorFlow's own gradient (python/ops/array_grad.py, 2.15).
"""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.scopes import colocate_with
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.picking import gather
from evergraph.ops.shaping import dense_rows
from evergraph.ops.tiling import tile
from evergraph.ops.transposing import transpose


def gather_gradient(op: Any, grad: Any) -> Tensor | IndexedSlices:
    """The gradient of what was gathered from.

    Raises ValueError for negative batch_dims with indices of unknown rank.
    """
    from evergraph.ops.casts import cast
    from evergraph.ops.sequences import range_

    params, indices, axis = op.inputs
    with colocate_with(params):
        dims: Any = cast(array.shape(params, out_type=dtypes.int64), dtypes.int32)
    size = array.expand_dims(array.size(indices), 0)
    batch_dims = op.attrs["batch_dims"]
    if batch_dims < 0:
        if indices.dims is None:
            raise ValueError(
                "Currently, it is unsupported to take the gradient of tf.gather when batch_dims "
                "< 0 and the rank of the indices is unknown. Please pass a positive batch_dims or "
                f"set the shape of indices. Got batch_dims={batch_dims} and indices={indices}"
            )
        batch_dims += len(indices.dims)
    known = constant_value(axis)
    if known is not None and known == 0:
        values = array.reshape(dense_rows(grad), concat([size, dims[1:]], 0))
        return IndexedSlices(values, array.reshape(indices, size), dims)
    outer, inner = dims[:axis], dims[axis:][1:]
    values_shape = concat([outer, [-1], inner], 0)
    rank, axis_rank = array.size(values_shape), array.size(outer)
    batches: Any = range_(batch_dims)
    before: Any = range_(batch_dims, axis_rank)
    after = range_(axis_rank + 1, rank)
    values = array.reshape(dense_rows(grad), values_shape)
    # The axis goes to the front of what is not batch, and back in the end.
    forward = concat([batches, [axis_rank], before, after], 0)
    values = transpose(values, forward)
    result = _summed(gather(dims, forward), values, indices, batch_dims, dims[axis])
    return transpose(result, concat([batches, before + 1, [batch_dims], after], 0))


def _summed(dims: Any, values: Any, indices: Any, batch_dims: int, size: Any) -> Tensor:
    """``values`` added up at their ``indices``, in each batch, into ``size`` slots."""
    from evergraph.ops.reductions import Prod
    from evergraph.ops.segments import unsorted_segment_sum

    count = array.expand_dims(array.size(indices), 0)
    if not batch_dims:
        return unsorted_segment_sum(values, array.reshape(indices, count), size)
    values_shape: Any = array.shape(values)
    outer, inner = values_shape[:batch_dims], values_shape[batch_dims:][1:]
    batches = Prod(outer, [0], keep_dims=False)
    flat = concat([[-1], inner], 0)
    size = size * batches
    indices = _offset(dims, indices, batch_dims)
    values = array.reshape(dense_rows(values), flat)
    result = unsorted_segment_sum(values, array.reshape(indices, count), size)
    return array.reshape(result, concat([outer, flat], 0))


def _offset(dims: Any, indices: Any, batch_dims: int) -> Any:
    """``indices`` into the slots of all batches behind one another."""
    from evergraph.ops.casts import cast
    from evergraph.ops.sequences import range_

    dtype = indices.dtype.base_dtype
    places: Any = indices
    sizes: Any = cast(dims, dtype)
    step: Any = array.ones((), dtype=dtype)
    for dim in range(batch_dims, 0, -1):
        size = sizes[dim - 1]
        step = step * sizes[dim]
        start, one = array.zeros((), dtype=dtype), array.ones((), dtype=dtype)
        offsets: Any = range_(start, size, one)
        offsets = offsets * step
        before = tile([1], [dim - 1])
        rank: Any = array.rank(indices)
        shape = concat([before, [size], tile([1], [rank - dim])], axis=0)
        places = places + array.reshape(offsets, shape)
    return places
