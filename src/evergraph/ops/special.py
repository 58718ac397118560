"""Special functions: error function, gamma function and its kin, incomplete beta function.

Interpreted, they are computed in float64 (erf in float32 as well) by the modules beside this one
and rounded to the tensor's type; traced, they are JAX's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.shape import merge, text
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules, special_erf, special_gamma, special_incomplete
from evergraph.ops.arithmetic import xlog1py, xlogy
from evergraph.ops.broadcasting import BroadcastGradientArgs, reduction_axes, sum_to
from evergraph.ops.complex_numbers import conj
from evergraph.ops.constant import constant
from evergraph.ops.types import FLOATS
from evergraph.ops.unary import exp, log, square

_WIDE = "{float, double}"


def _traced(name):
    """JAX's function of that name."""
    from jax import lax
    from jax.scipy import special

    return getattr(special, name, None) or getattr(lax, name)


def _in_float64(function, *inputs):
    """``function`` of ``inputs`` made wide, as an array of their type."""
    wide = function(*[np.asarray(x, np.float64) for x in inputs])
    return wide.astype(inputs[0].dtype)


# ----------------------------------------------------------------------------------- error function


@op("Erf", "x: T -> y: T", T=FLOATS)
class Erf:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("erf")(x)
        if x.dtype.itemsize == 2:
            return special_erf.erf(x.astype(np.float32)).astype(x.dtype)
        return special_erf.erf(x)

    def gradient(op, grad):
        x = op.inputs[0]
        slope = constant(2 / np.sqrt(np.pi), dtype=grad.dtype)
        with control_dependencies([grad]):
            return grad * slope * exp(-square(conj(x)))


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function: the share of a normal distribution of variance 1/2 within ``x`` of 0."""
    return Erf(x, name=name)


@op("Erfc", "x: T -> y: T", T=FLOATS)
class Erfc:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("erfc")(x)
        return _in_float64(special_erf.erfc, x)

    def gradient(op, grad):
        x = op.inputs[0]
        slope = constant(-2 / np.sqrt(np.pi), dtype=grad.dtype)
        with control_dependencies([grad]):
            return grad * slope * exp(-square(conj(x)))


def erfc(x: Any, name: str | None = None) -> Tensor:
    """1 less the error function, exact where that is next to 1."""
    return Erfc(x, name=name)


@op("Erfinv", "x: T -> y: T", T=FLOATS)
class Erfinv:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("erf_inv")(x)
        return _in_float64(special_erf.erfinv, x)

    def gradient(op, grad):
        slope = constant(np.sqrt(np.pi) / 2, dtype=grad.dtype)
        with control_dependencies([grad]):
            return grad * slope * exp(square(op.outputs[0]))


def erfinv(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the error function; NaN outside [-1, 1]."""
    with name_scope(name, "erfinv", [x]):
        return Erfinv(x)


@op("Ndtri", "x: T -> y: T", T=FLOATS)
class Ndtri:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("ndtri")(x)
        return _in_float64(special_erf.ndtri, x)

    def gradient(op, grad):
        slope = constant(np.sqrt(2 * np.pi), dtype=grad.dtype)
        with control_dependencies([grad]):
            return grad * slope * exp(square(op.outputs[0]) / 2.0)


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The quantile of the standard normal distribution; NaN outside [0, 1]."""
    with name_scope(name, "ndtri", [x]):
        return Ndtri(x)


def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """The inverse of ``erfc``; NaN outside [0, 2]."""
    with name_scope(name, "erfcinv", [x]):
        x = convert_to_tensor(x, name="start")
        quantile: Any = ndtri(0.5 * x)
        result: Tensor = -quantile * np.sqrt(0.5)
        return result


# ----------------------------------------------------------------------------------- gamma function


@op("Lgamma", "x: T -> y: T", T=FLOATS)
class Lgamma:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("gammaln")(x)
        return _in_float64(special_gamma.lgamma, x)

    def gradient(op, grad):
        with control_dependencies([grad]):
            return grad * digamma(conj(op.inputs[0]))


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""
    return Lgamma(x, name=name)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the beta function of the vectors along the last dimension of ``x``."""
    from evergraph.ops.reductions import reduce_sum

    with name_scope(name, "lbeta", [x]):
        x = convert_to_tensor(x, name="x")
        product = reduce_sum(lgamma(x), axis=[-1])
        return product - lgamma(reduce_sum(x, axis=[-1]))


@op("Digamma", "x: T -> y: T", T=FLOATS)
class Digamma:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if xp is not np:
            return _traced("digamma")(x)
        return _in_float64(special_gamma.digamma, x)

    def gradient(op, grad):
        with control_dependencies([grad]):
            x = conj(op.inputs[0])
            return grad * polygamma(constant(1, dtype=x.dtype), x)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of ``lgamma``."""
    return Digamma(x, name=name)


@op("Polygamma", "a: T, x: T -> z: T", T=_WIDE)
class Polygamma:
    shape = shape_rules.broadcast

    def compute(xp, a, x):
        if xp is not np:
            # JAX's own wants an integer that is known now.
            derivative = xp.exp(_traced("gammaln")(a + 1)) * _traced("zeta")(a + 1, x)
            derivative = xp.where(a % 2 == 0, -derivative, derivative)
            derivative = xp.where(a == xp.floor(a), derivative, xp.nan)
            return xp.where(a == 0, _traced("digamma")(x), derivative)
        return _in_float64(special_gamma.polygamma, a, x)

    def gradient(op, grad):
        n, x = op.inputs
        _, x_shape, _, x_axes = reduction_axes(n, x)
        with control_dependencies([grad]):
            n, x = conj(n), conj(x)
            partial = polygamma(n + 1, x)
            return None, sum_to(partial * grad, x_axes, x_shape)


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The ``a``-th derivative of ``digamma``, broadcast; NaN where ``a`` is not 0, 1, 2, ..."""
    return Polygamma(a, x, name=name)


