"""Metrics over thresholds, and over the matrix of confusions: auc, mean_iou."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.nn.confusion_matrix import confusion_matrix
from evergraph.nn.metrics import Metric, collect, fitted, flat, metric_variable
from evergraph.ops import array
from evergraph.ops.arithmetic import maximum, minimum, multiply
from evergraph.ops.broadcast_weights import broadcast_weights
from evergraph.ops.casts import cast
from evergraph.ops.checks import assert_greater_equal, assert_less_equal
from evergraph.ops.comparison import greater, not_equal
from evergraph.ops.constant import constant
from evergraph.ops.diagonals import diag_part
from evergraph.ops.division import div_no_nan, divide
from evergraph.ops.logical import logical_and, logical_not
from evergraph.ops.reductions import reduce_sum
from evergraph.ops.selection import where
from evergraph.ops.stacking import stack
from evergraph.ops.state import assign_add
from evergraph.ops.tiling import tile
from evergraph.ops.transposing import transpose
from evergraph.ops.unary import log
from evergraph.variables.scope import variable_scope

_METHODS = ("trapezoidal", "careful_interpolation", "minoring", "majoring")
Counts = dict[str, Any]


def _counts(
    labels: Any, predictions: Any, thresholds: list[float], weights: Any
) -> tuple[Counts, Counts]:
    """(sums so far, their updates) of hits and misses at each threshold: tp, fn, tn, fp."""
    message = "predictions must be in [0, 1]"
    kind = predictions.dtype.base_dtype
    in_range = [
        assert_greater_equal(predictions, cast(0.0, kind), message=message),
        assert_less_equal(predictions, cast(1.0, kind), message=message),
    ]
    with control_dependencies(in_range):
        predictions, labels, weights = fitted(
            cast(predictions, dtypes.float32), cast(labels, dtypes.bool), weights
        )
    count = len(thresholds)
    column = array.reshape(predictions, [-1, 1])
    row = array.reshape(cast(labels, dtypes.bool), [1, -1])
    assert column.dims is not None
    examples: Any = column.dims[0]
    if examples is None:
        sizes: Any = array.shape(column)
        examples = sizes[0]
    bounds = tile(array.expand_dims(constant(thresholds), [1]), stack([1, examples]))
    positive = greater(tile(transpose(column), [count, 1]), bounds)
    negative = logical_not(positive)
    label_positive = tile(row, [count, 1])
    label_negative = logical_not(label_positive)
    tiled: Any = None
    if weights is not None:
        weights = broadcast_weights(cast(weights, dtypes.float32), predictions)
        tiled = tile(array.reshape(weights, [1, -1]), [count, 1])
    pairs = {
        "tp": ("true_positives", label_positive, positive),
        "fn": ("false_negatives", label_positive, negative),
        "tn": ("true_negatives", label_negative, negative),
        "fp": ("false_positives", label_negative, positive),
    }
    values, updates = {}, {}
    for key, (name, first, second) in pairs.items():
        values[key] = metric_variable([count], dtypes.float32, name=name)
        hits = cast(logical_and(first, second), dtypes.float32)
        if tiled is not None:
            hits *= tiled
        updates[key] = assign_add(values[key], reduce_sum(hits, 1))
    return values, updates


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Any = None,
) -> Metric:
    """The area under the ROC (or ``curve="PR"``) curve of ``predictions``, probabilities, at so many thresholds.

    Raises ValueError for another curve or summation method.
    """
    with variable_scope(name, "auc", [labels, predictions, weights]):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"Curve must be either ROC or PR. Curve {curve} is unknown.")
        if summation_method not in _METHODS:
            raise ValueError(
                f"Invalid summation_method: {summation_method}. It is one of {', '.join(_METHODS)}"
            )
        if thresholds is None:
            steps = num_thresholds - 1
            inner = [(i + 1) * 1.0 / steps for i in range(num_thresholds - 2)]
        else:
            inner = sorted(thresholds)
        edges = [0.0 - 1e-7, *inner, 1.0 + 1e-7]
        values, updates = _counts(labels, predictions, edges, weights)
        value = _area(values, curve, summation_method, len(edges), "value")
        collect(metrics_collections, value)
        update = _area(updates, curve, summation_method, len(edges), "update_op")
        collect(updates_collections, update)
        return value, update


def _area(counts: Counts, curve: str, method: str, number: int, name: str) -> Tensor:
    tp, fn, tn, fp = (counts[key] for key in ("tp", "fn", "tn", "fp"))
    last = number - 1
    if curve == "PR" and method == "careful_interpolation":
        return _interpolated(tp, fp, fn, last)
    epsilon = 1.0e-6
    recall: Any = divide(tp + epsilon, tp + fn + epsilon)
    x: Any
    y: Any
    if curve == "ROC":
        x, y = divide(fp, fp + tn + epsilon), recall
    else:
        x, y = recall, divide(tp + epsilon, tp + fp + epsilon)
    width = x[:last] - x[1:]
    if method == "minoring":
        height = minimum(y[:last], y[1:])
    elif method == "majoring":
        height = maximum(y[:last], y[1:])
    else:
        height = (y[:last] + y[1:]) / 2.0
    return reduce_sum(multiply(width, height), name=name)


def _interpolated(tp: Any, fp: Any, fn: Any, last: int) -> Tensor:
    """The area under the precision-recall curve, between the points as Davis and Goadrich (2006) have it."""
    rise = tp[:last] - tp[1:]
    p = tp + fp
    slope: Any = div_no_nan(rise, maximum(p[:last] - p[1:], 0), name="prec_slope")
    intercept = tp[1:] - multiply(slope, p[1:])
    ratio = where(
        logical_and(p[:last] > 0, p[1:] > 0),
        div_no_nan(p[:last], maximum(p[1:], 0), name="recall_relative_ratio"),
        array.ones_like(p[1:]),
    )
    parts = div_no_nan(
        slope * (rise + intercept * log(ratio)),
        maximum(tp[1:] + fn[1:], 0),
        name="pr_auc_increment",
    )
    return reduce_sum(parts, name="interpolate_pr_auc")


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over the classes of intersection / union; the update is the matrix of confusions."""
    with variable_scope(name, "mean_iou", [predictions, labels, weights]):
        predictions.shape.assert_is_compatible_with(labels.shape)
        total = metric_variable(
            [num_classes, num_classes], dtypes.float64, name="total_confusion_matrix"
        )
        predictions, labels = cast(predictions, dtypes.int64), cast(labels, dtypes.int64)
        classes = cast(num_classes, dtypes.int64)
        predictions, labels = flat(predictions), flat(labels)
        weights = weights if weights is None else flat(weights)
        matrix = confusion_matrix(
            labels, predictions, classes, weights=weights, dtype=dtypes.float64
        )
        update = assign_add(total, matrix)
        value = _iou(total)
        collect(metrics_collections, value)
        collect(updates_collections, update)
        return value, update


def _iou(total: Any) -> Tensor:
    rows: Any = cast(reduce_sum(total, 0), dtypes.float32)
    columns = cast(reduce_sum(total, 1), dtypes.float32)
    hits = cast(diag_part(total), dtypes.float32)
    union = rows + columns - hits
    valid = reduce_sum(cast(not_equal(union, 0), dtypes.float32))
    union = where(greater(union, 0), union, array.ones_like(union))
    ratio = divide(hits, union)
    some = greater(valid, 0)
    whole: Any = reduce_sum(ratio, name="mean_iou")
    return where(some, whole / valid, 0)
