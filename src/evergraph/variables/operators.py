"""Python's operators on what stands for a tensor without being one: variables, their parts together, lazy tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.graph.tensor import OPERATORS, Tensor


class TensorOperators:
    """Has the operators of a Tensor; each works on what `_as_operand` gives."""

    #: Makes NumPy leave ``array + variable`` to the variable.
    __array_priority__ = 100

    def _as_operand(self) -> Tensor:
        """The tensor that it stands for in an expression."""
        raise NotImplementedError


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: TensorOperators, *args: Any) -> Any:
        return getattr(Tensor, name)(self._as_operand(), *args)

    apply.__name__ = name
    return apply


for _name in OPERATORS:
    setattr(TensorOperators, _name, _operator(_name))
