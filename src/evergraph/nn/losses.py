"""tf.losses: what training makes small. Each loss is weighted, reduced, and added to the collection LOSSES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.nn.confusion_matrix import remove_squeezable_dimensions
from evergraph.ops import array, cross_entropy
from evergraph.ops.activations import relu
from evergraph.ops.arithmetic import (
    add,
    add_n,
    maximum,
    minimum,
    multiply,
    squared_difference,
    subtract,
)
from evergraph.ops.broadcast_weights import assert_broadcastable, broadcast_weights
from evergraph.ops.casts import cast
from evergraph.ops.comparison import equal
from evergraph.ops.cond import cond
from evergraph.ops.constant import constant
from evergraph.ops.division import div_no_nan
from evergraph.ops.reductions import reduce_sum
from evergraph.ops.selection import where
from evergraph.ops.sequences import range_
from evergraph.ops.shaping import renamed
from evergraph.ops.unary import abs, log, square


class Reduction:
    """How the losses of a batch become one number."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError where ``key`` is none of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.")


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds ``loss`` to a collection."""
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """The losses of a collection; of those, the ones whose names match ``scope``."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """What regularizers have given."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(
    scope: str | None = None, name: str = "total_regularization_loss"
) -> Tensor:
    """The sum of what regularizers have given."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses. Raises ValueError where there are none."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope)
    return add_n(losses, name=name)


def _mean(total: Tensor, count: Tensor) -> Tensor:
    return div_no_nan(reduce_sum(total), count, name="value")


def _num_present(losses: Tensor, weights: Any, per_batch: bool = False) -> Tensor:
    """How many losses have a weight; for each example, with ``per_batch``."""
    if isinstance(weights, float) and weights != 0.0:
        return _num_elements(losses)
    with name_scope(None, "num_present", [losses, weights]) as scope:
        weights = cast(weights, dtypes.float32)
        present = where(equal(weights, 0.0), array.zeros_like(weights), array.ones_like(weights))
        present = broadcast_weights(present, losses)
        if per_batch:
            axes = range_(1, array.rank(present))
            return reduce_sum(present, axis=axes, keepdims=True, name=scope)
        return reduce_sum(present, name=scope)


def _num_elements(losses: Tensor) -> Tensor:
    with name_scope(None, "num_elements", [losses]) as scope:
        result: Tensor = cast(array.size(losses, name=scope), losses.dtype.base_dtype)
        return result


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``losses`` times ``weights`` (which broadcast to them), reduced, and added to ``loss_collection``.

    Raises ValueError where the weights do not fit, or ``reduction`` is none.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", [losses, weights]):
        fits = assert_broadcastable(weights, losses)
        with control_dependencies([fits]):
            losses = convert_to_tensor(losses)
            kind = losses.dtype.base_dtype
            losses = cast(losses, dtypes.float32)
            # The weights as they were given: a number needs no count of those that are not zero.
            weights = cast(weights, dtypes.float32)
            loss = multiply(losses, weights)
            if reduction != Reduction.NONE:
                loss = _reduced(loss, losses, weights, reduction)
            loss = cast(loss, kind)
            add_loss(loss, loss_collection)
            return loss


def _reduced(weighted: Tensor, losses: Tensor, weights: Any, reduction: str) -> Tensor:
    total = reduce_sum(weighted)
    if reduction == Reduction.MEAN:
        everywhere: Any = array.ones_like(losses)
        return _mean(total, reduce_sum(everywhere * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return _mean(total, _num_present(losses, weights))
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return _mean(total, _num_elements(losses))
    return total


def _require(**given: Any) -> None:
    for name, value in given.items():
        if value is None:
            raise ValueError(f"Argument `{name}` must not be None.")


def _elementwise(
    what: str,
    formula: Callable[[Any, Any], Tensor],
    labels: Any,
    predictions: Any,
    weights: Any,
    scope: str | None,
    loss_collection: str | None,
    reduction: str,
) -> Tensor:
    """The weighted loss of ``formula(predictions, labels)``."""
    _require(labels=labels, predictions=predictions)
    with name_scope(scope, what, [predictions, labels, weights]) as inner:
        predictions = cast(predictions, dtypes.float32)
        labels = cast(labels, dtypes.float32)
        predictions.shape.assert_is_compatible_with(labels.shape)
        losses = formula(predictions, labels)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``abs(predictions - labels)``, weighted and reduced."""
    return _elementwise(
        "absolute_difference",
        lambda x, y: abs(subtract(x, y)),
        labels,
        predictions,
        weights,
        scope,
        loss_collection,
        reduction,
    )


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``(predictions - labels) ** 2``, weighted and reduced."""
    return _elementwise(
        "mean_squared_error",
        squared_difference,
        labels,
        predictions,
        weights,
        scope,
        loss_collection,
        reduction,
    )


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of ``predictions``, which are probabilities, weighted and reduced."""

    def formula(x: Any, y: Any) -> Tensor:
        first: Any = multiply(y, log(x + epsilon))
        left = -first
        result: Tensor = left - multiply(1 - y, log(1 - x + epsilon))
        return result

    return _elementwise(
        "log_loss", formula, labels, predictions, weights, scope, loss_collection, reduction
    )


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Squared near 0, linear beyond ``delta``; weighted and reduced."""

    def formula(x: Any, y: Any) -> Tensor:
        error = abs(subtract(x, y))
        quadratic = minimum(error, delta)
        linear = subtract(error, quadratic)
        half = convert_to_tensor(0.5, dtype=quadratic.dtype)
        return add(multiply(half, multiply(quadratic, quadratic)), multiply(delta, linear))

    return _elementwise(
        "huber_loss", formula, labels, predictions, weights, scope, loss_collection, reduction
    )


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """1 less the product along ``axis`` of ``labels`` and ``predictions``, which must have length 1 already."""
    axis = renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify argument `axis`.")

    def formula(x: Any, y: Any) -> Tensor:
        product: Any = reduce_sum(multiply(x, y), axis=(axis,), keepdims=True)
        result: Tensor = 1 - product
        return result

    return _elementwise(
        "cosine_distance_loss",
        formula,
        labels,
        predictions,
        weights,
        scope,
        loss_collection,
        reduction,
    )


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``max(0, 1 - signs * logits)``, the signs being -1 and 1 for labels 0 and 1; weighted and reduced."""
    _require(labels=labels, logits=logits)

    def formula(x: Any, y: Any) -> Tensor:
        ones = array.ones_like(y)
        signs = subtract(2 * y, ones)
        return relu(subtract(ones, multiply(signs, x)))

    return _elementwise(
        "hinge_loss", formula, labels, logits, weights, scope, loss_collection, reduction
    )


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of independent probabilities ``sigmoid(logits)``, weighted and reduced."""
    _require(multi_class_labels=multi_class_labels, logits=logits)
    with name_scope(
        scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]
    ) as inner:
        logits = convert_to_tensor(logits)
        labels = cast(multi_class_labels, logits.dtype.base_dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = cross_entropy.sigmoid_cross_entropy_with_logits(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of ``softmax(logits)`` with distributions, weighted and reduced."""
    _require(onehot_labels=onehot_labels, logits=logits)
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as inner:
        logits = convert_to_tensor(logits)
        kind = logits.dtype.base_dtype
        labels = cast(onehot_labels, kind)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            sizes: Any = array.shape(labels)
            classes = cast(sizes[-1], kind)
            smooth = label_smoothing / classes
            labels = labels * (1.0 - label_smoothing) + smooth
        labels = array.stop_gradient(labels, name="labels_stop_gradient")
        losses = cross_entropy.softmax_cross_entropy_with_logits_v2(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of ``softmax(logits)`` with classes, weighted and reduced."""
    _require(labels=labels, logits=logits)
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as inner:
        labels, logits = remove_squeezable_dimensions(labels, logits, expected_rank_diff=1)
        if weights is not None:
            weights = _squeezed(convert_to_tensor(weights), labels)
        losses = cross_entropy.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def _squeezed(weights: Tensor, labels: Tensor) -> Tensor:
    """``weights``, without a last axis that ``labels`` have not."""
    if labels.dims is not None and weights.dims is not None:
        more = len(weights.dims) - len(labels.dims)
        return array.squeeze(weights, [-1]) if more == 1 else weights
    difference: Any = array.rank(weights) - array.rank(labels)
    if weights.dims is None or (weights.dims and weights.dims[-1] in (1, None)):
        result: Tensor = cond(
            equal(1, difference), lambda: array.squeeze(weights, [-1]), lambda: weights
        )
        return result
    return weights


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """For each example, how much the differences between its elements differ from those of its labels."""
    _require(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        weights = cast(weights, dtypes.float32)
        labels = cast(labels, dtypes.float32)
        with control_dependencies([assert_broadcastable(weights, labels)]):
            predictions = cast(predictions, dtypes.float32)
            predictions.shape.assert_is_compatible_with(labels.shape)
            differences = subtract(predictions, labels)
            axes = range_(1, array.rank(differences))
            squares = reduce_sum(square(differences), axis=axes, keepdims=True)
            count: Any = _num_present(differences, weights, per_batch=True)
            first: Any = div_no_nan(squares, maximum(count - 1, 0), name="value")
            first = 2.0 * first
            total = reduce_sum(differences, axis=axes, keepdims=True)
            total_square = square(total)
            second: Any = div_no_nan(
                total_square, maximum(multiply(count, count - 1), 0), name="value"
            )
            second = 2.0 * second
            loss = reduce_sum(multiply(first - second, weights))
            counted: Any = reduce_sum(count)
            mean = where(counted > 0, loss, array.zeros_like(loss), name="value")
            add_loss(mean, loss_collection)
            return mean
