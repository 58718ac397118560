"""Signs, squares and roots, exponentials and logarithms of one tensor, and their gradients' ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.arithmetic import multiply, zero_where
from evergraph.ops.casts import cast
from evergraph.ops.complex_numbers import ComplexAbs, conj
from evergraph.ops.constant import constant
from evergraph.ops.division import DivNoNan
from evergraph.ops.types import FLOATS_COMPLEX

_SIGNED = "{bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"


def _conjugate(x):
    return x.conj() if x.dtype.kind == "c" else x


# -------------------------------------------------------------------------------------------- signs


@op("Neg", "x: T -> y: T", T=_SIGNED)
class Neg:
    shape = shape_rules.unchanged
    compute = np.negative

    def gradient(op, grad):
        return -grad


def negative(x: Any, name: str | None = None) -> Tensor:
    """``-x``."""
    return Neg(x, name=name)


@op("Abs", "x: T -> y: T", T="{bfloat16, half, float, double, int8, int16, int32, int64}")
class Abs:
    shape = shape_rules.unchanged
    compute = np.absolute

    def gradient(op, grad):
        return grad * sign(op.inputs[0])


def abs(x: Any, name: str | None = None) -> Tensor:
    """The absolute value; of complex numbers, a real one."""
    with name_scope(name, "Abs", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            return ComplexAbs(x, Tout=x.dtype.base_dtype.real_dtype, name=scope)
        return Abs(x, name=scope)


@op("Sign", "x: T -> y: T", T=_SIGNED)
class Sign:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if x.dtype.kind == "c":
            # Not NumPy's, which gives infinite numbers a direction.
            size = xp.absolute(x)
            return xp.where(size == 0, x.dtype.type(0), xp.true_divide(x, size))
        return xp.sign(x)

    def gradient(op, grad):
        return array.zeros_like(op.inputs[0])


def sign(x: Any, name: str | None = None) -> Tensor:
    """-1, 0 or 1; of complex numbers, that of absolute value 1 (or 0) in the same direction."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        size = ComplexAbs(x, Tout=x.dtype.base_dtype.real_dtype)
        return DivNoNan(x, cast(size, x.dtype), name=name)
    return Sign(x, name=name)


# ---------------------------------------------------------------------- squares, roots, reciprocals


@op(
    "Square",
    "x: T -> y: T",
    T=(
        "{bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, "
        "uint64, complex64, complex128}"
    ),
)
class Square:
    shape = shape_rules.unchanged
    compute = np.square

    def gradient(op, grad):
        x = op.inputs[0]
        with control_dependencies([grad]):
            x = conj(x)
            two = constant(2.0, dtype=x.dtype)
            return multiply(grad, multiply(x, two))


def square(x: Any, name: str | None = None) -> Tensor:
    """``x * x``."""
    return Square(x, name=name)


@op("Sqrt", "x: T -> y: T", T=FLOATS_COMPLEX)
class Sqrt:
    shape = shape_rules.unchanged
    compute = np.sqrt

    def gradient(op, grad):
        return SqrtGrad(op.outputs[0], grad)


