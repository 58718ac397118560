"""Looking rows up in a table, which may be spread over several tensors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import colocate_with, device, name_scope
from evergraph.graph.shape import is_fully_defined, merge
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.arithmetic import maximum
from evergraph.ops.casts import cast
from evergraph.ops.clip import clip_by_norm
from evergraph.ops.concatenation import concat
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import convert_n
from evergraph.ops.partitioning import dynamic_partition, parallel_dynamic_stitch
from evergraph.ops.picking import gather
from evergraph.ops.reductions import reduce_sum
from evergraph.ops.selection import where
from evergraph.ops.sequences import range_
from evergraph.ops.stacking import stack

_LOG = logging.getLogger("evergraph")


def _clipped(rows: Tensor, ids: Tensor, max_norm: Any) -> Tensor:
    """``rows`` of at most length ``max_norm``."""
    if max_norm is None:
        return rows
    axes: Any
    if ids.dims and rows.dims:
        axes = list(range(len(ids.dims), len(rows.dims)))
    else:
        first = len(ids.dims) if ids.dims else array.rank(ids)
        last = len(rows.dims) if rows.dims else array.rank(rows)
        axes = range_(first, last)
    result: Tensor = clip_by_norm(rows, max_norm, axes=axes)
    return result


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:
    """The rows ``ids`` of ``params``: a tensor, a list of them that are parts of one table, or a
    partitioned variable.

    ``partition_strategy``: ``"mod"``: row i is in part ``i % parts``; ``"div"``: the parts are ranges, the first ones
    a row longer. ``max_norm``: rows that are longer than this are scaled down. Raises ValueError for another strategy,
    or no part.
    """
    if params is None:
        raise ValueError("params must be specified")
    if hasattr(params, "_get_variable_list"):
        params = _parts_of(params)
    parts = list(params) if isinstance(params, (list, tuple)) else [params]
    if not parts:
        raise ValueError("Length of params is currently 0. Need at least one param.")
    with name_scope(name, "embedding_lookup", [*parts, ids]) as scope:
        if not any(hasattr(part, "sparse_read") for part in parts):
            parts = convert_n(parts, name="params")
        ids = convert_to_tensor(ids, name="ids")
        if len(parts) == 1:
            with colocate_with(_place(parts[0]), ignore_existing=True):
                rows = _clipped(gather(parts[0], ids, name=scope), ids, max_norm)
            return array.identity(rows)
        rows = _gathered(parts, ids, partition_strategy, scope)
        return _clipped(rows, ids, max_norm)


def _parts_of(params: Any) -> list[Any]:
    """The parts of a partitioned variable."""
    axis = params._partition_axes()[0]
    if axis:
        _LOG.warning(
            "embedding_lookup: %r is cut along axis %d, and its parts are taken to hold rows, as TensorFlow does: what "
            "is found is wrong. Cut it along axis 0, or look up in its as_tensor().",
            params.name,
            axis,
        )
    parts: list[Any] = params._get_variable_list()
    return parts


def _place(part: Any) -> Any:
    return part.op if isinstance(part, Tensor) else part.handle


def _gathered(parts: Sequence[Any], ids: Tensor, strategy: str, scope: str) -> Tensor:
    flat: Any = array.reshape(ids, [-1])
    places = range_(array.size(flat))
    which, inside = _split(parts, flat, strategy)
    which = cast(which, dtypes.int32)
    ids_of_parts = dynamic_partition(inside, which, len(parts))
    places_of_parts = dynamic_partition(places, which, len(parts))
    found = []
    for part, part_ids in zip(parts, ids_of_parts, strict=True):
        with device(None), colocate_with(_place(part), ignore_existing=True):
            found.append(gather(part, part_ids))
    rows = parallel_dynamic_stitch(places_of_parts, found, name=scope)
    element = None
    for part in parts:
        dims = part.shape.dims_or_none
        element = merge(element, None if dims is None else dims[1:])
    sizes: Any = list(element) if element is not None else None
    if not is_fully_defined(element):
        with colocate_with(_place(parts[0]), ignore_existing=True):
            shape: Any = array.shape(parts[0])
        sizes = shape[1:]
    rows = array.reshape(rows, concat([array.shape(ids), sizes], 0))
    if ids.dims is not None and element is not None:
        rows.set_shape([*ids.dims, *element])
    return rows


def _split(parts: Sequence[Any], flat: Any, strategy: str) -> tuple[Any, Any]:
    """(the part that each id is in, its row there)."""
    count = len(parts)
    if strategy == "mod":
        return flat % count, flat // count
    if strategy != "div":
        raise ValueError(
            f"Unrecognized partition strategy: {strategy}. Must be one of either `mod` or `div`."
        )
    total = _total(parts, flat.dtype)
    each, extras = total // count, total % count
    which: Any = maximum(flat // (each + 1), (flat - extras) // each)
    in_longer = which < extras
    inside = where(in_longer, flat % (each + 1), (flat - extras) % each)
    return which, inside


def _total(parts: Sequence[Any], kind: Any) -> Any:
    sizes: list[Any] = [
        None if part.shape.ndims is None else part.shape.as_list()[0] for part in parts
    ]
    if None not in sizes and sum(sizes):
        return constant(sum(sizes), kind)
    lengths = []
    for part, size in zip(parts, sizes, strict=True):
        if size is None:
            with colocate_with(_place(part), ignore_existing=True):
                shape: Any = array.shape(part)
                size = shape[0]
        lengths.append(size)
    return reduce_sum(cast(stack(lengths), kind))
