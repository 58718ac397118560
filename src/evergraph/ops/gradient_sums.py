"""How the gradients that meet at one tensor are summed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.indexed_slices import IndexedSlices


class AggregationMethod:
    """How gradients that meet are summed (``tf.AggregationMethod``)."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def sum_of(op: Operation, grads: Sequence[Any], aggregation: int) -> Any:
    """The sum of the gradients of one output of ``op``; ``aggregation`` is one of AggregationMethod."""
    if len(grads) < 2:
        return grads[0]
    if not all(isinstance(grad, Tensor) for grad in grads):
        return _concatenate_slices(grads)
    from evergraph.ops.arithmetic import accumulate_n, add_n

    if aggregation == AggregationMethod.EXPERIMENTAL_TREE:
        with name_scope(op.name + "_gradient_sum"):
            total = grads[0]
            for grad in grads[1:]:
                total = add_n([total, grad])
            return total
    if aggregation == AggregationMethod.EXPERIMENTAL_ACCUMULATE_N:
        return accumulate_n(grads)
    return _sum_by_device(grads)


def _sum_by_device(grads: Sequence[Any]) -> Tensor:
    """The sum: first of what lies on one device, beside it, then of those sums."""
    from evergraph.ops.arithmetic import add_n

    places: dict[str, list[Any]] = defaultdict(list)
    for grad in grads:
        places[grad.device].append(grad)
    sums = []
    for _, together in sorted(places.items()):
        with get_default_graph().colocate_with(together[0].op, ignore_existing=True):
            sums.append(add_n(together))
    return add_n(sums)


def _concatenate_slices(grads: Sequence[Any]) -> IndexedSlices:
    """The sum of gradients of which some are IndexedSlices: their rows one after the other."""
    from evergraph.ops.array import shape
    from evergraph.ops.joining import concat
    from evergraph.ops.sequences import range_

    parts = []
    for grad in grads:
        if isinstance(grad, Tensor):
            grad = IndexedSlices(grad, range_(shape(grad)[0]), shape(grad))
        parts.append(grad)
    kinds = {part.indices.dtype for part in parts}
    if len(kinds) > 1:
        from evergraph.ops.casts import cast

        parts = [
            IndexedSlices(part.values, cast(part.indices, dtypes.int64), part.dense_shape)
            for part in parts
        ]
    return IndexedSlices(
        concat([part.values for part in parts], 0),
        concat([part.indices for part in parts], 0),
        parts[0].dense_shape,
    )
