"""A regularization loss, as ``get_variable`` puts it into the collection of losses.

It is made again each time it is used, in the context of that use: a variable may be made inside a
cond or a loop, where its loss could not be used from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.graph.conversion import register_tensor_conversion_function
from evergraph.graph.tensor import Tensor
from evergraph.variables.operators import TensorOperators


class LazyTensor(TensorOperators):
    """Stands for the tensor that ``make`` gives; what it says of itself is said of the first
    one.
    """

    def __init__(self, make: Callable[[], Tensor]) -> None:
        self._make = make
        self._first = make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._first, name)

    def _as_graph_element(self) -> Tensor:
        return self._first

    def __str__(self) -> str:
        return str(self._first)

    def __repr__(self) -> str:
        return repr(self._first)

    def _as_operand(self) -> Tensor:
        return self._make()

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value in ``session``, or in the default one."""
        return self._first.eval(feed_dict, session)


def _convert(
    value: LazyTensor, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if dtype is not None and dtype != value.dtype:
        raise ValueError(f"{value!r} is of type {value.dtype.name}, not {dtype.name}")
    return value._make()


register_tensor_conversion_function(LazyTensor, _convert)