@op("SqrtGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class SqrtGrad:
    """``dy / (2 conj(y))``, of y = sqrt(x)."""

    shape = shape_rules.unchanged

    def compute(xp, y, dy):
        slope = dy.dtype.type(0.5) * dy
        slope /= _conjugate(y)
        # An infinite slope must not make a NaN of nothing; so too below.
        return zero_where(xp, dy == 0, slope)

    def gradient(op, grad):
        a, y = op.inputs[0], op.outputs[0]
        with control_dependencies([grad]):
            quotient = grad / a
            return -conj(quotient) * y, 0.5 * quotient


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """The square root; NaN of negative numbers."""
    return Sqrt(x, name=name)


@op("Rsqrt", "x: T -> y: T", T=FLOATS_COMPLEX)
class Rsqrt:
    shape = shape_rules.unchanged

    def compute(xp, x):
        return xp.reciprocal(xp.sqrt(x))

    def gradient(op, grad):
        return RsqrtGrad(op.outputs[0], grad)


@op("RsqrtGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class RsqrtGrad:
    """``-dy conj(y)^3 / 2``, of y = 1 / sqrt(x)."""

    shape = shape_rules.unchanged

    def compute(xp, y, dy):
        y = _conjugate(y)
        slope = dy.dtype.type(-0.5) * dy
        for _ in range(3):
            slope *= y
        return zero_where(xp, dy == 0, slope)

    def gradient(op, grad):
        a, b = op.inputs
        with control_dependencies([grad]):
            ca, cg = conj(a), conj(grad)
            return -1.5 * cg * b * square(ca), RsqrtGrad(ca, grad)


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """``1 / sqrt(x)``."""
    return Rsqrt(x, name=name)


def _reciprocal_gradient(op, grad):
    return ReciprocalGrad(op.outputs[0], grad)


@op("Reciprocal", "x: T -> y: T", T=_SIGNED)
class Reciprocal:
    shape = shape_rules.unchanged
    compute = np.reciprocal
    gradient = _reciprocal_gradient


@op("Inv", "x: T -> y: T", T=_SIGNED)
class Inv:
    """What Reciprocal was called before TensorFlow 1.0."""

    shape = shape_rules.unchanged
    compute = np.reciprocal
    gradient = _reciprocal_gradient


def _reciprocal_slope(xp, y, dy):
    y = _conjugate(y)
    slope = -dy
    slope *= y
    slope *= y
    return zero_where(xp, dy == 0, slope)


def _reciprocal_slope_gradient(op, grad):
    b = op.inputs[1]
    with control_dependencies([grad]):
        ca, cg = conj(op.inputs[0]), conj(grad)
        return cg * -2.0 * b * ca, ReciprocalGrad(ca, grad)


@op("ReciprocalGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class ReciprocalGrad:
    """``-dy conj(y)^2``, of y = 1 / x."""

    shape = shape_rules.unchanged
    compute = _reciprocal_slope
    gradient = _reciprocal_slope_gradient


@op("InvGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class InvGrad:
    """What ReciprocalGrad was called before TensorFlow 1.0."""

    shape = shape_rules.unchanged
    compute = _reciprocal_slope
    gradient = _reciprocal_slope_gradient


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """``1 / x``."""
    return Reciprocal(x, name=name)


def inv(x: Any, name: str | None = None) -> Tensor:
    """``1 / x``, by the op that TensorFlow had for it before 1.0."""
    return Inv(x, name=name)


# ---------------------------------------------------------------------- exponentials and logarithms


@op("Exp", "x: T -> y: T", T=FLOATS_COMPLEX)
class Exp:
    shape = shape_rules.unchanged
    compute = np.exp

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * conj(op.outputs[0])


def exp(x: Any, name: str | None = None) -> Tensor:
    """e to the power ``x``."""
    return Exp(x, name=name)


@op("Expm1", "x: T -> y: T", T=FLOATS_COMPLEX)
class Expm1:
    shape = shape_rules.unchanged
    compute = np.expm1

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * exp(conj(op.inputs[0]))


def expm1(x: Any, name: str | None = None) -> Tensor:
    """e to the power ``x``, less 1; exact near 0."""
    return Expm1(x, name=name)


@op("Log", "x: T -> y: T", T=FLOATS_COMPLEX)
class Log:
    shape = shape_rules.unchanged
    compute = np.log

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * reciprocal(conj(op.inputs[0]))


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm; NaN of negative numbers."""
    return Log(x, name=name)


@op("Log1p", "x: T -> y: T", T=FLOATS_COMPLEX)
class Log1p:
    shape = shape_rules.unchanged
    compute = np.log1p

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * reciprocal(1 + conj(op.inputs[0]))


def log1p(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm of ``1 + x``; exact near 0."""
    return Log1p(x, name=name)


@op("Sigmoid", "x: T -> y: T", T=FLOATS_COMPLEX)
class Sigmoid:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if x.dtype.itemsize == 2:
            # A sum of two bytes has lost the small part: wide inside, as TensorFlow does it.
            wide = xp.exp(-x.astype(xp.float32)) + 1
            return xp.reciprocal(wide).astype(x.dtype)
        if xp is np and x.ndim:
            result = np.negative(x)
            np.exp(result, out=result)
            result += 1
            return np.reciprocal(result, out=result)
        return xp.reciprocal(xp.exp(-x) + 1)

    def gradient(op, grad):
        with control_dependencies([grad]):
            return SigmoidGrad(conj(op.outputs[0]), grad)


@op("SigmoidGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class SigmoidGrad:
    """``dy y (1 - y)``, of y = sigmoid(x)."""

    shape = shape_rules.unchanged

    def compute(xp, y, dy):
        slope = 1 - y
        slope *= y
        slope *= dy
        return slope

    def gradient(op, grad):
        with control_dependencies([grad]):
            a, b = conj(op.inputs[0]), conj(op.inputs[1])
            product = grad * b
            return product - 2.0 * product * a, SigmoidGrad(a, grad)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    with name_scope(name, "Sigmoid", [x]) as scope:
        return Sigmoid(convert_to_tensor(x, name="x"), name=scope)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of ``sigmoid(x)``, without going through it: ``-softplus(-x)``."""
    from evergraph.ops.activations import Softplus

    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return Neg(Softplus(-x), name=scope)
