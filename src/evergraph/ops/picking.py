"""Slices picked by index: Gather."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import constant_value
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.shaping import at_least, dense_rows
from evergraph.ops.stacking import stack
from evergraph.ops.types import INDEX

_UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def check_rows(indices: Any, size: int) -> None:
    """Raises InvalidArgumentError for the first of ``indices`` outside ``[0, size)``."""
    # As unsigned numbers, the negative ones are the largest.
    if not indices.size or indices.view(_UNSIGNED[indices.itemsize]).max() < size:
        return
    place = tuple(int(i) for i in np.argwhere((indices < 0) | (indices >= size))[0])
    shown = f"[{','.join(map(str, place))}]" if place else ""
    raise errors.InvalidArgumentError(
        None, None, f"indices{shown} = {indices[place]} is not in [0, {size})"
    )


def as_array(value: Any, dtype: Any) -> Any:
    """``value`` as an array; NumPy hands out a single string as it is."""
    if dtype.kind != "O" or isinstance(value, np.ndarray):
        return value
    wrapped = np.empty((), object)
    wrapped[()] = value
    return wrapped


def _take(xp: Any, params: Any, indices: Any, axis: int) -> Any:
    if xp is not np:
        return xp.take(params, indices, axis)
    check_rows(indices, params.shape[axis])
    if not params.shape[axis]:
        # No index is left, but NumPy takes nothing from an empty axis.
        sizes = params.shape[:axis] + indices.shape + params.shape[axis + 1 :]
        return np.empty(sizes, params.dtype)
    return as_array(np.take(params, indices, axis, mode="clip"), params.dtype)


# ------------------------------------------------------------------------------------------- gather


@op(
    "Gather", "params: Tparams, indices: Tindices -> output: Tparams", validate_indices=True,
    Tparams="type", Tindices=INDEX,
)  # fmt: skip
class Gather:
    def shape(c):
        params, indices = at_least(c.shape(0), 1), c.shape(1)
        return None if params is None or indices is None else indices + params[1:]

    def compute(xp, params, indices):
        if not params.ndim:
            raise errors.InvalidArgumentError(None, None, "params must be at least 1 dimensional")
        return _take(xp, params, indices, 0)

    def gradient(op, grad):
        params, indices = op.inputs
        with colocate_with(params):
            dims = array.shape(params)
        return _rows_gradient(grad, indices, dims), None


def _rows_gradient(grad: Any, indices: Any, dims: Any) -> IndexedSlices:
    size = array.expand_dims(array.size(indices), 0)
    values = array.reshape(dense_rows(grad), concat([size, dims[1:]], 0))
    return IndexedSlices(values, array.reshape(indices, size), dims)


@op(
    "GatherV2", "params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams", batch_dims=0,
    Tparams="type", Tindices="{int16, int32, int64}", Taxis=INDEX, static="axis",
)  # fmt: skip
class GatherV2:
    def shape(c):
        shapes.with_rank(c.shape(2), 0)
        axis = c.value(2)
        return _gathered(
            at_least(c.shape(0), 1),
            c.shape(1),
            None if axis is None else int(axis),
            c["batch_dims"],
        )

    def compute(xp, params, indices, axis, *, batch_dims):
        if not params.ndim:
            raise errors.InvalidArgumentError(None, None, "params must be at least 1 dimensional")
        place = shapes.check_axis(int(axis), params.ndim)
        if not batch_dims:
            return _take(xp, params, indices, place)
        batch = _batch_rank(batch_dims, indices.ndim, params.ndim, place)
        return _take_in_batches(xp, params, indices, place, batch)

    def gradient(op, grad):
        from evergraph.ops.gather_gradient import gather_gradient

        return gather_gradient(op, grad), None, None


def _batch_rank(batch_dims: int, indices_rank: int, params_rank: int, axis: int) -> int:
    """``batch_dims``, from the front. Raises InvalidArgumentError for one that is too large."""
    problem = None
    if not -indices_rank <= batch_dims <= indices_rank:
        problem = f"must be in the range [{-indices_rank}, {indices_rank}]"
    batch = batch_dims + indices_rank if batch_dims < 0 else batch_dims
    if batch >= params_rank:
        problem = f"must be less than rank(params) ({params_rank})"
    elif batch > axis:
        problem = f"must be less than or equal to axis ({axis})"
    if problem is not None:
        raise errors.InvalidArgumentError(None, None, f"batch_dims ({batch_dims}) {problem}")
    return batch


def _gathered(params: Dims, indices: Dims, axis: int | None, batch_dims: int) -> Dims:
    """The static shape of a gather."""
    if params is None or indices is None:
        return None
    batch = batch_dims + len(indices) if batch_dims < 0 else batch_dims
    if axis is None:
        return (None,) * (len(params) + len(indices) - 1 - batch)
    if not -len(params) <= axis < len(params):
        raise ValueError(
            f"Shape must be at least rank {-axis if axis < 0 else axis + 1} "
            f"but is rank {len(params)}"
        )
    axis %= len(params)
    if batch_dims:
        _batch_rank(batch_dims, len(indices), len(params), axis)
    leading: Any = shapes.merge(params[:batch], indices[:batch])
    return (*leading, *params[batch:axis], *indices[batch:], *params[axis + 1 :])


def _take_in_batches(xp: Any, params: Any, indices: Any, axis: int, batch: int) -> Any:
    leading = params.shape[:batch]
    if indices.shape[:batch] != leading:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"params.shape[:{batch}] {shapes.text(leading)} should be equal to "
            f"indices.shape[:{batch}] {shapes.text(indices.shape[:batch])}",
        )
    if xp is np:
        check_rows(indices, params.shape[axis])
    outer, inner = params.shape[batch:axis], params.shape[axis + 1 :]
    count, middle = int(np.prod(leading)), int(np.prod(outer))
    tables = params.reshape(count, middle, params.shape[axis], int(np.prod(inner)))
    chosen = indices.reshape(count, 1, -1)
    result = tables[np.arange(count)[:, None, None], np.arange(middle)[:, None], chosen]
    return result.reshape(leading + outer + indices.shape[batch:] + inner)


def gather(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """The slices of ``params`` along ``axis`` that ``indices`` (of any shape) says.

    The first ``batch_dims`` dimensions belong together in both; ``axis`` is by default the one
    behind them. ``validate_indices`` is an argument of old: indices are always checked. Raises
    InvalidArgumentError in the run for an index out of range.
    """
    if axis is None:
        axis = batch_dims
    if _constant(axis) == 0:
        # A resource variable is read only where it is indexed.
        if hasattr(params, "sparse_read"):
            return params.sparse_read(indices, name=name)
        return GatherV2(params, indices, axis, name=name)
    return GatherV2(params, indices, axis, batch_dims=batch_dims, name=name)


def _constant(value: Any) -> Any:
    return constant_value.constant_value(value) if isinstance(value, Tensor) else value


# ------------------------------------------------------------------------------------ batch_gather


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """``gather`` along the last dimension of ``indices``, all others being batch dimensions.

    Raises ValueError where ranks are not known or do not fit.
    """
    with name_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        if indices.dims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        batch = len(indices.dims) - 1
        if batch < 0:
            raise ValueError("batch_gather needs indices of at least rank 1, got a scalar")
        if params.dims is not None and batch >= len(params.dims):
            raise ValueError(
                f"Argument `batch_dims` = {batch} must be less than rank(`params`) = "
                f"{len(params.dims)}"
            )
        return _batch_gather(params, indices, batch)


def _batch_gather(params: Any, indices: Any, batch: int) -> Tensor:
    """One gather over all batches, in their tables behind one another."""
    from evergraph.ops.reductions import Prod

    indices_shape: Any = array.shape(indices)
    params_shape: Any = array.shape(params)
    places = _offset_indices(params_shape, indices, batch)
    flat_indices = array.reshape(places, [-1])
    outer = params_shape[batch + 1 :]
    inner = Prod(params_shape[: batch + 1], [0], keep_dims=False)
    flat_params = array.reshape(params, concat([[inner], outer], axis=0))
    picked = gather(flat_params, flat_indices)
    result = array.reshape(picked, concat([indices_shape, outer], axis=0))
    leading = indices.shape[:batch].merge_with(params.shape[:batch])
    trailing = params.shape[batch + 1 :]
    result.set_shape(leading.concatenate(indices.shape[batch:]).concatenate(trailing))
    return result


def _offset_indices(params_shape: Any, indices: Any, batch: int) -> Any:
    """``indices`` into the tables of all batches behind one another."""
    from evergraph.ops.casts import Cast
    from evergraph.ops.sequences import Range

    dtype = indices.dtype.base_dtype
    places: Any = indices
    step: Any = array.ones((), dtype=dtype)
    sizes: Any = Cast(params_shape, DstT=dtype)
    for dim in range(batch, 0, -1):
        size = sizes[dim - 1]
        step = step * sizes[dim]
        offsets = Range(array.zeros((), dtype=dtype), size, array.ones((), dtype=dtype)) * step
        shape = stack([1] * (dim - 1) + [size] + [1] * (len(indices.dims) - dim), axis=0)
        places = places + array.reshape(offsets, shape)
    return places
