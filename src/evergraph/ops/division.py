"""Division and what it leaves: true, towards minus infinity, towards zero, and safe for 0.

Integers divided by zero are an InvalidArgumentError in the run, as in TensorFlow; floating point
gives infinities and NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.arithmetic import (
    FLOATS_COMPLEX_HALF_FIRST,
    MULTIPLIED,
    gradient_where_nonzero,
    zero_where,
)
from evergraph.ops.broadcasting import unbroadcast
from evergraph.ops.casts import cast
from evergraph.ops.complex_numbers import conj
from evergraph.ops.constant import constant

#: What ``/`` of Python 3 makes of operands of these types; None leaves them as they are.
_TRUE_DIVISION: dict[DType, DType | None] = {
    dtypes.uint8: dtypes.float32,
    dtypes.int8: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint32: dtypes.float64,
    dtypes.int32: dtypes.float64,
    dtypes.uint64: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.bfloat16: None,
    dtypes.float16: None,
    dtypes.float32: None,
    dtypes.float64: None,
    dtypes.complex64: None,
    dtypes.complex128: None,
}


def _refuse_zero(xp, x, divisor):
    # A tracer's values are not known; a single value is tested fastest by its truth.
    if xp is not np or (
        divisor if divisor.ndim == 0 else np.count_nonzero(divisor) == divisor.size
    ):
        return
    if x.size:
        raise errors.InvalidArgumentError(None, None, "Integer division by zero")


def _towards_zero(xp, x, y):
    if x.dtype.kind in "iu":
        _refuse_zero(xp, x, y)
        return xp.floor_divide(x - xp.fmod(x, y), y)
    return xp.trunc(xp.true_divide(x, y))


# ------------------------------------------------------------------------------------ true division


@op("RealDiv", "x: T, y: T -> z: T", T=MULTIPLIED)
class RealDiv:
    """For floating point and complex numbers; like TensorFlow, programs cast integers before."""

    shape = shape_rules.broadcast
    compute = np.true_divide

    def gradient(op, grad):
        x, y = op.inputs
        cx, cy = conj(x), conj(y)
        grad_x = RealDiv(grad, cy)
        grad_y = grad * RealDiv(RealDiv(-cx, cy), cy)
        return unbroadcast(x, y, grad_x, grad_y)


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` of floating point or complex numbers, broadcast."""
    return RealDiv(x, y, name=name)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 3 understands it: integers are made floating point first.

    Raises TypeError for operands of two types, and for types that do not divide.
    """
    with name_scope(name, "truediv", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
        return RealDiv(*_as_dividable(x, y), name=scope)


def _as_dividable(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    kind = _same_type(x, y)
    if kind not in _TRUE_DIVISION:
        names = ", ".join(repr(one) for one in _TRUE_DIVISION)
        raise TypeError(f"Invalid dtype {kind!r} in a division. Expected one of {{{names}}}.")
    wanted = _TRUE_DIVISION[kind]
    return (x, y) if wanted is None else (cast(x, wanted), cast(y, wanted))


def _same_type(x: Tensor, y: Tensor) -> DType:
    kind, other = x.dtype.base_dtype, y.dtype.base_dtype
    if kind != other:
        raise TypeError(f"`x` and `y` must have the same dtype, got {kind!r} != {other!r}.")
    return kind


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 3 understands it."""
    if name is not None:
        return truediv(x, y, name)
    if not _is_symbolic(x):
        x = convert_to_tensor(x, dtype=y.dtype.base_dtype if _is_symbolic(y) else None)
    quotient: Tensor = x / y
    return quotient


@op("DivNoNan", "x: T, y: T -> z: T", T="{half, float, bfloat16, double, complex64, complex128}")
class DivNoNan:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return zero_where(xp, y == 0, xp.true_divide(x, y))

    def gradient(op, grad):
        x, y = conj(op.inputs[0]), conj(op.inputs[1])
        grad_x = div_no_nan(grad, y)
        grad_y = grad * div_no_nan(div_no_nan(-x, y), y)
        return unbroadcast(x, y, grad_x, grad_y)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y``, and 0 wherever ``y`` is 0; integers are made floating point first."""
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        if not _is_symbolic(x) and _is_symbolic(y):
            y = convert_to_tensor(y, name="y")
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
        else:
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
        return DivNoNan(*_as_dividable(x, y), name=scope)


def _is_symbolic(value: Any) -> bool:
    """True for Tensors and variables, False for numbers and arrays."""
    return isinstance(getattr(value, "dtype", None), DType)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """``1 / x``, and 0 wherever ``x`` is 0."""
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        one = constant(1, dtype=x.dtype.base_dtype, name="one")
        return DivNoNan(one, x, name=scope)


@op("Xdivy", "x: T, y: T -> z: T", T=FLOATS_COMPLEX_HALF_FIRST)
class Xdivy:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return zero_where(xp, x == 0, xp.true_divide(x, y))

    def gradient(op, grad):
        from evergraph.ops.unary import negative

        return gradient_where_nonzero(
            op, grad, lambda one, x, y: (Xdivy(one, y), Xdivy(negative(x), y**2))
        )


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y``, and 0 wherever ``x`` is 0."""
    with name_scope(name, "xdivy", [x]):
        return Xdivy(x, y)


