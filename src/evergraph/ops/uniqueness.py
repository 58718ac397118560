"""Which elements there are: unique ones, in order of appearance, and differences of lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.picking import gather
from evergraph.ops.types import INDEX_DEFAULT_INT32

#: From so many elements on, sorting is faster than a dictionary.
_LONG = 256
_AXIS = "{int32, int64} = DT_INT64"


def _unique(x: Any, axis: int | None, out_idx: Any) -> tuple[Any, Any, Any]:
    """The different slices of ``x`` along ``axis`` (None: a vector), where each is, how many."""
    if axis is None:
        if x.ndim != 1:
            raise errors.InvalidArgumentError(
                None, None, f"unique expects a 1D vector, not shape {shapes.text(x.shape)}."
            )
        axis = 0
    rows = np.moveaxis(x, axis, 0)
    if rows.ndim == 1 and rows.size > _LONG and rows.dtype.kind in "biuf":
        first, places, counts = _by_sorting(rows)
    else:
        first, places, counts = _by_hashing(rows)
    kind = out_idx.as_numpy_dtype
    values = np.take(x, np.array(first, np.intp), axis)
    return values, np.array(places, kind), np.array(counts, kind)


# Both find equal what == does: 0.0 and -0.0 are one, NaN is different from all, itself included.


def _by_hashing(rows: Any) -> tuple[Any, Any, Any]:
    numbers: dict[Any, int] = {}
    first: list[int] = []
    places: list[int] = []
    counts: list[int] = []
    keys = rows.tolist() if rows.ndim == 1 else (tuple(row.ravel().tolist()) for row in rows)
    for i, key in enumerate(keys):
        number = numbers.setdefault(key, len(first))
        if number == len(first):
            first.append(i)
            counts.append(0)
        counts[number] += 1
        places.append(number)
    return first, places, counts


def _by_sorting(row: Any) -> tuple[Any, Any, Any]:
    _, first, places, counts = np.unique(
        row, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first)
    numbers = np.empty_like(order)
    numbers[order] = np.arange(order.size)
    return first[order], numbers[places], counts[order]


def _axis_of(rank: int, axis: Any) -> int:
    """The axis that is meant; an empty one is that of a vector."""
    problem = None
    if axis.ndim != 1:
        problem = f"axis expects a 1D vector, not shape {shapes.text(axis.shape)}"
    elif axis.size > 1:
        problem = "axis does not support input tensors larger than 1 elements."
    elif not axis.size and rank != 1:
        problem = "x expects a 1D vector."
    if problem is not None:
        raise errors.InvalidArgumentError(None, None, problem)
    return shapes.check_axis(int(axis[0]), rank) if axis.size else 0


def _along(c: Any) -> tuple[shapes.Dims, tuple[int | None]]:
    """The static shapes of the values and of the places, for the ops with an axis."""
    dims, axis = c.shape(0), c.value(1)
    if dims is None:
        return None, (None,)
    place = None if axis is None else _axis_of(len(dims), axis)
    return (None,) * len(dims), (None if place is None else dims[place],)


@op("Unique", "x: T -> y: T, idx: out_idx", T="type", out_idx=INDEX_DEFAULT_INT32, host=True)
class Unique:
    def shape(c):
        shapes.with_rank(c.shape(0), 1)
        return [(None,), c.shape(0)]

    def compute(xp, x, *, out_idx):
        return _unique(x, None, out_idx)[:2]


@op(
    "UniqueV2", "x: T, axis: Taxis -> y: T, idx: out_idx", T="type", Taxis=_AXIS,
    out_idx=INDEX_DEFAULT_INT32, host=True,
)  # fmt: skip
class UniqueV2:
    def shape(c):
        return list(_along(c))

    def compute(xp, x, axis, *, out_idx):
        return _unique(x, _axis_of(x.ndim, axis), out_idx)[:2]


@op(
    "UniqueWithCounts", "x: T -> y: T, idx: out_idx, count: out_idx", T="type",
    out_idx=INDEX_DEFAULT_INT32, host=True,
)  # fmt: skip
class UniqueWithCounts:
    def shape(c):
        shapes.with_rank(c.shape(0), 1)
        return [(None,), c.shape(0), (None,)]

    def compute(xp, x, *, out_idx):
        return _unique(x, None, out_idx)


@op(
    "UniqueWithCountsV2", "x: T, axis: Taxis -> y: T, idx: out_idx, count: out_idx", T="type",
    Taxis=_AXIS, out_idx=INDEX_DEFAULT_INT32, host=True,
)  # fmt: skip
class UniqueWithCountsV2:
    def shape(c):
        values, places = _along(c)
        return [values, places, (None,)]

    def compute(xp, x, axis, *, out_idx):
        return _unique(x, _axis_of(x.ndim, axis), out_idx)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The different elements of the vector ``x`` in order of appearance: (y, idx), x = y[idx]."""
    return Unique(x, out_idx=out_idx, name=name)


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """As ``unique``, and how often each is there: (y, idx, count)."""
    return UniqueWithCounts(x, out_idx=out_idx, name=name)


@op(
    "ListDiff", "x: T, y: T -> out: T, idx: out_idx", T="type", out_idx=INDEX_DEFAULT_INT32,
    host=True,
)  # fmt: skip
class ListDiff:
    def shape(c):
        shapes.with_rank(c.shape(0), 1)
        shapes.with_rank(c.shape(1), 1)
        return [(None,), (None,)]

    def compute(xp, x, y, *, out_idx):
        for name, given in (("x", x), ("y", y)):
            if given.ndim != 1:
                shown = shapes.text(given.shape)
                raise errors.InvalidArgumentError(
                    None, None, f"{name} should be a 1D vector, not shape {shown}"
                )
        known = set(y.tolist())
        places = np.array([i for i, value in enumerate(x.tolist()) if value not in known], np.intp)
        return x[places], places.astype(out_idx.as_numpy_dtype)


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """The elements of the vector ``x`` that are not in ``y``, and where they are: (out, idx)."""
    return ListDiff(x, y, out_idx=index_dtype, name=name)


def listdiff(x: Any, y: Any, out_idx: Any = None, name: str | None = None) -> Any:
    """The name that ``setdiff1d`` had before TensorFlow 1.0."""
    return ListDiff(x, y, out_idx=out_idx, name=name)


def sparse_mask(a: IndexedSlices, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """IndexedSlices ``a`` without the slices at ``mask_indices``."""
    with name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        indices, places = ListDiff(a.indices, mask_indices)
        values: Tensor = gather(a.values, places, name=scope)
        return IndexedSlices(values, indices, a.dense_shape)