@op("Zeta", "x: T, q: T -> z: T", T=_WIDE)
class Zeta:
    shape = shape_rules.broadcast

    def compute(xp, x, q):
        if xp is not np:
            return _traced("zeta")(x, q)
        return _in_float64(special_gamma.zeta, x, q)

    def gradient(op, grad):
        x, q = op.inputs
        _, q_shape, _, q_axes = reduction_axes(x, q)
        with control_dependencies([grad]):
            x, q = conj(x), conj(q)
            partial = -x * zeta(x + 1, q)
            return None, sum_to(partial * grad, q_axes, q_shape)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """The Hurwitz zeta function: the sum of ``(q + k)^-x`` over k = 0, 1, 2, ..., broadcast."""
    return Zeta(x, q, name=name)


# ---------------------------------------------------------------- incomplete gamma, incomplete beta


def _ends(xp, a, x, inside, share):
    """``inside``, and what JAX leaves open: no parameter, no ``x``, an infinite parameter."""
    result = xp.where((a > 0) | xp.isnan(a), inside, xp.nan)
    result = xp.where((a == xp.inf) & (x > 0), share, result)
    return result if share else xp.where(x == 0, 0, result)


def _igamma_gradients(op, grad):
    a, x = op.inputs
    a_shape, x_shape, a_axes, x_axes = reduction_axes(a, x)
    with control_dependencies([grad]):
        partial_a = IgammaGradA(a, x)
        # In logarithms: the gamma function of a may be too large for a number.
        partial_x = exp(-x + (a - 1) * log(x) - lgamma(a))
        return sum_to(partial_a * grad, a_axes, a_shape), sum_to(partial_x * grad, x_axes, x_shape)


@op("Igamma", "a: T, x: T -> z: T", T=FLOATS)
class Igamma:
    shape = shape_rules.broadcast

    def compute(xp, a, x):
        if xp is not np:
            return _ends(xp, a, x, _traced("gammainc")(a, x), 0)
        return _in_float64(special_incomplete.igamma, a, x)

    gradient = _igamma_gradients


def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The lower regularized incomplete gamma function, broadcast."""
    return Igamma(a, x, name=name)


@op("Igammac", "a: T, x: T -> z: T", T=FLOATS)
class Igammac:
    shape = shape_rules.broadcast

    def compute(xp, a, x):
        if xp is not np:
            return _ends(xp, a, x, _traced("gammaincc")(a, x), 1)
        return _in_float64(special_incomplete.igammac, a, x)

    def gradient(op, grad):
        grad_a, grad_x = _igamma_gradients(op, grad)
        return -grad_a, -grad_x


def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The upper regularized incomplete gamma function, broadcast."""
    return Igammac(a, x, name=name)


@op("IgammaGradA", "a: T, x: T -> z: T", T=_WIDE)
class IgammaGradA:
    shape = shape_rules.broadcast

    def compute(xp, a, x):
        if xp is not np:
            slope = _traced("igamma_grad_a")(*xp.broadcast_arrays(a, x))
            return _ends(xp, a, x, slope, 0)
        return _in_float64(special_incomplete.igamma_grad_a, a, x)


@op("Betainc", "a: T, b: T, x: T -> z: T", T=_WIDE)
class Betainc:
    def shape(c):
        given = [c.shape(i) for i in range(3)]
        arrays = [dims for dims in given if dims != ()]
        if len(arrays) <= 1:
            return arrays[0] if arrays else ()
        known = None
        for dims in arrays:
            known = merge(known, dims)
        return known

    def compute(xp, a, b, x):
        shapes = {value.shape for value in (a, b, x) if value.ndim}
        if len(shapes) > 1:
            raise errors.InvalidArgumentError(
                None,
                None,
                "a, b and x must have one shape, or be scalars; their shapes are "
                + ", ".join(text(value.shape) for value in (a, b, x)),
            )
        if xp is not np:
            return _traced("betainc")(a, b, x)
        return _in_float64(special_incomplete.betainc, a, b, x)

    def gradient(op, grad):
        a, b, x = op.inputs
        # Either x is a scalar and the others are not, or the reverse: one of the others tells.
        a_shape = array.shape(a)
        x_shape = array.shape(x)
        _, x_axes = BroadcastGradientArgs(a_shape, x_shape)
        log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
        partial_x = exp(xlog1py(b - 1, -x) + xlogy(a - 1, x) - log_beta)
        return None, None, sum_to(partial_x * grad, x_axes, x_shape)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized incomplete beta function of arguments of one shape, or scalars."""
    return Betainc(a, b, x, name=name)
