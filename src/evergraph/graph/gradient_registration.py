"""``tf.RegisterGradient`` and ``tf.NotDifferentiable``: gradients that a program brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from evergraph.graph.registry import register_gradient

Function = TypeVar("Function", bound=Callable[..., Any])


class RegisterGradient:
    """A decorator: the function is the gradient of an op type, or of a label for ``gradient_override_map``.

    @tf.RegisterGradient("Clipped")
    def clipped(op, grad): ...
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Function) -> Function:
        """Registers ``f(op, *grads)``. Raises KeyError where the op type has a gradient already."""
        register_gradient(self._op_type, f)
        return f


def no_gradient(op_type: str) -> None:
    """Says that ops of this type have no gradient, on purpose.

    Raises TypeError where ``op_type`` is no string, KeyError where it has a gradient already.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    register_gradient(op_type, None)


NotDifferentiable = NoGradient = no_gradient
