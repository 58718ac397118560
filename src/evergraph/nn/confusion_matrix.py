"""How often each class was taken for each other one; and ranks of labels and predictions made to fit."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.arithmetic import maximum
from evergraph.ops.casts import cast
from evergraph.ops.checks import assert_less, assert_non_negative
from evergraph.ops.comparison import equal
from evergraph.ops.cond import cond
from evergraph.ops.grouping import with_dependencies
from evergraph.ops.reductions import reduce_max
from evergraph.ops.scattering import scatter_nd
from evergraph.ops.stacking import stack


def _may_squeeze(dims: Dims) -> bool:
    return dims is None or (len(dims) > 0 and dims[-1] in (1, None))


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(labels, predictions), one of them without its last axis where that makes the ranks differ by
    ``expected_rank_diff``."""
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions = convert_to_tensor(predictions)
        labels = convert_to_tensor(labels)
        if labels.dims is not None and predictions.dims is not None:
            more = len(predictions.dims) - len(labels.dims) - expected_rank_diff
            if more == 1 and _may_squeeze(predictions.dims):
                predictions = array.squeeze(predictions, [-1])
            elif more == -1 and _may_squeeze(labels.dims):
                labels = array.squeeze(labels, [-1])
            return labels, predictions
        difference: Any = array.rank(predictions) - array.rank(labels)
        if _may_squeeze(predictions.dims):
            wide = predictions
            predictions = cond(
                equal(expected_rank_diff + 1, difference),
                lambda: array.squeeze(wide, [-1]),
                lambda: wide,
            )
        if _may_squeeze(labels.dims):
            tall = labels
            labels = cond(
                equal(expected_rank_diff - 1, difference),
                lambda: array.squeeze(tall, [-1]),
                lambda: tall,
            )
        return labels, predictions


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Row i, column j: how many (or what ``weights`` of) examples of class i were predicted to be of class j."""
    with name_scope(name, "confusion_matrix", [predictions, labels, num_classes, weights]):
        labels, predictions = remove_squeezable_dimensions(
            convert_to_tensor(labels, name="labels"),
            convert_to_tensor(predictions, name="predictions"),
        )
        predictions = cast(predictions, dtypes.int64)
        labels = cast(labels, dtypes.int64)
        labels = with_dependencies(
            [assert_non_negative(labels, message="`labels` contains negative values")], labels
        )
        predictions = with_dependencies(
            [assert_non_negative(predictions, message="`predictions` contains negative values")],
            predictions,
        )
        if num_classes is None:
            most: Any = maximum(reduce_max(predictions), reduce_max(labels))
            num_classes = most + 1
        else:
            bound = cast(num_classes, dtypes.int64)
            labels = with_dependencies(
                [assert_less(labels, bound, message="`labels` out of bound")], labels
            )
            predictions = with_dependencies(
                [assert_less(predictions, bound, message="`predictions` out of bound")],
                predictions,
            )
        if weights is not None:
            weights = convert_to_tensor(weights, name="weights")
            predictions.shape.assert_is_compatible_with(weights.shape)
            weights = cast(weights, dtype)
        shape = stack([num_classes, num_classes])
        indices = stack([labels, predictions], axis=1)
        values = array.ones_like(predictions, dtype) if weights is None else weights
        return scatter_nd(indices, values, cast(shape, dtypes.int64))
