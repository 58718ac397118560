"""tf.metrics: measures that are gathered over many batches.

Each gives (value, update): local variables hold the sums so far, ``update`` adds a batch and is the value after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.nn.confusion_matrix import remove_squeezable_dimensions
from evergraph.ops import array
from evergraph.ops.arithmetic import maximum, multiply, squared_difference, subtract
from evergraph.ops.broadcast_weights import broadcast_weights
from evergraph.ops.casts import cast
from evergraph.ops.comparison import equal, greater, less
from evergraph.ops.cond import cond
from evergraph.ops.division import div_no_nan, divide
from evergraph.ops.logical import logical_and
from evergraph.ops.reductions import reduce_mean, reduce_sum
from evergraph.ops.selection import where
from evergraph.ops.shape_checks import assert_type
from evergraph.ops.state import assign_add
from evergraph.ops.state_scatter import scatter_add
from evergraph.ops.unary import abs, sqrt
from evergraph.variables.distribution import VariableAggregation, VariableSynchronization
from evergraph.variables.scope import variable_scope
from evergraph.variables.variable import Variable

Metric = tuple[Tensor, Tensor]


def metric_variable(
    shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None
) -> Any:
    """A local variable of zeros, in the collections LOCAL_VARIABLES and METRIC_VARIABLES."""
    make: Any = Variable  # its metaclass chooses the kind, and takes the arguments
    return make(
        lambda: array.zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        synchronization=VariableSynchronization.ON_READ,
        aggregation=VariableAggregation.SUM,
        name=name,
    )


def collect(collections: Any, value: Any) -> None:
    """Adds ``value`` to a collection, or to each of several."""
    if collections:
        get_default_graph().add_to_collections(collections, value)


def fitted(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """(predictions, labels, weights) with the ranks of the first where a last axis of size 1 is what differs."""
    predictions = convert_to_tensor(predictions)
    if labels is not None:
        labels, predictions = remove_squeezable_dimensions(labels, predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
    if weights is None:
        return predictions, labels, None
    weights = convert_to_tensor(weights)
    if weights.dims == ():
        return predictions, labels, weights
    if weights.dims is not None and predictions.dims is not None:
        more = len(weights.dims) - len(predictions.dims)
        if more == 1:
            weights = array.squeeze(weights, [-1])
        elif more == -1:
            weights = array.expand_dims(weights, [-1])
        return predictions, labels, weights
    return predictions, labels, _fitted_in_run(predictions, weights)


def _fitted_in_run(predictions: Tensor, weights: Tensor) -> Tensor:
    rank: Any = array.rank(weights)
    difference = rank - array.rank(predictions)
    squeezable = weights.dims is None or weights.dims[-1] in (1, None)

    def expanded() -> Any:
        return cond(
            equal(difference, -1), lambda: array.expand_dims(weights, [-1]), lambda: weights
        )

    def squeezed() -> Any:
        return array.squeeze(weights, [-1]) if squeezable else weights

    def adjusted() -> Any:
        return cond(equal(difference, 1), squeezed, expanded)

    result: Tensor = cond(equal(rank, 0), lambda: weights, adjusted)
    return result


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of all ``values``, each counted ``weights`` times."""
    with variable_scope(name, "mean", [values, weights]):
        values = cast(values, dtypes.float32)
        total = metric_variable([], dtypes.float32, name="total")
        count = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            number = cast(array.size(values), dtypes.float32)
        else:
            values, _, weights = fitted(values, None, weights)
            weights = broadcast_weights(cast(weights, dtypes.float32), values)
            values = multiply(values, weights)
            number = reduce_sum(weights)
        update_total = assign_add(total, reduce_sum(values))
        with control_dependencies([values]):
            update_count = assign_add(count, number)
        value = div_no_nan(total, maximum(count, 0), name="value")
        collect(metrics_collections, value)
        update = div_no_nan(update_total, maximum(update_count, 0), name="update_op")
        collect(updates_collections, update)
        return value, update


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How often ``predictions`` are ``labels``."""
    predictions, labels, weights = fitted(predictions, labels, weights)
    if labels.dtype != predictions.dtype:
        predictions = cast(predictions, labels.dtype)
    hits = cast(equal(predictions, labels), dtypes.float32)
    return mean(hits, weights, metrics_collections, updates_collections, name or "accuracy")


def _mean_of(
    default_name: str,
    formula: Callable[[Any, Any], Any],
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> Metric:
    predictions, labels, weights = fitted(predictions, labels, weights)
    values = formula(predictions, labels)
    return mean(values, weights, metrics_collections, updates_collections, name or default_name)


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of ``abs(predictions - labels)``."""
    return _mean_of(
        "mean_absolute_error",
        lambda x, y: abs(x - y),
        labels,
        predictions,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of ``(predictions - labels) ** 2``."""
    return _mean_of(
        "mean_squared_error",
        lambda x, y: squared_difference(y, x),
        labels,
        predictions,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The root of the mean of ``(predictions - labels) ** 2``."""
    predictions, labels, weights = fitted(predictions, labels, weights)
    squared, update_squared = mean_squared_error(
        labels, predictions, weights, None, None, name or "root_mean_squared_error"
    )
    value = sqrt(squared)
    collect(metrics_collections, value)
    update = sqrt(update_squared)
    collect(updates_collections, update)
    return value, update


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of ``abs(predictions - labels) / normalizer`` (0 where that is 0)."""
    predictions, labels, weights = fitted(predictions, labels, weights)
    predictions, normalizer = remove_squeezable_dimensions(predictions, normalizer)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    errors = where(
        equal(normalizer, 0.0),
        array.zeros_like(labels),
        divide(abs(subtract(labels, predictions)), normalizer),
    )
    return mean(
        errors, weights, metrics_collections, updates_collections, name or "mean_relative_error"
    )


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of ``values`` that are less than ``threshold``."""
    below = cast(less(values, threshold), dtypes.float32)
    return mean(
        below,
        weights,
        metrics_collections,
        updates_collections,
        name or "percentage_below_threshold",
    )


# ------------------------------------------------------------------------------ hits and misses


def _count(
    default_name: str,
    label: bool,
    prediction: bool,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> Metric:
    """How often ``labels`` is ``label`` where ``predictions`` is ``prediction``."""
    with variable_scope(name, default_name, [predictions, labels, weights]):
        predictions, labels, weights = fitted(
            cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights
        )
        hits = logical_and(equal(labels, label), equal(predictions, prediction))
        assert_type(hits, dtypes.bool)
        count = metric_variable([], dtypes.float32, name="count")
        values = cast(hits, dtypes.float32)
        if weights is not None:
            values = multiply(values, cast(weights, dtypes.float32))
        value = array.identity(count)
        collect(metrics_collections, value)
        update = assign_add(count, reduce_sum(values))
        collect(updates_collections, update)
        return value, update


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How many true labels were predicted to be true."""
    return _count(
        "true_positives", True, True, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How many false labels were predicted to be false."""
    return _count(
        "true_negatives", False, False, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How many false labels were predicted to be true."""
    return _count(
        "false_positives", False, True, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How many true labels were predicted to be false."""
    return _count(
        "false_negatives", True, False, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def _share(
    default_name: str,
    others: Callable[..., Metric],
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
) -> Metric:
    """The share of true positives among these and ``others``; 0 where there are none."""
    with variable_scope(name, default_name, [predictions, labels, weights]):
        predictions, labels, weights = fitted(
            cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights
        )
        hits = true_positives(labels, predictions, weights)
        misses = others(labels, predictions, weights)

        def share(hit: Any, miss: Any, what: str) -> Tensor:
            return where(greater(hit + miss, 0), divide(hit, hit + miss), 0, what)

        value = share(hits[0], misses[0], "value")
        collect(metrics_collections, value)
        update = share(hits[1], misses[1], "update_op")
        collect(updates_collections, update)
        return value, update


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of what was predicted to be true that is."""
    return _share(
        "precision", false_positives, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of what is true that was predicted to be."""
    return _share(
        "recall", false_negatives, labels, predictions, weights,
        metrics_collections, updates_collections, name,
    )  # fmt: skip


def flat(tensor: Any) -> Any:
    """``tensor`` as a vector, unless it has fewer dimensions."""
    return array.reshape(tensor, [-1]) if len(tensor.dims or ()) > 1 else tensor


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over the classes of how often each is recognised."""
    with variable_scope(name, "mean_accuracy", [predictions, labels, weights]):
        labels = flat(cast(labels, dtypes.int64))
        predictions = flat(predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        ones: Any = array.ones([array.size(labels)], dtypes.float32)
        if labels.dtype != predictions.dtype:
            predictions = cast(predictions, labels.dtype)
        hits = cast(equal(predictions, labels), dtypes.float32)
        if weights is not None:
            weights = cast(flat(weights), dtypes.float32)
            hits *= weights
            ones *= weights
        update_total = scatter_add(total, labels, ones)
        update_count = scatter_add(count, labels, hits)
        each = div_no_nan(count, maximum(total, 0))
        value = reduce_mean(each, name="mean_accuracy")
        collect(metrics_collections, value)
        update = div_no_nan(update_count, maximum(update_total, 0), name="update_op")
        collect(updates_collections, update)
        return value, update
