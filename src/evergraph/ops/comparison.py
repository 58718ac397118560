"""Comparisons of two tensors, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.registry import op
from evergraph.graph.shape import broadcast, merge, text
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules

_ORDERED = (
    "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}"
)


def _equality_shape(c):
    a, b = c.shape(0), c.shape(1)
    if c["incompatible_shape_error"] or a is None or b is None:
        return broadcast(a, b)
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    for x, y in pairs:
        if (x is None or y is None) and (x or y or 0) > 1:
            return None  # Whether they fit, and with that the shape, is seen in the run.
        if None not in (x, y) and x != y and 1 not in (x, y):
            return ()
    return broadcast(a, b)


def _compare_whole(ufunc, x, y, answer, refuses):
    """``ufunc`` for what it refuses: quantized numbers, and shapes that need not fit."""
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        if refuses:
            shapes = f"{text(x.shape)} vs. {text(y.shape)}"
            raise errors.InvalidArgumentError(
                None, None, f"Incompatible shapes: {shapes}"
            ) from None
        return np.bool_(answer)
    if x.dtype.names:
        x, y = (value[value.dtype.names[0]] for value in (x, y))
    return ufunc(x, y)


@op("Equal", "x: T, y: T -> z: bool", T="type", incompatible_shape_error=True, commutative=True)
class Equal:
    shape = _equality_shape

    def compute(xp, x, y, *, incompatible_shape_error):
        try:
            return xp.equal(x, y)
        except (TypeError, ValueError):
            return _compare_whole(xp.equal, x, y, False, incompatible_shape_error)

    gradient = None


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x`` equals ``y``, broadcast. (``x == y`` asks whether both are the same Tensor.)"""
    return Equal(x, y, name=name)


@op("NotEqual", "x: T, y: T -> z: bool", T="type", incompatible_shape_error=True, commutative=True)
class NotEqual:
    shape = _equality_shape

    def compute(xp, x, y, *, incompatible_shape_error):
        try:
            return xp.not_equal(x, y)
        except (TypeError, ValueError):
            return _compare_whole(xp.not_equal, x, y, True, incompatible_shape_error)

    gradient = None


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x`` differs from ``y``, broadcast."""
    return NotEqual(x, y, name=name)


@op("Less", "x: T, y: T -> z: bool", T=_ORDERED)
class Less:
    shape = shape_rules.broadcast
    compute = np.less
    gradient = None


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x < y``, broadcast."""
    return Less(x, y, name=name)


@op("LessEqual", "x: T, y: T -> z: bool", T=_ORDERED)
class LessEqual:
    shape = shape_rules.broadcast
    compute = np.less_equal
    gradient = None


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x <= y``, broadcast."""
    return LessEqual(x, y, name=name)


@op("Greater", "x: T, y: T -> z: bool", T=_ORDERED)
class Greater:
    shape = shape_rules.broadcast
    compute = np.greater
    gradient = None


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x > y``, broadcast."""
    return Greater(x, y, name=name)


@op("GreaterEqual", "x: T, y: T -> z: bool", T=_ORDERED)
class GreaterEqual:
    shape = shape_rules.broadcast
    compute = np.greater_equal
    gradient = None


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Where ``x >= y``, broadcast."""
    return GreaterEqual(x, y, name=name)


@op(
    "ApproximateEqual",
    "x: T, y: T -> z: bool",
    T=(
        "{float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
        "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64}"
    ),
    tolerance=1e-05,
    commutative=True,
)
class ApproximateEqual:
    def shape(c):
        return merge(c.shape(0), c.shape(1))

    def compute(xp, x, y, *, tolerance):
        if x.shape != y.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                "x and y must be of the same shape. "
                f"x shape: {text(x.shape)}. y shape: {text(y.shape)}",
            )
        # The attribute is a float32, whatever the operands are.
        return xp.absolute(x - y) <= x.dtype.type(np.float32(tolerance))

    gradient = None
