"""The largest elements: top k, the n-th, whether a class is among the best."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.picking import gather
from evergraph.ops.scattering import scatter_nd
from evergraph.ops.shaping import at_least
from evergraph.ops.stacking import stack
from evergraph.ops.top_heap import in_order_of_the_heap
from evergraph.ops.types import INDEX_DEFAULT_INT32

_ORDERED = (
    "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}"
)
#: From rows of this length on, the largest are parted off before they are sorted.
_LONG = 1024


# -------------------------------------------------------------------------------------------- top k


def _largest(c: Any, k: int | None) -> list[Dims]:
    dims = at_least(c.shape(0), 1)
    if k is not None and k < 0:
        raise ValueError(f"Need k >= 0, got {k}")
    if dims is None:
        return [None, None]
    if k is not None and dims[-1] is not None and dims[-1] < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {dims[-1]}")
    return [(*dims[:-1], k)] * 2


def _top(xp: Any, x: Any, k: int, ordered: bool, index_type: Any) -> tuple[Any, Any]:
    """The ``k`` largest of each row; of equals, those with the lower index.

    The largest comes first. Where it need not, they come in the order in which TensorFlow happens
    to have them (not so under a compiler).
    """
    if not x.ndim:
        raise errors.InvalidArgumentError(None, None, "input must be >= 1-D, got shape []")
    if k < 0 or k > x.shape[-1]:
        raise errors.InvalidArgumentError(
            None, None, f"input must have at least k columns. Had {x.shape[-1]}, needed {k}"
        )
    if xp is np and x.shape[-1] >= _LONG and 0 < k <= x.shape[-1] // 8:
        rows = x.reshape(-1, x.shape[-1])
        order = np.array([_part_off(row, k) for row in rows], np.intp)
        order = order.reshape((*x.shape[:-1], k))
    else:
        order = _descending(xp, x)[..., :k]
    if xp is np and not ordered and 1 < k < x.shape[-1]:
        order = in_order_of_the_heap(x, order)
    return xp.take_along_axis(x, order, -1), order.astype(index_type.as_numpy_dtype)


def _descending(xp: Any, x: Any) -> Any:
    # A stable sort of the row turned round, turned round: equals come in order.
    order = xp.argsort(x[..., ::-1], axis=-1, stable=True)
    return x.shape[-1] - 1 - order[..., ::-1]


def _part_off(row: Any, k: int) -> Any:
    limit = np.partition(row, row.size - k)[row.size - k]
    found = np.flatnonzero(row >= limit)
    if found.size < k:  # NaN is not larger than itself.
        return _descending(np, row)[:k]
    return found[_descending(np, row[found])][:k]


# Deprecated at GraphDef version 7.
@op(
    "TopK", "input: T -> values: T, indices: int32", k="int >= 0", sorted=True, T=_ORDERED
)  # fmt: skip
class TopK:
    def shape(c):
        return _largest(c, c["k"])

    def compute(xp, input, *, k, sorted):
        return _top(xp, input, k, sorted, dtypes.int32)

    def gradient(op, grad, _):
        return _top_gradient(op, grad)


@op(
    "TopKV2", "input: T, k: Tk -> values: T, indices: index_type", sorted=True, T=_ORDERED,
    Tk="{int16, int32, int64} = DT_INT32", index_type="{int16, int32, int64} = DT_INT32",
    static="k",
)  # fmt: skip
class TopKV2:
    def shape(c):
        shapes.with_rank(c.shape(1), 0)
        k = c.value(1)
        return _largest(c, None if k is None else int(k))

    def compute(xp, input, k, *, sorted, index_type):
        if k.ndim:
            raise errors.InvalidArgumentError(
                None, None, f"k must be scalar, got shape {shapes.text(k.shape)}"
            )
        return _top(xp, input, int(k), sorted, index_type)

    def gradient(op, grad, _):
        return _top_gradient(op, grad), array.zeros([], dtype=dtypes.int32)


def _top_gradient(op: Any, grad: Any) -> Tensor:
    """``grad`` put where the elements came from, in the input made flat."""
    from evergraph.ops.casts import cast
    from evergraph.ops.reductions import reduce_prod
    from evergraph.ops.sequences import range_

    in_shape: Any = array.shape(op.inputs[0])
    shape: Any = array.shape(op.outputs[1])
    rows: Any = array.reshape(op.outputs[1], stack([-1, _last(shape)]))
    in_width = _last(in_shape)
    rows_shape: Any = array.shape(rows)
    count: Any = cast(rows_shape[0], dtypes.int64)
    starts = array.expand_dims(range_(0, count * in_width, in_width), -1)
    places = array.reshape(rows + cast(starts, dtypes.int32), [-1])
    flat = scatter_nd(
        array.expand_dims(places, -1), array.reshape(grad, [-1]), [reduce_prod(in_shape)]
    )
    return array.reshape(flat, in_shape)


def _last(shape: Tensor) -> Any:
    """The last size in ``shape``, as int64."""
    from evergraph.ops.casts import cast

    wide = cast(shape, dtypes.int64)
    count: Any = array.size(shape)
    return gather(wide, count - 1)


def top_k(
    input: Any,
    k: Any = 1,
    sorted: bool = True,
    index_type: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """The ``k`` largest elements of each row, and where they are: (values, indices).

    They come in descending order, or, not ``sorted``, in none that is promised.
    """
    return TopKV2(input, k, sorted=sorted, index_type=index_type, name=name)


@op("NthElement", "input: T, n: int32 -> values: T", reverse=False, T=_ORDERED, static="n")
class NthElement:
    def shape(c):
        shapes.with_rank(c.shape(1), 0)
        dims, n = at_least(c.shape(0), 1), c.value(1)
        if n is not None and n < 0:
            raise ValueError(
                f"Dimension size, given by scalar input 1, must be non-negative but is {n}"
            )
        if dims is None:
            return None
        if n is not None and dims[-1] is not None and dims[-1] <= n:
            raise ValueError(f"Input must have last dimension > n = {n} but is {dims[-1]}")
        return dims[:-1]

    def compute(xp, input, n, *, reverse):
        size = input.shape[-1] if input.ndim else 0
        place = int(n)
        if not 0 <= place < size:
            raise errors.InvalidArgumentError(
                None, None, f"Input must have at least n+1 columns: n = {place}, columns = {size}"
            )
        if reverse:
            place = size - 1 - place
        ordered = np.partition(input, place, -1) if xp is np else xp.sort(input, -1)
        return xp.array(ordered[..., place])

    def gradient(op, grad):
        from evergraph.ops.casts import cast
        from evergraph.ops.comparison import equal
        from evergraph.ops.reductions import reduce_sum

        chosen = equal(array.expand_dims(op.outputs[0], -1), op.inputs[0])
        chosen = cast(chosen, grad.dtype)
        # Equal elements share the gradient.
        count = array.expand_dims(reduce_sum(chosen, -1), -1)
        return chosen / count * array.expand_dims(grad, -1), None


def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Tensor:
    """The n-th smallest (``reverse``: largest) element of each row, counted from 0."""
    return NthElement(input, n, reverse=reverse, name=name)


# ----------------------------------------------------------------------------------------- in top k


def _hits(c: Any) -> Dims:
    predictions = shapes.with_rank(c.shape(0), 2)
    targets = shapes.with_rank(c.shape(1), 1)
    return shapes.merge(predictions[:1], targets)


def _in_top(xp: Any, predictions: Any, targets: Any, k: Any) -> Any:
    if predictions.ndim != 2 or targets.ndim != 1 or predictions.shape[0] != targets.size:
        raise errors.InvalidArgumentError(
            None,
            None,
            "predictions must be 2-dimensional and targets 1-dimensional, with the same first "
            f"dimension, got {shapes.text(predictions.shape)} and {shapes.text(targets.shape)}",
        )
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    chosen = xp.where(inside, targets, 0).astype(np.int64)
    # A class that is not there is in no top; nor does a row with NaN or infinity have one.
    clear = inside & xp.isfinite(predictions).all(1)
    if not classes:
        return clear
    scores = xp.take_along_axis(predictions, chosen[:, None], 1)
    return clear & ((predictions > scores).sum(1) < k)


@op(
    "InTopK", "predictions: float, targets: T -> precision: bool", k="int", T=INDEX_DEFAULT_INT32
)  # fmt: skip
class InTopK:
    shape = _hits

    def compute(xp, predictions, targets, *, k):
        return _in_top(xp, predictions, targets, k)


@op(
    "InTopKV2", "predictions: float, targets: T, k: T -> precision: bool", T=INDEX_DEFAULT_INT32
)  # fmt: skip
class InTopKV2:
    def shape(c):
        shapes.with_rank(c.shape(2), 0)
        return _hits(c)

    def compute(xp, predictions, targets, k):
        return _in_top(xp, predictions, targets, k)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the class ``targets[i]`` is among the ``k`` best of ``predictions[i]``."""
    with name_scope(name, "in_top_k"):
        return InTopKV2(predictions, targets, k, name=name)