# -------------------------------------------------------------------------- division with remainder


def _constant_almost_everywhere(op, grad):
    return None, None


@op("Div", "x: T, y: T -> z: T", T=MULTIPLIED)
class Div:
    """What ``/`` of Python 2 was: integers are divided towards zero."""

    shape = shape_rules.broadcast

    def compute(xp, x, y):
        return xp.true_divide(x, y) if x.dtype.kind not in "iu" else _towards_zero(xp, x, y)

    def gradient(op, grad):
        x, y = op.inputs
        cx, cy = conj(x), conj(y)
        grad_x = divide(grad, cy)
        grad_y = grad * divide(divide(-cx, cy), cy)
        return unbroadcast(x, y, grad_x, grad_y)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 2 understood it: integers are divided towards minus infinity."""
    with name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        kind = _same_type(x, y)
        if kind.is_floating or kind.is_complex:
            return RealDiv(x, y, name=scope)
        return FloorDiv(x, y, name=scope)


@op("FloorDiv", "x: T, y: T -> z: T", T=MULTIPLIED)
class FloorDiv:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        if x.dtype.kind in "iu":
            _refuse_zero(xp, x, y)
            return xp.floor_divide(x, y)
        # NumPy's floor_divide corrects for the rounding of the quotient; TensorFlow does not.
        return xp.floor(xp.true_divide(x, y))

    gradient = _constant_almost_everywhere


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` rounded towards minus infinity, of the operands' type."""
    with name_scope(name, "floordiv", [x, y]) as scope:
        return FloorDiv(x, y, name=scope)


def floor_div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` rounded towards minus infinity, of the operands' type."""
    return FloorDiv(x, y, name=name)


@op("TruncateDiv", "x: T, y: T -> z: T", T=MULTIPLIED)
class TruncateDiv:
    shape = shape_rules.broadcast
    compute = _towards_zero
    gradient = _constant_almost_everywhere


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` of integers, rounded towards zero."""
    return TruncateDiv(x, y, name=name)


@op(
    "FloorMod",
    "x: T, y: T -> z: T",
    T="{int8, int16, int32, int64, uint8, uint16, uint32, uint64, bfloat16, half, float, double}",
)
class FloorMod:
    shape = shape_rules.broadcast

    def compute(xp, x, y):
        if x.dtype.kind in "iu":
            _refuse_zero(xp, x, y)
            return xp.remainder(x, y)
        # NumPy's remainder gives a zero the sign of the divisor, TensorFlow's that of the dividend.
        rest = xp.fmod(x, y)
        return xp.where((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)

    def gradient(op, grad):
        from evergraph.ops.unary import negative

        x, y = conj(op.inputs[0]), conj(op.inputs[1])
        quotient = FloorDiv(x, y)
        return unbroadcast(x, y, grad, grad * negative(quotient))


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """What division of ``x`` by ``y`` towards minus infinity leaves: it has the sign of ``y``."""
    return FloorMod(x, y, name=name)


mod = floormod


def _rest_towards_zero(xp, x, y):
    if x.dtype.kind in "iu":
        _refuse_zero(xp, x, y)
    return xp.fmod(x, y)


@op("TruncateMod", "x: T, y: T -> z: T", T="{int32, int64, bfloat16, half, float, double}")
class TruncateMod:
    shape = shape_rules.broadcast
    compute = _rest_towards_zero


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """What division of ``x`` by ``y`` towards zero leaves: it has the sign of ``x``."""
    return TruncateMod(x, y, name=name)


# TensorFlow lists half twice.
@op("Mod", "x: T, y: T -> z: T", T="{int32, int64, half, half, bfloat16, float, double}")
class Mod:
    shape = shape_rules.broadcast
    compute = _rest_towards_zero
