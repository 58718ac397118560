"""repeat: each element as often as is said for it, composed of other ops as TensorFlow does."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.casts import Cast
from evergraph.ops.concatenation import concat
from evergraph.ops.selection import boolean_mask
from evergraph.ops.sequences import Range, all_axes, sequence_mask
from evergraph.ops.stacking import stack
from evergraph.ops.tiling import broadcast_to, tile


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """``input`` with each slice along ``axis`` as often as ``repeats`` (one number, or a vector) says.

    Without ``axis`` the elements are repeated, in one dimension. Raises TypeError for an axis or
    repeats that are not whole numbers, ValueError where they do not fit.
    """
    if axis is None:
        input = array.reshape(input, [-1])
        axis = 0
    if not isinstance(axis, int):
        raise TypeError(
            f"Argument `axis` must be an int. Received `axis` = {axis} of type "
            f"{type(axis).__name__}"
        )
    with name_scope(name, "Repeat", [input, repeats]):
        data = convert_to_tensor(input, name="data")
        times: Any = convert_to_tensor(repeats, name="repeats", preferred_dtype=dtypes.int32)
        if not times.dtype.is_integer:
            raise TypeError(f"Argument `repeats` must be of type integer, not {times.dtype.name}")
        times = Cast(times, DstT=dtypes.int32)
        times.shape.with_rank_at_most(1)
        data = _at_least_a_vector(data)
        sizes: Any = array.shape(data, out_type=times.dtype)
        axis = _from_the_front(axis, data)
        if times.shape.num_elements() == 1:
            times = array.reshape(times, [])
            tiled = _tiled(array.expand_dims(data, axis + 1), axis + 1, times)
            parts = [sizes[:axis], [times * sizes[axis]], sizes[axis + 1 :]]
            return array.reshape(tiled, concat(parts, axis=0))
        return _by_mask(data, sizes, times, axis)


def _at_least_a_vector(data: Tensor) -> Tensor:
    if data.dims is not None:
        return data if data.dims else stack([data])
    sizes = array.shape(data)
    rank: Any = array.rank(data)
    wanted: Any = concat([[1], sizes], axis=0)
    return array.reshape(data, wanted[-rank:])


def _from_the_front(axis: int, data: Tensor) -> int:
    if data.dims is None:
        if axis < 0:
            raise ValueError(f"axis={axis} may only be negative if rank(data) is statically known.")
        return axis
    rank = len(data.dims)
    if not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    return axis % rank


def _tiled(data: Tensor, axis: int, times: Any) -> Tensor:
    if data.dims is not None:
        multiples: list[Any] = [1] * len(data.dims)
        multiples[axis] = times
        return tile(data, multiples)
    ones: Any = array.ones(array.rank(data), dtypes.int32)
    return tile(data, concat([ones[:axis], [times], ones[axis + 1 :]], axis=0))


def _by_mask(data: Tensor, sizes: Any, times: Any, axis: int) -> Tensor:
    """All elements as often as the most, and of those only as many as are wanted."""
    from evergraph.ops.arithmetic import Maximum
    from evergraph.ops.reductions import Max, Sum

    if times.dims is not None and len(times.dims) == 1:
        data.shape[axis].assert_is_compatible_with(times.shape[0])
    times = broadcast_to(times, [sizes[axis]])
    original = times
    if times.dims is None or len(times.dims) != axis + 1:
        times_shape = array.shape(times)
        rank: Any = array.rank(times)
        times = broadcast_to(times, concat([sizes[: axis + 1 - rank], times_shape], axis=0))
        times.set_shape([None] * (axis + 1))
    most = Max(times, all_axes(times))
    most = Maximum(convert_to_tensor(0, name="zero", dtype=most.dtype), most)
    mask = sequence_mask(times, most)
    tiled = _tiled(array.expand_dims(data, axis + 1), axis + 1, most)
    result = boolean_mask(tiled, mask)
    if axis:
        total = Sum(original, Range(0, array.rank(original), 1))
        result = array.reshape(result, concat([sizes[:axis], [total], sizes[axis + 1 :]], axis=0))
    if data.dims is not None:
        count = 0 if original.dims[:1] == (0,) else None
        result.set_shape((*data.dims[:axis], count, *data.dims[axis + 1 :]))
    return result
