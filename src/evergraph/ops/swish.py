"""Swish, with a gradient that keeps only the inputs (Ramachandran et al. 2017)."""

from __future__ import annotations

from typing import Any

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import register_gradient
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.casts import cast
from evergraph.ops.reductions import reduce_sum
from evergraph.ops.unary import sigmoid, square

_GRADIENT = "CustomGradient-swish"


def _gradient(op: Any, grad: Any, *unused: Any) -> list[Any]:
    _, features, beta = op.inputs
    with control_dependencies([grad]):
        share: Any = sigmoid(beta * features)
    slope = share * (1.0 + beta * features * (1.0 - share))
    squares: Any = square(features)
    beta_gradient = reduce_sum(grad * squares * share * (1.0 - share))
    return [None, grad * slope, beta_gradient]


register_gradient(_GRADIENT, _gradient)


def swish(features: Any, beta: Any = 1.0) -> Tensor:
    """``features * sigmoid(beta * features)``."""
    features = convert_to_tensor(features, name="features")
    beta = cast(convert_to_tensor(beta, name="beta"), features.dtype.base_dtype)
    product = features * sigmoid(beta * features)
    # The gradient is that of a node that holds result and inputs together; TensorFlow makes it so.
    array.identity(product)
    with get_default_graph().gradient_override_map({"IdentityN": _GRADIENT}):
        return array.identity_n([product, features, beta])[0]


silu = swish
