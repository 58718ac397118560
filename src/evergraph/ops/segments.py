"""Reductions by segment: rows that have the same id are added, multiplied, averaged or compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.narrow_floats import wide_dtype
from evergraph.ops.types import INDEX, INDEX_DEFAULT_INT32, NUMERIC, REAL


def _segment_shape(c):
    dims = c.shape(0)
    shapes.with_rank(c.shape(1), 1)
    return None if dims is None else (None, *dims[1:])


def _unsorted_shape(c):
    dims, ids = c.shape(0), c.shape(1)
    if dims is None or ids is None:
        return None
    shapes.merge(dims[: len(ids)], ids)
    count = c.value(2)
    return (None if count is None else int(count), *dims[len(ids) :])


def _check_sorted(data: Any, segment_ids: Any) -> None:
    if segment_ids.ndim != 1:
        raise errors.InvalidArgumentError(None, None, "segment_ids should be a vector.")
    if len(segment_ids) != len(data):
        raise errors.InvalidArgumentError(
            None, None, "segment_ids should be the same size as dimension 0 of input."
        )
    if len(segment_ids) and segment_ids[0] < 0:
        raise errors.InvalidArgumentError(None, None, "segment ids must be >= 0")
    if (np.diff(segment_ids) < 0).any():
        raise errors.InvalidArgumentError(None, None, "segment ids are not increasing")


def _rows(data: Any, segment_ids: Any) -> tuple[Any, Any]:
    """``data`` as one row for each id, and the ids as a row; rows with a negative id are left out."""
    if data.shape[: segment_ids.ndim] != segment_ids.shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"data.shape = {shapes.text(data.shape)} does not start with segment_ids.shape = "
            f"{shapes.text(segment_ids.shape)}",
        )
    flat = data.reshape((segment_ids.size, *data.shape[segment_ids.ndim :]))
    ids = segment_ids.reshape(-1)
    if (ids < 0).any():
        flat, ids = flat[ids >= 0], ids[ids >= 0]
    return flat, ids


def _combine(ufunc: Any, data: Any, ids: Any, count: int, start: Any) -> Any:
    """One row for each of ``count`` segments: ``start``, and ``ufunc`` of it and all rows of that segment."""
    if len(ids) and int(ids.max()) >= count:
        raise errors.InvalidArgumentError(
            None, None, f"segment_ids = {int(ids.max())} is out of range [0, {count})"
        )
    dtype = data.dtype
    wide = wide_dtype(dtype)
    result = np.full((count, *data.shape[1:]), start, wide)
    ufunc.at(result, ids, data.astype(wide, copy=False))
    return result.astype(dtype, copy=False)


def _least(dtype: Any) -> Any:
    return (
        np.iinfo(dtype).min if dtype.kind in "iu" else np.array(_finite_limit(dtype, "min"), dtype)
    )


def _greatest(dtype: Any) -> Any:
    return (
        np.iinfo(dtype).max if dtype.kind in "iu" else np.array(_finite_limit(dtype, "max"), dtype)
    )


def _finite_limit(dtype: Any, which: str) -> Any:
    import ml_dtypes

    return getattr(ml_dtypes.finfo(dtype), which)


def _count(segment_ids: Any) -> int:
    return int(segment_ids[-1]) + 1 if len(segment_ids) else 0


def _sorted(ufunc: Any, data: Any, segment_ids: Any, start: Any, empty: Any) -> Any:
    """As ``_combine`` for ids that never get smaller; segments without rows are ``empty``."""
    _check_sorted(data, segment_ids)
    result = _combine(ufunc, data, segment_ids, _count(segment_ids), start)
    present = np.zeros(len(result), bool)
    present[segment_ids] = True
    if not present.all():
        result[~present] = empty
    return result


def _sum_gradient(op, grad):
    from evergraph.ops.gathering import gather

    return gather(grad, op.inputs[1]), None


@op(
    "SegmentSum",
    "data: T, segment_ids: Tindices -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
    host=True,
)
class SegmentSum:
    shape = _segment_shape

    def compute(xp, data, segment_ids):
        return _sorted(np.add, data, segment_ids, 0, 0)

    gradient = _sum_gradient


@op(
    "SegmentMean",
    "data: T, segment_ids: Tindices -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
    host=True,
)
class SegmentMean:
    shape = _segment_shape

    def compute(xp, data, segment_ids):
        totals = _sorted(np.add, data, segment_ids, 0, 0)
        counts = np.maximum(np.bincount(segment_ids, minlength=len(totals)), 1)
        counts = counts.reshape((-1, *[1] * (data.ndim - 1)))
        if data.dtype.kind in "iu":
            return (np.sign(totals) * (np.abs(totals) // counts)).astype(data.dtype)
        return (totals / counts.astype(data.dtype)).astype(data.dtype)

    def gradient(op, grad):
        from evergraph.ops.casts import cast
        from evergraph.ops.division import div
        from evergraph.ops.gathering import gather

        data, ids = op.inputs
        rank = array.rank(data)
        from evergraph.ops.concatenation import concat

        ones_shape = concat(
            [array.shape(ids), array.fill(array.expand_dims(rank - 1, 0), np.int32(1))], 0
        )
        ones = array.fill(ones_shape, cast(np.float32(1), grad.dtype))
        scaled = div(grad, segment_sum(ones, ids))
        return gather(scaled, ids), None


@op(
    "SegmentProd",
    "data: T, segment_ids: Tindices -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
    host=True,
)
class SegmentProd:
    shape = _segment_shape

    def compute(xp, data, segment_ids):
        return _sorted(np.multiply, data, segment_ids, 1, 1)

    def gradient(op, grad):
        from evergraph.ops.gathering import gather

        _, ids = op.inputs
        share, grad = _product_of_others(
            op, grad, segment_sum, segment_prod, lambda values: gather(values, ids)
        )
        return gather(grad, ids) * share, None


def _extreme_gradient(op, grad):
    """Equal shares to the rows that are the extreme of their segment."""
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal
    from evergraph.ops.division import div
    from evergraph.ops.gathering import gather, where

    data, ids = op.inputs
    chosen = equal(data, gather(op.outputs[0], ids))
    counts = segment_sum(cast(chosen, grad.dtype), ids)
    shares = gather(div(grad, counts), ids)
    return where(chosen, shares, array.zeros_like(shares)), None


@op("SegmentMin", "data: T, segment_ids: Tindices -> output: T", T=REAL, Tindices=INDEX, host=True)
class SegmentMin:
    shape = _segment_shape

    def compute(xp, data, segment_ids):
        return _sorted(np.minimum, data, segment_ids, _greatest(data.dtype), 0)

    gradient = _extreme_gradient


@op("SegmentMax", "data: T, segment_ids: Tindices -> output: T", T=REAL, Tindices=INDEX, host=True)
class SegmentMax:
    shape = _segment_shape

    def compute(xp, data, segment_ids):
        return _sorted(np.maximum, data, segment_ids, _least(data.dtype), 0)

    gradient = _extreme_gradient


# Segments by ids in any order


def _gather_or_zero(values: Any, ids: Any) -> tuple[Any, Any]:
    """``values`` of the segments, zero where the id is negative; and whether it is not."""
    from evergraph.ops.arithmetic import maximum
    from evergraph.ops.comparison import greater_equal
    from evergraph.ops.gathering import gather, where
    from evergraph.ops.logical import logical_and

    gathered = gather(values, maximum(ids, array.zeros_like(ids)))
    positive = greater_equal(ids, 0)
    dims = array.shape(positive)
    from evergraph.ops.concatenation import concat

    extra = array.rank(gathered) - array.rank(positive)
    widened = array.reshape(positive, concat([dims, array.ones([extra], dims.dtype)], 0))
    positive = logical_and(widened, array.ones_like(gathered, dtype="bool"))
    return where(positive, gathered, array.zeros_like(gathered)), positive


@op(
    "UnsortedSegmentSum",
    "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
    T=NUMERIC,
    Tindices="{int16, int32, int64}",
    Tnumsegments=INDEX_DEFAULT_INT32,
    static="num_segments",
)
class UnsortedSegmentSum:
    shape = _unsorted_shape

    def compute(xp, data, segment_ids, num_segments):
        if xp is not np:
            flat = data.reshape((segment_ids.size, *data.shape[segment_ids.ndim :]))
            zeros = xp.zeros((int(num_segments), *flat.shape[1:]), data.dtype)
            ids = segment_ids.reshape(-1)
            # Negative ids count nowhere; to JAX they would count from the end.
            return zeros.at[xp.where(ids < 0, zeros.shape[0], ids)].add(flat, mode="drop")
        return _combine(np.add, *_rows(data, segment_ids), int(num_segments), 0)

    def gradient(op, grad):
        return _gather_or_zero(grad, op.inputs[1])[0], None, None


def _product_of_others(
    op: Any, grad: Any, total: Any, product: Any, spread: Any
) -> tuple[Any, Any]:
    """For each row the product of the others of its segment, and ``grad`` where that can be other than zero.

    Zeros are counted apart: with one in a segment only it has a gradient, with two none has.
    """
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal, greater
    from evergraph.ops.division import div
    from evergraph.ops.gathering import where

    data, ids = op.inputs[:2]
    is_zero = equal(data, 0)
    zeros = total(cast(is_zero, "int32"), ids)
    grad = where(greater(zeros, 1), array.zeros_like(grad), grad)
    others = product(where(is_zero, array.ones_like(data), data), ids)
    share = where(is_zero, spread(others), div(spread(op.outputs[0]), data))
    return share, grad


@op(
    "UnsortedSegmentProd",
    "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
    Tnumsegments=INDEX_DEFAULT_INT32,
    static="num_segments",
    host=True,
)
class UnsortedSegmentProd:
    shape = _unsorted_shape

    def compute(xp, data, segment_ids, num_segments):
        return _combine(np.multiply, *_rows(data, segment_ids), int(num_segments), 1)

    def gradient(op, grad):
        from evergraph.ops.arithmetic import maximum
        from evergraph.ops.gathering import gather

        _, ids, count = op.inputs
        clipped = maximum(ids, array.zeros_like(ids))
        share, grad = _product_of_others(
            op,
            grad,
            lambda rows, ids: unsorted_segment_sum(rows, ids, count),
            lambda rows, ids: unsorted_segment_prod(rows, ids, count),
            lambda values: gather(values, clipped),
        )
        return _gather_or_zero(grad, ids)[0] * share, None, None


def _unsorted_extreme_gradient(op, grad):
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal
    from evergraph.ops.division import div
    from evergraph.ops.gathering import where
    from evergraph.ops.logical import logical_and

    data, ids, count = op.inputs
    gathered, positive = _gather_or_zero(op.outputs[0], ids)
    chosen = logical_and(equal(data, gathered), positive)
    number = unsorted_segment_sum(cast(chosen, grad.dtype), ids, count)
    shares, _ = _gather_or_zero(div(grad, number), ids)
    return where(chosen, shares, array.zeros_like(shares)), None, None


@op(
    "UnsortedSegmentMin",
    "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
    T=REAL,
    Tindices=INDEX,
    Tnumsegments=INDEX_DEFAULT_INT32,
    static="num_segments",
    host=True,
)
class UnsortedSegmentMin:
    shape = _unsorted_shape

    def compute(xp, data, segment_ids, num_segments):
        return _combine(
            np.minimum, *_rows(data, segment_ids), int(num_segments), _greatest(data.dtype)
        )

    gradient = _unsorted_extreme_gradient


@op(
    "UnsortedSegmentMax",
    "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
    T=REAL,
    Tindices=INDEX,
    Tnumsegments=INDEX_DEFAULT_INT32,
    static="num_segments",
    host=True,
)
class UnsortedSegmentMax:
    shape = _unsorted_shape

    def compute(xp, data, segment_ids, num_segments):
        return _combine(
            np.maximum, *_rows(data, segment_ids), int(num_segments), _least(data.dtype)
        )

    gradient = _unsorted_extreme_gradient


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Rows with the same id added up; ids never get smaller."""
    return SegmentSum(data, segment_ids, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The mean of the rows with the same id; ids never get smaller."""
    return SegmentMean(data, segment_ids, name=name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The product of the rows with the same id; ids never get smaller."""
    return SegmentProd(data, segment_ids, name=name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The least of the rows with the same id; ids never get smaller."""
    return SegmentMin(data, segment_ids, name=name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The greatest of the rows with the same id; ids never get smaller."""
    return SegmentMax(data, segment_ids, name=name)


def unsorted_segment_sum(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Rows with the same id added up, one for each of ``num_segments`` ids; negative ids count nowhere."""
    return UnsortedSegmentSum(data, segment_ids, num_segments, name=name)


def unsorted_segment_prod(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The product of the rows with the same id; 1 where there are none."""
    return UnsortedSegmentProd(data, segment_ids, num_segments, name=name)


def unsorted_segment_min(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The least of the rows with the same id; the type's greatest number where there are none."""
    return UnsortedSegmentMin(data, segment_ids, num_segments, name=name)


def unsorted_segment_max(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The greatest of the rows with the same id; the type's least number where there are none."""
    return UnsortedSegmentMax(data, segment_ids, num_segments, name=name)


def _row_counts(segment_ids: Any, num_segments: Any, dtype: Any) -> Tensor:
    from evergraph.ops.arithmetic import maximum

    ids = convert_to_tensor(segment_ids)
    counts = unsorted_segment_sum(array.ones_like(ids, dtype=dtype), ids, num_segments)
    return maximum(counts, 1)


def unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The mean of the rows with the same id; 0 where there are none."""
    with name_scope(name, "UnsortedSegmentMean"):
        data = convert_to_tensor(data)
        total = unsorted_segment_sum(data, segment_ids, num_segments)
        counts = _aligned(_row_counts(segment_ids, num_segments, data.dtype), total)
        return total / counts


def _aligned(counts: Tensor, totals: Tensor) -> Tensor:
    from evergraph.ops.concatenation import concat

    extra = array.rank(totals) - array.rank(counts)
    return array.reshape(counts, concat([array.shape(counts), array.ones([extra], "int32")], 0))
