"""Cross entropy between labels and logits: softmax with dense and sparse labels, sigmoid, weighted sigmoid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import compatible, is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.casts import cast
from evergraph.ops.constant import constant
from evergraph.ops.shaping import renamed
from evergraph.ops.softmax import LogSoftmax, Softmax, shifted

_FLOATS = "{half, bfloat16, float, double}"


def _logits_gradient(op, grad_loss, grad_backprop):
    """The gradient of the logits. The second one matters only where somebody differentiates a gradient."""
    from evergraph.ops.matmul import matmul

    grad = array.expand_dims(grad_loss, -1) * op.outputs[1]
    if grad_backprop is not None and not _is_zeros(grad_backprop):
        softmax = Softmax(op.inputs[0])
        product = matmul(array.expand_dims(grad_backprop, 1), array.expand_dims(softmax, 2))
        grad += (grad_backprop - array.squeeze(product, axis=1)) * softmax
    return grad


def _is_zeros(tensor: Tensor) -> bool:
    """True for what gradients() puts where nobody asked for the gradient of an output."""
    node = tensor.op
    if node.type not in ("Const", "Fill"):
        return node.type == "ZerosLike"
    value = constant_value(node.inputs[1] if node.type == "Fill" else tensor)
    return value is not None and not np.any(value)


@op(
    "SoftmaxCrossEntropyWithLogits",
    "features: T, labels: T -> loss: T, backprop: T",
    T=_FLOATS,
)
class SoftmaxCrossEntropyWithLogits:
    def shape(c):
        features, labels = c.shape(0), c.shape(1)
        both = shapes.with_rank(shapes.broadcast(features, labels), 2)
        return [both[:1], both]

    def compute(xp, features, labels):
        try:
            whole = np.broadcast_shapes(features.shape, labels.shape)
        except ValueError:
            raise errors.InvalidArgumentError(
                None,
                None,
                "logits and labels must be broadcastable: "
                f"logits_size={shapes.text(features.shape)} labels_size={shapes.text(labels.shape)}",
            ) from None
        if len(whole) != 2:
            raise errors.InvalidArgumentError(
                None, None, "logits and labels must be either 2-dimensional, or broadcasted to be"
            )
        dtype = features.dtype
        less = shifted(xp, features)
        labels = labels.astype(less.dtype)
        powers = xp.exp(less)
        total = xp.sum(powers, axis=-1, keepdims=True)
        loss = xp.sum(labels * (xp.log(total) - less), axis=-1)
        backprop = xp.broadcast_to(powers / total - labels, whole)
        return xp.broadcast_to(loss, whole[:1]).astype(dtype), backprop.astype(dtype)

    def gradient(op, grad_loss, grad_backprop):
        grad = _logits_gradient(op, grad_loss, grad_backprop)
        return grad, array.expand_dims(grad_loss, -1) * -LogSoftmax(op.inputs[0])


@op(
    "SparseSoftmaxCrossEntropyWithLogits",
    "features: T, labels: Tlabels -> loss: T, backprop: T",
    T=_FLOATS,
    Tlabels="{int32, int64} = DT_INT64",
)
class SparseSoftmaxCrossEntropyWithLogits:
    def shape(c):
        features = shapes.with_rank(c.shape(0), 2)
        labels = shapes.with_rank(c.shape(1), 1)
        batch = shapes.merge(features[:1], labels)
        return [batch, (*batch, features[1])]

    def compute(xp, features, labels):
        _check_sparse(features, labels)
        if xp is np:
            _check_labels(labels, features.shape[1])
        dtype = features.dtype
        less = shifted(xp, features)
        powers = xp.exp(less)
        total = xp.sum(powers, axis=-1, keepdims=True)
        hot = xp.arange(features.shape[1]) == labels[:, None]
        loss = xp.log(total[:, 0]) - xp.sum(xp.where(hot, less, 0), axis=-1, dtype=less.dtype)
        return loss.astype(dtype), (powers / total - hot.astype(less.dtype)).astype(dtype)

    def gradient(op, grad_loss, grad_backprop):
        return _logits_gradient(op, grad_loss, grad_backprop), None


def _check_sparse(features, labels):
    sentence = None
    if features.ndim != 2:
        sentence = f"logits must be 2-D, but got shape {shapes.text(features.shape)}"
    elif labels.ndim != 1:
        sentence = f"labels must be 1-D, but got shape {shapes.text(labels.shape)}"
    elif len(features) != len(labels):
        sentence = (
            "logits and labels must have the same first dimension, "
            f"got logits shape {shapes.text(features.shape)} and labels shape {shapes.text(labels.shape)}"
        )
    elif features.shape[1] == 0:
        sentence = (
            f"Must have at least one class, but got logits shape {shapes.text(features.shape)}"
        )
    if sentence is not None:
        raise errors.InvalidArgumentError(None, None, sentence)


def _check_labels(labels, classes):
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Received a label value of {labels[outside][0]} which is outside the valid range of "
            f"[0, {classes}).  Label values: {' '.join(map(str, labels[:20].tolist()))}",
        )


def _require_both(function: str, labels: Any, logits: Any) -> None:
    if labels is None or logits is None:
        raise ValueError(
            f"Both `labels` and `logits` must be provided for {function}. "
            f"Received: labels={labels} and logits={logits}"
        )


def _last_axis_of_two(x: Tensor) -> Tensor:
    """``x`` as a matrix: all axes but the last put together."""
    from evergraph.ops.arithmetic import subtract
    from evergraph.ops.concatenation import concat
    from evergraph.ops.slicing import slice_

    rank = array.rank(x)
    last = slice_(array.shape(x), [subtract(rank, 1)], [1])
    output = array.reshape(x, concat([[-1], last], 0))
    if x.dims:
        rows = 1
        for size in x.dims[:-1]:
            if size is None:
                return output
            rows *= size
        output.set_shape([rows, x.dims[-1]])
    return output


def _moved_to_end(x: Tensor, place: int, rank: Tensor) -> Tensor:
    from evergraph.ops.concatenation import concat
    from evergraph.ops.sequences import range_
    from evergraph.ops.transposing import transpose

    return transpose(x, concat([range_(place), range_(place + 1, rank), [place]], 0))


def softmax_cross_entropy_with_logits_v2(
    labels: Any,
    logits: Any,
    axis: Any = None,
    name: str | None = None,
    dim: Any = None,
) -> Tensor:
    """The cross entropy of each row of ``logits`` with ``labels``, distributions along ``axis`` (the last one).

    Gradients flow to the labels too. ``dim`` is an old name of ``axis``.
    """
    from evergraph.ops.arithmetic import subtract
    from evergraph.ops.slicing import slice_

    axis = renamed("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        kind = logits.dtype.base_dtype
        narrow = kind in (dtypes.float16, dtypes.bfloat16)
        precise = cast(logits, dtypes.float32) if narrow else logits
        labels = cast(labels, precise.dtype.base_dtype)
        rank = array.rank(precise)
        dims = logits.dims
        if axis != -1:
            precise = _moved_to_end(precise, axis, rank)
            labels = _moved_to_end(labels, axis, rank)
        input_shape = array.shape(precise)
        precise = _last_axis_of_two(precise)
        labels = _last_axis_of_two(labels)
        cost = SoftmaxCrossEntropyWithLogits(precise, labels, name=scope).loss
        cost = array.reshape(cost, slice_(input_shape, [0], [subtract(rank, 1)]))
        if dims is not None:
            rest = list(dims)
            del rest[axis]
            cost.set_shape(rest)
        return cast(cost, kind) if narrow else cost


def softmax_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    dim: Any = -1,
    name: str | None = None,
    axis: Any = None,
) -> Tensor:
    """As ``softmax_cross_entropy_with_logits_v2``; no gradient flows to the labels.

    Raises ValueError where labels or logits are missing.
    """
    if axis is not None:
        dim = axis
    _require_both("softmax_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = array.stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels, logits, axis=dim, name=scope)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """The cross entropy of each row of ``logits`` with the class that ``labels`` names.

    Raises ValueError where the shapes do not fit; a run fails with InvalidArgumentError for a label that is no class.
    """
    _require_both("sparse_softmax_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels = convert_to_tensor(labels)
        logits = convert_to_tensor(logits)
        narrow = logits.dtype.base_dtype == dtypes.float16
        precise = cast(logits, dtypes.float32) if narrow else logits
        labels_shape = array.shape(labels)
        _check_static(labels, logits)
        known = is_fully_defined(labels.dims) and (
            logits.dims is not None and is_fully_defined(logits.dims[:-1])
        )
        if logits.dims is not None and len(logits.dims) == 2:
            cost = SparseSoftmaxCrossEntropyWithLogits(precise, labels, name=name).loss
            return cast(cost, dtypes.float16) if narrow else cost
        checks = []
        if not known:
            from evergraph.ops.checks import assert_equal

            checks = [assert_equal(array.shape(labels), array.shape(logits)[:-1])]
        with control_dependencies(checks):
            classes = array.shape(logits)[array.rank(logits) - 1]
            precise = array.reshape(precise, [-1, classes])
            static = labels.dims
            labels = array.reshape(labels, [-1])
            cost = SparseSoftmaxCrossEntropyWithLogits(precise, labels, name=name).loss
            cost = array.reshape(cost, labels_shape)
            cost.set_shape(static)
            return cast(cost, dtypes.float16) if narrow else cost


def _check_static(labels: Tensor, logits: Tensor) -> None:
    known, dims = labels.dims, logits.dims
    if dims is None:
        return
    if not dims:
        raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}")
    if known is not None and len(known) != len(dims) - 1:
        raise ValueError(
            "`labels.shape.rank` must equal `logits.shape.rank - 1`. "
            f"Received: labels.shape={labels.shape} of rank {len(known)} "
            f"and logits.shape={logits.shape} of rank {len(dims)}"
        )
    if is_fully_defined(known) and is_fully_defined(dims[:-1]) and known != dims[:-1]:
        raise ValueError(
            "`labels.shape` must equal `logits.shape` except for the last dimension. "
            f"Received: labels.shape={labels.shape} and logits.shape={logits.shape}"
        )


def _check_same_shape(first: str, x: Tensor, second: str, y: Tensor) -> None:
    if not compatible(x.dims, y.dims):
        raise ValueError(
            f"`{first}` and `{second}` must have the same shape, received ({x.shape} vs {y.shape})."
        )


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """The cross entropy of independent probabilities ``sigmoid(logits)`` with ``labels``, element by element.

    Raises ValueError where one is missing or the shapes differ.
    """
    from evergraph.ops.arithmetic import add
    from evergraph.ops.selection import where
    from evergraph.ops.unary import exp, log1p

    _require_both("sigmoid_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape("logits", logits, "labels", labels)
        zeros = array.zeros_like(logits, dtype=logits.dtype.base_dtype)
        positive = logits >= zeros
        rectified = where(positive, logits, zeros)
        negative_size = where(positive, -logits, logits)
        return add(rectified - logits * labels, log1p(exp(negative_size)), name=scope)


def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    targets: Any = None,
) -> Tensor:
    """``sigmoid_cross_entropy_with_logits`` with the positive labels counted ``pos_weight`` times.

    ``targets`` is an old name of ``labels``. Raises ValueError where the shapes differ.
    """
    from evergraph.ops.activations import relu
    from evergraph.ops.arithmetic import add
    from evergraph.ops.unary import abs, exp, log1p

    labels = renamed("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape("logits", logits, "labels", labels)
        log_weight = 1 + (pos_weight - 1) * labels
        first = (1 - labels) * logits
        return add(first, log_weight * (log1p(exp(-abs(logits))) + relu(-logits)), name=scope)


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """The log-likelihood loss of a Poisson distribution whose rate is ``exp(log_input)``, up to a constant.

    ``compute_full_loss`` adds Stirling's approximation of that. Raises ValueError where the shapes differ.
    """
    from evergraph.ops.logical import logical_and
    from evergraph.ops.selection import where
    from evergraph.ops.unary import exp, log

    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets")
        _check_same_shape("log_input", log_input, "targets", targets)
        result = exp(log_input) - log_input * targets
        if compute_full_loss:
            half = constant(0.5, dtype=targets.dtype)
            two_pi = constant(2 * math.pi, dtype=targets.dtype)
            stirling = targets * log(targets) - targets + half * log(two_pi * targets)
            zeros = array.zeros_like(targets, dtype=targets.dtype)
            ones = array.ones_like(targets, dtype=targets.dtype)
            small = logical_and(targets >= zeros, targets <= ones)
            result += where(small, zeros, stirling)
        return result
