"""Python's operators on Tensors: ``x + 1``, ``-x``, ``a < b``, ``~mask``.

Their nodes are called what TensorFlow calls them.

``==`` and ``!=`` ask whether both are the same Tensor, as in TensorFlow 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.arithmetic import multiply, pow, subtract, sum_of_two
from evergraph.ops.bitwise import bitwise_and, bitwise_or, bitwise_xor, invert
from evergraph.ops.comparison import greater, greater_equal, less, less_equal
from evergraph.ops.division import FloorMod, div, floordiv, truediv
from evergraph.ops.logical import logical_and, logical_not, logical_or, logical_xor
from evergraph.ops.matmul import matmul
from evergraph.ops.unary import abs, negative

#: ``function(x, y, name=None)``, the building function behind an operator.
Binary = Callable[..., Any]


def override_binary_operator(function: Binary, name: str) -> None:
    """Makes ``function`` Tensor's operator ``__name__`` and, turned round, ``__rname__``.

    Its node is called ``name``.
    """

    def forward(x: Any, y: Any) -> Any:
        with name_scope(None, name, [x, y]) as scope:
            try:
                return function(x, y, name=scope)
            except (TypeError, ValueError) as error:
                # The other operand may know this one, though this one does not know the other.
                reflected = getattr(type(y), f"__r{name}__", None)
                if reflected is None:
                    raise
                try:
                    result = reflected(y, x)
                except (TypeError, ValueError):
                    raise error from None
                if result is NotImplemented:
                    raise
                return result

    def backward(y: Any, x: Any) -> Any:
        with name_scope(None, name, [x, y]) as scope:
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
            return function(x, y, name=scope)

    Tensor.override_operator(f"__{name}__", forward)
    Tensor.override_operator(f"__r{name}__", backward)


def _add(x: Any, y: Any, name: str | None = None) -> Tensor:
    if not isinstance(y, Tensor):
        y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
    return sum_of_two(x, y, name)


def _mod(x: Any, y: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "mod", [x, y]) as scope:
        return FloorMod(x, y, name=scope)


def _logical_or_bitwise(logical: Binary, bitwise: Binary) -> Binary:
    def choose(x: Any, y: Any, name: str | None = None) -> Any:
        if x.dtype == dtypes.bool:
            return logical(x, y, name)
        return bitwise(x, y)  # TensorFlow gives these nodes no name of their own

    return choose


def _invert(x: Any) -> Tensor:
    return logical_not(x) if x.dtype == dtypes.bool else invert(x)


override_binary_operator(_add, "add")
override_binary_operator(subtract, "sub")
override_binary_operator(multiply, "mul")
override_binary_operator(div, "div")
override_binary_operator(truediv, "truediv")
override_binary_operator(floordiv, "floordiv")
override_binary_operator(_mod, "mod")
override_binary_operator(pow, "pow")
override_binary_operator(matmul, "matmul")
override_binary_operator(_logical_or_bitwise(logical_and, bitwise_and), "and")
override_binary_operator(_logical_or_bitwise(logical_or, bitwise_or), "or")
override_binary_operator(_logical_or_bitwise(logical_xor, bitwise_xor), "xor")

Tensor.override_operator("__lt__", less)
Tensor.override_operator("__le__", less_equal)
Tensor.override_operator("__gt__", greater)
Tensor.override_operator("__ge__", greater_equal)
Tensor.override_operator("__neg__", negative)
Tensor.override_operator("__abs__", abs)
Tensor.override_operator("__invert__", _invert)
