"""Elements picked by their place in several dimensions: GatherNd."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import constant_value
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing
from evergraph.ops.concatenation import concat
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.picking import as_array
from evergraph.ops.stacking import stack, unstack


def check_places(indices: Any, dims: tuple[int, ...]) -> None:
    """Raises InvalidArgumentError for the first of ``indices`` that is no place in ``dims``."""
    limits = np.array(dims[: indices.shape[-1]], np.int64)
    outside = ((indices < 0) | (indices >= limits)).any(axis=-1)
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        shown = f"[{','.join(map(str, where))}]" if where else ""
        raise errors.InvalidArgumentError(
            None,
            None,
            f"indices{shown} = {shapes.text(tuple(indices[where].tolist()))} does not index into "
            f"shape {shapes.text(dims)}",
        )


@op(
    "GatherNd", "params: Tparams, indices: Tindices -> output: Tparams", Tparams="type",
    Tindices="{int16, int32, int64}",
)  # fmt: skip
class GatherNd:
    def shape(c):
        params, indices = c.shape(0), c.shape(1)
        if indices == ():
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        if params is None or indices is None or indices[-1] is None:
            return None
        if indices[-1] > len(params):
            raise ValueError(
                f"indices.shape[-1] must be <= params.rank, but saw indices shape: "
                f"{shapes.text(indices)} and params shape: {shapes.text(params)}"
            )
        return indices[:-1] + params[indices[-1] :]

    def compute(xp, params, indices):
        if not indices.ndim or indices.shape[-1] > params.ndim:
            raise errors.InvalidArgumentError(
                None,
                None,
                "index innermost dimension length must be <= params rank; saw: "
                f"{shapes.text(indices.shape)} vs. {params.ndim}",
            )
        depth = indices.shape[-1]
        if not depth:
            wanted = indices.shape[:-1] + params.shape
            return passing.detached(xp, xp.broadcast_to(params, wanted))
        if xp is np:
            check_places(indices, params.shape)
        picked = params[tuple(indices[..., i] for i in range(depth))]
        return as_array(picked, params.dtype) if xp is np else picked

    def gradient(op, grad):
        params, indices = op.inputs
        dims = array.shape(params, out_type=indices.dtype)
        if indices.dims is not None and len(indices.dims) == 2 and indices.dims[-1] == 1:
            return IndexedSlices(grad, array.squeeze(indices, axis=-1), dims), None
        from evergraph.ops.scattering import scatter_nd

        return scatter_nd(indices, grad, dims), None


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: Any = 0) -> Tensor:
    """The elements (or slices) of ``params`` at the places ``indices[..., :]``.

    The first ``batch_dims`` dimensions belong together in both. Raises InvalidArgumentError in the
    run for a place that is not there.
    """
    if isinstance(batch_dims, Tensor):
        known = constant_value.constant_value(batch_dims)
        batch_dims = batch_dims if known is None else int(known)
    if not isinstance(batch_dims, int) or batch_dims:
        return batch_gather_nd(params, indices, batch_dims, name)
    if hasattr(params, "gather_nd"):
        # A resource variable is read only where it is indexed.
        return params.gather_nd(indices, name=name)
    return GatherNd(params, indices, name=name)


def batch_gather_nd(params: Any, indices: Any, batch_dims: int, name: str | None = None) -> Tensor:
    """``gather_nd`` in each of several batches: their numbers are put before the indices.

    Raises TypeError or ValueError where ``batch_dims`` is not a number that fits the ranks.
    """
    with name_scope(name, "BatchGatherND", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        _check_batch(params, indices, batch_dims)
        expanded = batch_dims == 0
        if expanded:
            params = array.expand_dims(params, axis=0)
            indices = array.expand_dims(indices, axis=0)
            batch_dims = 1
        result = _batch_gather_nd(params, indices, batch_dims)
        return array.squeeze(result, axis=0) if expanded else result


def _check_batch(params: Tensor, indices: Tensor, batch_dims: int) -> None:
    if not isinstance(batch_dims, int):
        raise TypeError(f"Argument `batch_dims` must be an int; got {batch_dims}")
    if batch_dims < 0:
        raise ValueError("tf.gather_nd does not allow negative batch_dims.")
    for what, dims in (("indices", indices.dims), ("params", params.dims)):
        if dims is not None and batch_dims >= len(dims):
            raise ValueError(
                f"Argument `batch_dims` = {batch_dims} must be less than rank(`{what}`) = "
                f"{len(dims)}"
            )


def _batch_gather_nd(params: Any, indices: Any, batch_dims: int) -> Tensor:
    from evergraph.ops.casts import Cast
    from evergraph.ops.reductions import Prod
    from evergraph.ops.sequences import Range
    from evergraph.ops.tiling import meshgrid, tile
    from evergraph.ops.transposing import transpose

    params_shape: Any = array.shape(params)
    indices_shape: Any = array.shape(indices)
    batch_shape = params_shape[:batch_dims]
    batch_size = Prod(batch_shape, [0])
    rank: Any = array.rank(indices)
    inner_rank = rank - batch_dims - 1
    inner_shape = indices_shape[batch_dims:-1]
    ranges = [
        Cast(Range(0, Cast(size, DstT=dtypes.int32), 1), DstT=indices.dtype)
        for size in unstack(batch_shape, axis=0)
    ]
    columns = [array.reshape(grid, (-1,)) for grid in meshgrid(*ranges, indexing="ij")]
    grid = transpose(stack(columns, axis=0))
    grid_shape: Any = array.shape(grid)
    parts = [grid_shape[:1], array.ones(inner_rank, dtype=grid_shape.dtype), grid_shape[1:]]
    grid = array.reshape(grid, concat(parts, axis=0))
    grid = tile(grid, concat(((1,), inner_shape, (1,)), axis=0))
    flat_shape = concat(([batch_size], indices_shape[batch_dims:]), axis=0)
    flat = array.reshape(indices, flat_shape)
    picked: Any = GatherNd(params, concat((grid, flat), axis=-1))
    picked_shape: Any = array.shape(picked)
    return array.reshape(picked, concat((batch_shape, picked_shape[1:]), axis=0))
