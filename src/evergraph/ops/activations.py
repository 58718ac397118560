"""Rectifiers and their smooth relatives, each with the op that its gradient is made of.

The formulas are those of Eigen's kernels: a NaN goes through, and a gradient stops where the activation is flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, shape_rules
from evergraph.ops.casts import cast
from evergraph.ops.narrow_floats import is_narrow
from evergraph.ops.types import REAL

_FLOATS = "{half, bfloat16, float, double}"
_RECTIFIED = (
    "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, "
    "qint8}"
)
# Klambauer et al. 2017, "Self-Normalizing Neural Networks", equation 14.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _in_wide_numbers(compute):
    """``compute``, for numbers of two bytes carried out in float32."""

    def computed(xp, *values):
        if not is_narrow(values[0].dtype):
            return compute(xp, *values)
        wide = [value.astype(np.float32) for value in values]
        return compute(xp, *wide).astype(values[0].dtype)

    return computed


def _like(x, number):
    return x.dtype.type(number)


@op("Relu", "features: T -> activations: T", T=_RECTIFIED)
class Relu:
    shape = shape_rules.unchanged

    def compute(xp, features):
        return xp.maximum(features, _like(features, 0))

    def gradient(op, grad):
        return ReluGrad(grad, op.outputs[0])


@op("ReluGrad", "gradients: T, features: T -> backprops: T", T=REAL)
class ReluGrad:
    """``gradients`` where ``features`` (the inputs or the outputs of Relu) are positive."""

    shape = shape_rules.merged

    def compute(xp, gradients, features):
        return xp.where(features > 0, gradients, _like(gradients, 0))

    def gradient(op, grad):
        x = op.inputs[1]
        return ReluGrad(grad, x), array.zeros_like(x)


@op("Relu6", "features: T -> activations: T", T=REAL)
class Relu6:
    shape = shape_rules.unchanged

    def compute(xp, features):
        return xp.minimum(xp.maximum(features, _like(features, 0)), _like(features, 6))

    def gradient(op, grad):
        return Relu6Grad(grad, op.outputs[0])


@op("Relu6Grad", "gradients: T, features: T -> backprops: T", T=REAL)
class Relu6Grad:
    """``gradients`` where ``features`` lie between 0 and 6."""

    shape = shape_rules.merged

    def compute(xp, gradients, features):
        return xp.where((features > 0) & (features < 6), gradients, _like(gradients, 0))

    def gradient(op, grad):
        x = op.inputs[1]
        return Relu6Grad(grad, x), array.zeros_like(x)


@op("LeakyRelu", "features: T -> activations: T", alpha=0.2, T=_FLOATS + " = DT_FLOAT")
class LeakyRelu:
    shape = shape_rules.unchanged

    def compute(xp, features, *, alpha):
        return xp.where(features > 0, features, features * _like(features, np.float32(alpha)))

    def gradient(op, grad):
        return LeakyReluGrad(grad, op.inputs[0], alpha=op.attrs["alpha"])


@op(
    "LeakyReluGrad",
    "gradients: T, features: T -> backprops: T",
    alpha=0.2,
    T=_FLOATS + " = DT_FLOAT",
)
class LeakyReluGrad:
    shape = shape_rules.merged

    def compute(xp, gradients, features, *, alpha):
        return xp.where(features > 0, gradients, gradients * _like(gradients, np.float32(alpha)))

    def gradient(op, grad):
        x = op.inputs[1]
        return LeakyReluGrad(grad, x, alpha=op.attrs["alpha"]), array.zeros_like(x)


@op("Elu", "features: T -> activations: T", T=_FLOATS)
class Elu:
    shape = shape_rules.unchanged

    @_in_wide_numbers
    def compute(xp, features):
        return xp.where(features < 0, xp.expm1(features), features)

    def gradient(op, grad):
        return EluGrad(grad, op.outputs[0])


@op("EluGrad", "gradients: T, outputs: T -> backprops: T", T=_FLOATS)
class EluGrad:
    shape = shape_rules.merged

    @_in_wide_numbers
    def compute(xp, gradients, outputs):
        return xp.where(outputs < 0, (outputs + 1) * gradients, gradients)

    def gradient(op, grad):
        from evergraph.ops.selection import where

        x = op.inputs[1]
        first = EluGrad(grad, x)
        return first, where(x < 0, grad * op.inputs[0], array.zeros_like(x))


@op("Selu", "features: T -> activations: T", T=_FLOATS)
class Selu:
    shape = shape_rules.unchanged

    @_in_wide_numbers
    def compute(xp, features):
        below = _like(features, _SELU_SCALE_ALPHA) * xp.expm1(features)
        return xp.where(features < 0, below, _like(features, _SELU_SCALE) * features)

    def gradient(op, grad):
        return SeluGrad(grad, op.outputs[0])


@op("SeluGrad", "gradients: T, outputs: T -> backprops: T", T=_FLOATS)
class SeluGrad:
    shape = shape_rules.merged

    @_in_wide_numbers
    def compute(xp, gradients, outputs):
        below = gradients * (outputs + _like(outputs, _SELU_SCALE_ALPHA))
        return xp.where(outputs < 0, below, gradients * _like(gradients, _SELU_SCALE))

    def gradient(op, grad):
        from evergraph.ops.selection import where

        x = op.inputs[1]
        first = SeluGrad(grad, x)
        return first, where(x < 0.0, grad * op.inputs[0], array.zeros_like(x))


@op("Softplus", "features: T -> activations: T", T=_FLOATS)
class Softplus:
    shape = shape_rules.unchanged

    @_in_wide_numbers
    def compute(xp, features):
        # Far out, log1p(exp(x)) is x to the right and exp(x) to the left.
        far = -_like(features, np.log(np.finfo(features.dtype).eps) + 2)
        power = xp.exp(features)
        near_or_left = xp.where(features < -far, power, xp.log1p(power))
        return xp.where(features > far, features, near_or_left)

    def gradient(op, grad):
        from evergraph.ops.unary import sigmoid

        return grad * sigmoid(op.inputs[0])


@op("SoftplusGrad", "gradients: T, features: T -> backprops: T", T=_FLOATS)
class SoftplusGrad:
    shape = shape_rules.merged

    @_in_wide_numbers
    def compute(xp, gradients, features):
        return gradients / (xp.exp(-features) + 1)

    def gradient(op, grad):
        from evergraph.ops.unary import exp

        dy, x = op.inputs
        with control_dependencies([grad]):
            first = SoftplusGrad(grad, x)
            return first, grad * dy / (exp(-x) + 2.0 + exp(x))


@op("Softsign", "features: T -> activations: T", T=_FLOATS)
class Softsign:
    shape = shape_rules.unchanged

    @_in_wide_numbers
    def compute(xp, features):
        return features / (1 + xp.absolute(features))

    def gradient(op, grad):
        return SoftsignGrad(grad, op.inputs[0])


@op("SoftsignGrad", "gradients: T, features: T -> backprops: T", T=_FLOATS)
class SoftsignGrad:
    shape = shape_rules.merged

    @_in_wide_numbers
    def compute(xp, gradients, features):
        return gradients / xp.square(1 + xp.absolute(features))


def relu(features: Any, name: str | None = None) -> Tensor:
    """``max(features, 0)``."""
    return Relu(features, name=name)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """``min(max(features, 0), 6)``."""
    with name_scope(name, "Relu6", [features]) as scope:
        return Relu6(convert_to_tensor(features, name="features"), name=scope)


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """``features`` where positive, elsewhere ``alpha`` times that. Integers become float32."""
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = cast(features, dtypes.float32)
        if isinstance(alpha, np.ndarray):
            alpha = alpha.item()
        return LeakyRelu(features, alpha=alpha, name=scope)


def elu(features: Any, name: str | None = None) -> Tensor:
    """``features`` where positive, elsewhere ``exp(features) - 1``."""
    return Elu(features, name=name)


def selu(features: Any, name: str | None = None) -> Tensor:
    """The scaled exponential linear unit, which keeps mean 0 and variance 1."""
    return Selu(features, name=name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """``log(exp(features) + 1)``."""
    return Softplus(features, name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """``features / (abs(features) + 1)``."""
    return Softsign(features, name=name)


def crelu(features: Any, name: str | None = None, axis: Any = -1) -> Tensor:
    """The rectified ``features``, then along ``axis`` the rectified ``-features``."""
    from evergraph.ops.concatenation import concat

    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        both = concat([features, -features], axis, name=scope)
        return Relu(both)
