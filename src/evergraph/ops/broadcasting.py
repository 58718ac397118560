"""The gradients of operands that were broadcast: summed over what broadcasting repeated.

The nodes, and the short cuts where static shapes are known, are those of TensorFlow's Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims, is_fully_defined, text, with_rank
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.types import INDEX_DEFAULT_INT32

_NO_AXES = {np.dtype(dtype): np.empty(0, dtype) for dtype in (np.int32, np.int64)}
#: The axes to sum over: known now, or the output of a BroadcastGradientArgs.
Axes = Any


@op(
    "BroadcastGradientArgs",
    "s0: T, s1: T -> r0: T, r1: T",
    T=INDEX_DEFAULT_INT32,
    static="s0, s1",
)
class BroadcastGradientArgs:
    def shape(c):
        with_rank(c.shape(0), 1)
        with_rank(c.shape(1), 1)
        return [(None,), (None,)]

    def compute(xp, s0, s1):
        sizes = s0.tolist(), s1.tolist()
        if sizes[0] == sizes[1]:
            return (_NO_AXES[s0.dtype],) * 2
        axes = _repeated_axes(*sizes)
        return tuple(np.array(one, s0.dtype) for one in axes)

    gradient = None


def _repeated_axes(a: list[int], b: list[int]) -> tuple[list[int], list[int]]:
    """The axes of the broadcast result along which each operand has size 1.

    There are none where the shapes are the same.
    """
    if a == b:
        return [], []
    rank = max(len(a), len(b))
    pairs = list(zip([1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b, strict=True))
    if any(x not in (1, y) and y != 1 for x, y in pairs):
        shapes = f"{text(tuple(a))} vs. {text(tuple(b))}"
        raise errors.InvalidArgumentError(None, None, f"Incompatible shapes: {shapes}")
    return (
        [axis for axis, (x, _) in enumerate(pairs) if x == 1],
        [axis for axis, (_, y) in enumerate(pairs) if y == 1],
    )


def reduction_axes(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Axes, Axes]:
    """The shapes of two operands, and the axes over which the gradient of each is summed.

    Both are worked out in the run.
    """
    x_shape = array.shape(x)
    y_shape = array.shape(y)
    return x_shape, y_shape, *BroadcastGradientArgs(x_shape, y_shape)


def sum_to(grad: Tensor, axes: Axes, shape: Tensor) -> Tensor:
    """``grad`` summed over ``axes``, in ``shape``."""
    from evergraph.ops.reductions import reduce_sum

    return array.reshape(reduce_sum(grad, axes), shape)


def unbroadcast(x: Tensor, y: Tensor, grad_x: Any, grad_y: Any) -> tuple[Any, Any]:
    """The gradients of operands ``x`` and ``y``, of gradients in the shape of the result.

    Axes that the static shapes tell are not worked out in the run, and what was not broadcast is
    not summed. None stays None.
    """
    if grad_x is None and grad_y is None:
        return None, None
    x_shape = array.shape(x)
    y_shape = array.shape(y)
    known = _known_axes(x.dims, y.dims)
    if known is None:
        x_axes, y_axes = BroadcastGradientArgs(x_shape, y_shape)
        repeated_x = repeated_y = True
    else:
        x_axes, y_axes = known
        # The ranks are known as well.
        repeated_x = bool(x_axes) or len(x.dims or ()) < len(y.dims or ())
        repeated_y = bool(y_axes) or len(y.dims or ()) < len(x.dims or ())
    if grad_x is not None and repeated_x:
        grad_x = _keep_and_sum(grad_x, x_axes, x_shape)
    if grad_y is not None and repeated_y:
        grad_y = _keep_and_sum(grad_y, y_axes, y_shape)
    return grad_x, grad_y


def _keep_and_sum(grad: Any, axes: Axes, shape: Tensor) -> Tensor:
    from evergraph.ops.reductions import reduce_sum

    return array.reshape(reduce_sum(grad, axes, keepdims=True), shape)


def _known_axes(a: Dims, b: Dims) -> tuple[list[int], list[int]] | None:
    """The axes along which either is broadcast, where the static shapes decide that."""
    if a is None or b is None:
        return None
    rank = max(len(a), len(b))
    x_axes: list[int] = []
    y_axes: list[int] = []
    pairs = zip(_padded(a, rank), _padded(b, rank), strict=True)
    for axis, (x, y) in enumerate(pairs):
        if x == 1 and y != 1:
            x_axes.append(axis)
        elif y == 1 and x != 1:
            y_axes.append(axis)
        elif x is None or y is None:
            return None
    return x_axes, y_axes


def _padded(dims: Sequence[int | None], rank: int) -> tuple[int | None, ...]:
    return (1,) * (rank - len(dims)) + tuple(dims)


def same_known_shape(x: Tensor, y: Tensor, grad: Any) -> bool:
    """True where the static shapes say that nothing was broadcast. Never so for IndexedSlices."""
    return isinstance(grad, Tensor) and x.dims == y.dims == grad.dims and is_fully_defined(x.dims)
