"""Choosing by a condition: where, select, boolean masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.picking import gather


@op(
    "Where",
    "input: T -> index: int64",
    T=(
        "{float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
        "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64, bool} = DT_BOOL"
    ),
    host=True,
)
class Where:
    def shape(c):
        dims = c.shape(0)
        return (None, None if dims is None else len(dims))

    def compute(xp, input):
        return np.argwhere(input).astype(np.int64, copy=False)

    gradient = None


@op("Select", "condition: bool, t: T, e: T -> output: T", T="type")
class Select:
    def shape(c):
        dims = shapes.merge(c.shape(1), c.shape(2))
        condition = c.shape(0)
        if dims is None or not condition:
            return dims
        if len(condition) > 1 or not dims:
            return shapes.merge(dims, condition)
        shapes.merge(condition, dims[:1])
        return dims

    def compute(xp, condition, t, e):
        if t.shape != e.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                "'then' and 'else' must have the same size.  but received: "
                f"{shapes.text(t.shape)} vs. {shapes.text(e.shape)}",
            )
        if condition.ndim == 1 and t.ndim > 1 and condition.size == t.shape[0]:
            condition = condition.reshape((-1,) + (1,) * (t.ndim - 1))
        elif condition.ndim and condition.shape != t.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                "'cond' must be a scalar, a vector of as many elements as 'then' has rows, or of "
                f"the shape of 'then': {shapes.text(condition.shape)} vs. {shapes.text(t.shape)}",
            )
        return xp.where(condition, t, e)

    def gradient(op, grad):
        condition, t, _ = op.inputs
        zeros = array.zeros_like(t)
        return None, where(condition, grad, zeros), where(condition, zeros, grad)


@op("SelectV2", "condition: bool, t: T, e: T -> output: T", T="type")
class SelectV2:
    def shape(c):
        return shapes.broadcast(c.shape(0), shapes.broadcast(c.shape(1), c.shape(2)))

    def compute(xp, condition, t, e):
        return xp.where(condition, t, e)

    def gradient(op, grad):
        from evergraph.ops.broadcasting import unbroadcast

        condition, t, e = op.inputs
        zeros = array.zeros([], dtype=grad.dtype.base_dtype)
        taken, left = where_v2(condition, grad, zeros), where_v2(condition, zeros, grad)
        result = op.outputs[0]
        taken, _ = unbroadcast(t, result, taken, None)
        left, _ = unbroadcast(e, result, left, None)
        return None, taken, left


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """The places where ``condition`` holds, [n, rank] int64; or else, of ``x`` where it does and
    of ``y`` where it does not.

    ``x`` and ``y`` have one shape; ``condition`` has it too, or is a vector that chooses rows.
    Raises ValueError where only one of them is given.
    """
    if x is None and y is None:
        return _places(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return Select(condition, x, y, name=name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``where`` whose three arguments broadcast."""
    if x is None and y is None:
        return _places(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return SelectV2(condition, x, y, name=name)


def _places(condition: Any, name: str | None) -> Tensor:
    with name_scope(name, "Where", [condition]) as scope:
        condition = convert_to_tensor(condition, preferred_dtype=dtypes.bool, name="condition")
        return Where(condition, name=scope)


def boolean_mask(
    tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: Any = None
) -> Tensor:
    """The slices of ``tensor`` where ``mask`` holds, in order, in one dimension.

    ``mask`` stands for as many dimensions of ``tensor`` as it has, from ``axis`` (0) on. Raises
    ValueError where it has none, its rank is not known, or sizes differ.
    """
    with name_scope(name, None, [tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        if mask.dims is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None.  "
                "E.g. shape=[None] is ok, but shape=None is not."
            )
        if not mask.dims:
            raise ValueError("mask cannot be scalar.")
        rank = len(mask.dims)
        axis = 0 if axis is None else axis
        known = constant_value(axis) if isinstance(axis, Tensor) else axis
        whole = tensor.shape
        if known is not None:
            axis = int(known)
            whole[axis : axis + rank].assert_is_compatible_with(mask.shape)
        flat = _flattened(tensor, axis, rank)
        if known is not None:
            count = whole[axis : axis + rank].num_elements()
            leading = TensorShape(whole[:axis]).concatenate([count])
            flat.set_shape(leading.concatenate(whole[axis + rank :]))
        mask = array.reshape(mask, [-1])
        return gather(flat, array.squeeze(where_v2(mask), axis=[1]), axis=axis)


def _flattened(tensor: Any, axis: Any, rank: int) -> Tensor:
    """``tensor`` with ``rank`` dimensions from ``axis`` on as one."""
    from evergraph.ops.reductions import Prod

    def sizes(part: slice) -> Any:
        dims: Any = array.shape(tensor)
        return dims[part]

    count = Prod(sizes(slice(axis, axis + rank)), [0])
    parts = [sizes(slice(axis)), [count], sizes(slice(axis + rank, None))]
    return array.reshape(tensor, concat(parts, 0))
