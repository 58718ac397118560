"""Weights of losses and metrics: whether they fit the values they weigh, and broadcasting them."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.arithmetic import multiply
from evergraph.ops.assertions import assert_
from evergraph.ops.comparison import equal
from evergraph.ops.concatenation import concat
from evergraph.ops.cond import cond

_MISFIT = (
    "weights can not be broadcast to values: weights must have the rank of values, "
    "with sizes that are 1 or those of values, or be a scalar."
)
_SETS = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}


@op(
    "DenseToDenseSetOperation",
    "set1: T, set2: T -> result_indices: int64, result_values: T, result_shape: int64",
    set_operation="string",
    validate_indices=True,
    T="{int8, int16, int32, int64, uint8, uint16, string}",
    host=True,
)
class DenseToDenseSetOperation:
    """Row by row, what a set operation makes of two sets; the results sorted, as a sparse tensor."""

    def shape(c):
        rank, groups = None, None
        for dims in (c.shape(0), c.shape(1)):
            if dims is None:
                continue
            if len(dims) < 2:
                raise ValueError(f"Input must have rank 2 or more, got {shapes.text(dims)}")
            rank = len(dims)
            groups = shapes.merge(groups, dims[:-1])
        return [(None, rank), (None,), (rank,)]

    def compute(xp, set1, set2, *, set_operation):
        if set1.shape[:-1] != set2.shape[:-1] or set1.ndim < 2:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Mismatched group shapes {shapes.text(set1.shape)} and {shapes.text(set2.shape)}",
            )
        function = _SETS[set_operation.lower()]
        places, values, longest = [], [], 0
        for group in np.ndindex(set1.shape[:-1]):
            found = sorted(function(set(set1[group].tolist()), set(set2[group].tolist())))
            longest = max(longest, len(found))
            places += [(*group, i) for i in range(len(found))]
            values += found
        return (
            np.array(places, np.int64).reshape(-1, set1.ndim),
            np.array(values, set1.dtype),
            np.array([*set1.shape[:-1], longest], np.int64),
        )

    gradient = None


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """An operation that fails where ``weights`` cannot be broadcast to ``values``.

    Raises ValueError where that is known already.
    """
    with name_scope(None, "assert_broadcastable", [weights, values]) as scope:
        with name_scope(None, "weights", [weights]) as weights_scope:
            weights = convert_to_tensor(weights, name=weights_scope)
            weights_shape = array.shape(weights, name="shape")
            weights_rank = array.rank(weights, name="rank")
        with name_scope(None, "values", [values]) as values_scope:
            values = convert_to_tensor(values, name=values_scope)
            values_shape = array.shape(values, name="shape")
            values_rank = array.rank(values, name="rank")
        if weights.dims is not None and values.dims is not None:
            if not weights.dims:
                return array.no_op(name="static_scalar_check_success")
            known = constant_value(weights_shape), constant_value(values_shape)
            fits = len(weights.dims) == len(values.dims)
            if fits and known[0] is not None and known[1] is not None:
                pairs = zip(known[0].tolist(), known[1].tolist(), strict=True)
                fits = all(size in (1, whole) for size, whole in pairs)
                if fits:
                    return array.no_op(name="static_dims_check_success")
            if not fits:
                raise ValueError(
                    f"{_MISFIT} values.shape={values.shape}, weights.shape={weights.shape}"
                )
        is_scalar = equal(0, weights_rank, name="is_scalar")
        data = [
            "weights can not be broadcast to values.",
            "weights.shape=",
            weights.name,
            weights_shape,
            "values.shape=",
            values.name,
            values_shape,
            "is_scalar=",
            is_scalar,
        ]
        fits_in_run = cond(
            is_scalar,
            lambda: is_scalar,
            lambda: _fits(weights_rank, weights_shape, values_rank, values_shape),
            name="is_valid_shape",
        )
        return assert_(fits_in_run, data, name=scope)


def _fits(weights_rank: Any, weights_shape: Any, values_rank: Any, values_shape: Any) -> Tensor:
    inputs = [weights_rank, weights_shape, values_rank, values_shape]
    with name_scope(None, "has_valid_nonscalar_shape", inputs) as scope:
        same_rank = equal(values_rank, weights_rank, name="is_same_rank")
        result: Tensor = cond(
            same_rank,
            lambda: _sizes_fit(weights_shape, values_shape),
            lambda: same_rank,
            name=scope,
        )
        return result


def _sizes_fit(weights_shape: Any, values_shape: Any) -> Tensor:
    with name_scope(None, "has_invalid_dims", [weights_shape, values_shape]) as scope:
        sizes = array.expand_dims(values_shape, -1)
        allowed = concat([sizes, array.ones_like(sizes)], axis=1)
        given = array.expand_dims(weights_shape, -1)
        others = DenseToDenseSetOperation(given, allowed, set_operation="a-b")
        count = array.size(others.result_values, name="num_invalid_dims")
        return equal(0, count, name=scope)


def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """``weights`` in the shape of ``values``. Raises ValueError, or fails a run, where they do not fit."""
    with name_scope(None, "broadcast_weights", [weights, values]) as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        if weights.shape.is_fully_defined() and weights.dims == values.dims:
            return weights
        with control_dependencies([assert_broadcastable(weights, values)]):
            return multiply(weights, array.ones_like(values), name=scope)
