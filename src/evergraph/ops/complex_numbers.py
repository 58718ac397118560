"""Complex numbers: made of two reals, taken apart, conjugated."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.broadcasting import unbroadcast
from evergraph.ops.constant import constant

_COMPLEX = "{complex64, complex128} = DT_COMPLEX64"
_PARTS = "{float, double} = DT_FLOAT"


@op("Complex", "real: T, imag: T -> out: Tout", T=_PARTS, Tout=_COMPLEX)
class Complex:
    shape = shape_rules.broadcast

    def compute(xp, real, imag, *, Tout):
        if xp is not np:
            from jax import lax

            return lax.complex(*xp.broadcast_arrays(real, imag))
        # Not ``real + 1j * imag``: infinities would make NaNs of it.
        whole = np.empty(np.broadcast_shapes(real.shape, imag.shape), Tout.as_numpy_dtype)
        whole.real = real
        whole.imag = imag
        return whole

    def gradient(op, grad):
        x, y = op.inputs
        return unbroadcast(x, y, real(grad), imag(grad))


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """``real + i * imag``, broadcast. Raises TypeError unless both are float32 or both float64."""
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        kinds = (real.dtype.base_dtype, imag.dtype.base_dtype)
        if kinds == (dtypes.float64, dtypes.float64):
            kind = dtypes.complex128
        elif kinds == (dtypes.float32, dtypes.float32):
            kind = dtypes.complex64
        else:
            raise TypeError(
                "The `real` and `imag` components have incorrect types: "
                f"{real.dtype.name} {imag.dtype.name}. They must be consistent, and one of "
                f"{[dtypes.float32, dtypes.float64]}"
            )
        return Complex(real, imag, Tout=kind, name=scope)


@op("Real", "input: T -> output: Tout", T=_COMPLEX, Tout=_PARTS)
class Real:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return xp.positive(input.real)

    def gradient(op, grad):
        return complex(grad, constant(0, dtype=grad.dtype))


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; what is real is returned as it is. Raises TypeError for what is no number."""
    with name_scope(name, "Real", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        kind = input.dtype.base_dtype
        if kind.is_complex:
            return Real(input, Tout=kind.real_dtype, name=scope)
        if kind.is_floating or kind.is_integer or kind.is_quantized:
            return input
        raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {kind}")


@op("Imag", "input: T -> output: Tout", T=_COMPLEX, Tout=_PARTS)
class Imag:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return xp.positive(input.imag)

    def gradient(op, grad):
        return complex(constant(0, dtype=grad.dtype), grad)


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part; of what is real, zeros."""
    with name_scope(name, "Imag", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        kind = input.dtype.base_dtype
        if kind.is_complex:
            return Imag(input, Tout=kind.real_dtype, name=scope)
        return array.zeros_like(input)


@op("ComplexAbs", "x: T -> y: Tout", T=_COMPLEX, Tout=_PARTS)
class ComplexAbs:
    shape = shape_rules.unchanged
    compute = np.absolute

    def gradient(op, grad):
        from evergraph.ops.division import div_no_nan

        size = op.outputs[0]
        return div_no_nan(
            complex(grad, array.zeros_like(grad)) * op.inputs[0],
            complex(size, array.zeros_like(size)),
        )


@op("Angle", "input: T -> output: Tout", T=_COMPLEX, Tout=_PARTS)
class Angle:
    shape = shape_rules.unchanged

    def compute(xp, input):
        return xp.arctan2(input.imag, input.real)

    def gradient(op, grad):
        from evergraph.ops.unary import reciprocal

        x = op.inputs[0]
        with control_dependencies([grad]):
            re, im = real(x), imag(x)
            z = reciprocal(complex(im, re))
            zero = constant(0, dtype=grad.dtype)
            return -complex(grad, zero) * z


def angle(input: Any, name: str | None = None) -> Tensor:
    """The angle of a complex number in (-pi, pi]; of real numbers, 0 or pi."""
    with name_scope(name, "Angle", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        kind = input.dtype.base_dtype
        if kind.is_complex:
            return Angle(input, Tout=kind.real_dtype, name=scope)
        from evergraph.ops.selection import where

        negative: Any = input < 0
        turned = np.pi * array.ones_like(input)
        return where(negative, turned, array.zeros_like(input))


@op("Conj", "input: T -> output: T", T="{complex64, complex128, variant} = DT_COMPLEX64")
class Conj:
    shape = shape_rules.unchanged
    compute = np.conjugate

    def gradient(op, grad):
        return conj(grad)


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; what is real is returned as it is. Raises TypeError for no number."""
    if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype == dtypes.variant:
            return Conj(x, name=scope)
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")
