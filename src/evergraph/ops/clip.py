"""Keeping values between bounds, and tensors within a norm, composed as in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.shape import text
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.arithmetic import maximum, minimum
from evergraph.ops.broadcasting import BroadcastGradientArgs, sum_to
from evergraph.ops.casts import cast
from evergraph.ops.comparison import greater, less
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.logical import logical_or
from evergraph.ops.unary import rsqrt, sqrt


@op(
    "ClipByValue",
    "t: T, clip_value_min: T, clip_value_max: T -> output: T",
    T=(
        "{float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
        "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64}"
    ),
)
class ClipByValue:
    shape = shape_rules.unchanged

    def compute(xp, t, clip_value_min, clip_value_max):
        for bound in (clip_value_min, clip_value_max):
            if bound.ndim and bound.shape != t.shape:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    "clip_value_min and clip_value_max must be either of the same shape as input, "
                    f"or a scalar. input shape: {text(t.shape)}, "
                    f"clip_value_min shape: {text(clip_value_min.shape)}, "
                    f"clip_value_max shape: {text(clip_value_max.shape)}",
                )
        return xp.maximum(xp.minimum(t, clip_value_max), clip_value_min)

    def gradient(op, grad):
        from evergraph.ops.selection import where

        x, low, high = op.inputs
        shapes = [array.shape(tensor) for tensor in (x, low, high)]
        zeros = array.zeros(array.shape(grad), grad.dtype)
        below = less(x, low)
        above = greater(x, high)
        _, low_axes = BroadcastGradientArgs(shapes[0], shapes[1])
        _, high_axes = BroadcastGradientArgs(shapes[0], shapes[2])
        return (
            where(logical_or(below, above), zeros, grad),
            sum_to(where(below, grad, zeros), low_axes, shapes[1]),
            sum_to(where(above, grad, zeros), high_axes, shapes[2]),
        )


def _values(t: Any, name: str = "t") -> Tensor:
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t: Any, values: Tensor) -> Any:
    return (
        IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values
    )


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Every element of ``t`` moved into ``[clip_value_min, clip_value_max]``.

    ``t`` is a Tensor or IndexedSlices, and so is the result. Raises ValueError for bounds that
    would broadcast ``t``.
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = _values(t)
        below = minimum(values, clip_value_max)
        values.shape.assert_is_compatible_with(below.shape)
        between = maximum(below, clip_value_min, name=scope)
        values.shape.assert_is_compatible_with(between.shape)
    return _like(t, between)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """``t``, scaled down where its 2-norm over ``axes`` (all of them) is above ``clip_norm``.

    ``t`` is a Tensor or IndexedSlices, and so is the result.
    """
    from evergraph.ops.reductions import reduce_sum
    from evergraph.ops.selection import where

    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values: Any = _values(t)
        squares: Any = reduce_sum(values * values, axes, keepdims=True)
        positive = squares > 0
        # Where the norm is 0 its root has no gradient: that of 1 is taken, and left out.
        safe = where(positive, squares, array.ones_like(squares))
        norm = where(positive, sqrt(safe), squares)
        scaled = values * clip_norm
        values.shape.assert_is_compatible_with(scaled.shape)
        return _like(t, array.identity(scaled / maximum(norm, clip_norm), name=scope))


def _as_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    return list(t_list)


def _all_values(t_list: list[Any]) -> list[Any]:
    return [None if t is None else _values(t, f"t_{i}") for i, t in enumerate(t_list)]


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The 2-norm of all elements of ``t_list`` (Tensors, IndexedSlices, None) together.

    Raises TypeError where ``t_list`` is not a sequence.
    """
    from evergraph.ops.normalization import l2_loss
    from evergraph.ops.reductions import reduce_sum
    from evergraph.ops.stacking import stack

    t_list = _as_list(t_list)
    with name_scope(name, "global_norm", t_list):
        halves = []
        for value in _all_values(t_list):
            if value is not None:
                with colocate_with(value):
                    halves.append(l2_loss(value))
        half: Any = reduce_sum(stack(halves))
        return sqrt(half * constant(2.0, dtype=half.dtype), name="global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """Scales all of ``t_list`` down by one factor where their common 2-norm is above ``clip_norm``.

    ``use_norm`` is that norm where it is known already. Returns the list, in which None stays
    None, and the norm. Where the norm is not finite, all is NaN. Raises TypeError where ``t_list``
    is not a sequence.
    """
    t_list = _as_list(t_list)
    if use_norm is None:
        use_norm = global_norm(t_list, name)
    with name_scope(name, "clip_by_global_norm", [*t_list, clip_norm]) as scope:
        inverse: Any = 1.0 / use_norm
        one: Any = constant(1.0, dtype=use_norm.dtype)
        finite: Any = clip_norm * minimum(inverse, one / clip_norm)
        scale = finite + (use_norm - use_norm)
        clipped: list[Any] = []
        for i, value in enumerate(_all_values(t_list)):
            if value is None:
                clipped.append(None)
                continue
            with colocate_with(value):
                scaled = array.identity(value * cast(scale, value.dtype), name=f"{scope}_{i}")
            clipped.append(_like(t_list[i], scaled))
    return clipped, use_norm


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """``t``, scaled down where its 2-norm, by its number of elements, is above ``clip_norm``."""
    from evergraph.ops.reductions import reduce_sum
    from evergraph.ops.sequences import range_

    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = cast(array.size(t), dtypes.float32)
        inverse: Any = rsqrt(reduce_sum(t * t, range_(array.rank(t))))
        scaled = t * clip_norm
        factor = inverse * count
        one: Any = constant(1.0)
        return array.identity(scaled * minimum(factor, one / clip_norm), name=scope)
