"""Softmax, along any axis."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.narrow_floats import widened
from evergraph.ops.shaping import renamed

_FLOATS = "{half, bfloat16, float, double}"


def shifted(xp: Any, logits: Any) -> Any:
    """``logits`` (floats of two bytes: in float32) less the greatest of each row: no exponential overflows."""
    wide = widened(logits)
    if not wide.shape[-1]:
        return wide
    return wide - xp.max(wide, axis=-1, keepdims=True)


def _rows(c):
    dims = c.shape(0)
    if dims == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return dims


@op("Softmax", "logits: T -> softmax: T", T=_FLOATS)
class Softmax:
    shape = _rows

    def compute(xp, logits):
        powers = xp.exp(shifted(xp, logits))
        return (powers / xp.sum(powers, axis=-1, keepdims=True)).astype(logits.dtype)

    def gradient(op, grad):
        from evergraph.ops.reductions import reduce_sum

        softmax = op.outputs[0]
        return (grad - reduce_sum(grad * softmax, -1, keepdims=True)) * softmax


@op("LogSoftmax", "logits: T -> logsoftmax: T", T=_FLOATS)
class LogSoftmax:
    shape = _rows

    def compute(xp, logits):
        less = shifted(xp, logits)
        return (less - xp.log(xp.sum(xp.exp(less), axis=-1, keepdims=True))).astype(logits.dtype)

    def gradient(op, grad):
        from evergraph.ops.reductions import reduce_sum
        from evergraph.ops.unary import exp

        softmax = exp(op.outputs[0])
        return grad - reduce_sum(grad, -1, keepdims=True) * softmax


def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """``exp(logits) / sum(exp(logits))`` along ``axis`` (the last one; ``dim`` is its old name)."""
    axis = renamed("axis", axis, "dim", dim)
    return _along(Softmax, logits, -1 if axis is None else axis, name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """The logarithm of ``softmax(logits, axis)``."""
    axis = renamed("axis", axis, "dim", dim)
    return _along(LogSoftmax, logits, -1 if axis is None else axis, name)


def _along(declaration: Any, inputs: Any, axis: Any, name: str | None) -> Tensor:
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.ndims
    if not isinstance(axis, Tensor) and (axis == -1 or (rank is not None and axis == rank - 1)):
        last: Tensor = declaration(inputs, name=name)
        return last
    known = constant_value(axis) if isinstance(axis, Tensor) else axis
    if rank is None:
        raise ValueError(
            f"softmax along axis {axis}: the rank of {inputs.name} is unknown, "
            "which leaves only the last axis (-1); give it a shape with set_shape"
        )
    if known is not None and not -rank <= known < rank:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"`dim` must be in the range [{-rank}, {rank}) where {rank} is the number of dimensions "
            f"in the input. Received: dim={known}",
        )
    ndims = array.rank(inputs)
    if isinstance(axis, Tensor):
        from evergraph.ops.comparison import less
        from evergraph.ops.selection import where

        axis = where(less(axis, 0), axis + ndims, axis)
    elif axis < 0:
        axis = axis + ndims
    input_rank = array.rank(inputs)
    place = axis % rank
    swapped = _swapped(inputs, place, input_rank, None)
    output = _swapped(declaration(swapped), place, input_rank, name)
    output.set_shape(inputs.shape)
    return output


def _swapped(x: Tensor, place: Any, rank: Tensor, name: str | None) -> Tensor:
    """``x`` with axis ``place`` and the last one exchanged."""
    from evergraph.ops.arithmetic import subtract
    from evergraph.ops.concatenation import concat
    from evergraph.ops.sequences import range_
    from evergraph.ops.transposing import transpose

    last = subtract(rank, 1)
    order = concat([range_(place), [last], range_(place + 1, last), [place]], 0)
    return transpose(x, order, name=name)
