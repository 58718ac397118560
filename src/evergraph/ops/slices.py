"""IndexedSlices as structures: taken apart where control flow wants tensors, and made of tensors where some must
be slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph import nest
from evergraph.graph.shape import Dims, as_dims
from evergraph.ops import array
from evergraph.ops.indexed_slices import IndexedSlices


def _parts(value: IndexedSlices) -> list[Any]:
    parts = [value.values, value.indices]
    return parts if value.dense_shape is None else [*parts, value.dense_shape]


def _rebuild(like: IndexedSlices, parts: Sequence[Any]) -> IndexedSlices:
    return IndexedSlices(*parts)


def _invariant(shape: Any) -> list[Dims]:
    # The shape is that of the values; there are as many indices as rows, and sizes as dimensions.
    dims = as_dims(shape)
    if dims is None:
        return [None, (None,), (None,)]
    return [dims, dims[:1], (len(dims),)]


nest.register_composite(IndexedSlices, _parts, _rebuild, _invariant)


def as_indexed_slices(value: Any) -> IndexedSlices:
    """``value`` as IndexedSlices: a Tensor as all of its rows."""
    if isinstance(value, IndexedSlices):
        return value
    from evergraph.ops.sequences import range_

    dims = array.shape(value, optimize=False)
    return IndexedSlices(value, range_(0, dims[0]), dims)


def as_indexed_slices_list(values: Sequence[Any]) -> list[IndexedSlices]:
    """``values`` as IndexedSlices whose indices are of one type."""
    slices = [as_indexed_slices(value) for value in values]
    if len({one.indices.dtype for one in slices}) == 1:
        return slices
    from evergraph.ops.casts import cast

    return [
        IndexedSlices(one.values, cast(one.indices, dtypes.int64), one.dense_shape)
        for one in slices
    ]
