"""Trigonometric and hyperbolic functions, their inverses, and TanhGrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.arithmetic import add, subtract
from evergraph.ops.broadcasting import unbroadcast
from evergraph.ops.complex_numbers import conj
from evergraph.ops.constant import constant
from evergraph.ops.types import FLOATS, FLOATS_COMPLEX
from evergraph.ops.unary import reciprocal, sqrt, square

# ------------------------------------------------------------------------------------ trigonometric


@op("Sin", "x: T -> y: T", T=FLOATS_COMPLEX)
class Sin:
    shape = shape_rules.unchanged
    compute = np.sin

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * cos(conj(op.inputs[0]))


def sin(x: Any, name: str | None = None) -> Tensor:
    """The sine."""
    return Sin(x, name=name)


@op("Cos", "x: T -> y: T", T=FLOATS_COMPLEX)
class Cos:
    shape = shape_rules.unchanged
    compute = np.cos

    def gradient(op, grad):
        with control_dependencies([grad]):
            x = conj(op.inputs[0])
            return -grad * sin(x)


def cos(x: Any, name: str | None = None) -> Tensor:
    """The cosine."""
    return Cos(x, name=name)


@op("Tan", "x: T -> y: T", T=FLOATS_COMPLEX)
class Tan:
    shape = shape_rules.unchanged
    compute = np.tan

    def gradient(op, grad):
        with control_dependencies([grad]):
            secant = reciprocal(cos(conj(op.inputs[0])))
            return square(secant) * grad


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent."""
    return Tan(x, name=name)


def _one_over_root(x, grad):
    """``1 / sqrt(1 - x^2)``."""
    one = constant(1, dtype=grad.dtype)
    return reciprocal(sqrt(subtract(one, x)))


@op("Asin", "x: T -> y: T", T=FLOATS_COMPLEX)
class Asin:
    shape = shape_rules.unchanged
    compute = np.arcsin

    def gradient(op, grad):
        with control_dependencies([grad]):
            squared = square(conj(op.inputs[0]))
            return grad * _one_over_root(squared, grad)


def asin(x: Any, name: str | None = None) -> Tensor:
    """The angle in [-pi/2, pi/2] of which ``x`` is the sine."""
    return Asin(x, name=name)


@op("Acos", "x: T -> y: T", T=FLOATS_COMPLEX)
class Acos:
    shape = shape_rules.unchanged
    compute = np.arccos

    def gradient(op, grad):
        with control_dependencies([grad]):
            squared = square(conj(op.inputs[0]))
            inverse = _one_over_root(squared, grad)
            return -grad * inverse


def acos(x: Any, name: str | None = None) -> Tensor:
    """The angle in [0, pi] of which ``x`` is the cosine."""
    return Acos(x, name=name)


@op("Atan", "x: T -> y: T", T=FLOATS_COMPLEX)
class Atan:
    shape = shape_rules.unchanged
    compute = np.arctan

    def gradient(op, grad):
        with control_dependencies([grad]):
            squared = square(conj(op.inputs[0]))
            one = constant(1, dtype=grad.dtype)
            return grad * reciprocal(add(one, squared))


def atan(x: Any, name: str | None = None) -> Tensor:
    """The angle in (-pi/2, pi/2) of which ``x`` is the tangent."""
    return Atan(x, name=name)


@op("Atan2", "y: T, x: T -> z: T", T=FLOATS)
class Atan2:
    shape = shape_rules.broadcast
    compute = np.arctan2

    def gradient(op, grad):
        y, x = op.inputs
        with control_dependencies([grad]):
            shared = grad / (square(y) + square(x))
            return unbroadcast(y, x, x * shared, -y * shared)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), in [-pi, pi]."""
    return Atan2(y, x, name=name)


# --------------------------------------------------------------------------------------- hyperbolic


@op("Sinh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Sinh:
    shape = shape_rules.unchanged
    compute = np.sinh

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * cosh(conj(op.inputs[0]))


def sinh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic sine."""
    return Sinh(x, name=name)


@op("Cosh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Cosh:
    shape = shape_rules.unchanged
    compute = np.cosh

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * sinh(conj(op.inputs[0]))


def cosh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic cosine."""
    return Cosh(x, name=name)


@op("Tanh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Tanh:
    shape = shape_rules.unchanged
    compute = np.tanh

    def gradient(op, grad):
        with control_dependencies([grad]):
            return TanhGrad(conj(op.outputs[0]), grad)


@op("TanhGrad", "y: T, dy: T -> z: T", T=FLOATS_COMPLEX)
class TanhGrad:
    """``dy (1 - y^2)``, of y = tanh(x)."""

    shape = shape_rules.unchanged

    def compute(xp, y, dy):
        slope = 1 - xp.square(y)
        slope *= dy
        return slope

    def gradient(op, grad):
        with control_dependencies([grad]):
            a, b = conj(op.inputs[0]), conj(op.inputs[1])
            return grad * -2.0 * b * a, TanhGrad(a, grad)


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""
    return Tanh(x, name=name)


@op("Asinh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Asinh:
    shape = shape_rules.unchanged
    compute = np.arcsinh

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad / cosh(conj(op.outputs[0]))


def asinh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic sine."""
    return Asinh(x, name=name)


@op("Acosh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Acosh:
    shape = shape_rules.unchanged
    compute = np.arccosh

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad / sinh(conj(op.outputs[0]))


def acosh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic cosine; NaN below 1."""
    return Acosh(x, name=name)


@op("Atanh", "x: T -> y: T", T=FLOATS_COMPLEX)
class Atanh:
    shape = shape_rules.unchanged
    compute = np.arctanh

    def gradient(op, grad):
        with control_dependencies([grad]):
            squared = square(conj(op.inputs[0]))
            one = constant(1, dtype=grad.dtype)
            return grad * reciprocal(subtract(one, squared))


def atanh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic tangent; NaN outside [-1, 1]."""
    return Atanh(x, name=name)
