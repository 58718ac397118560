"""UnreadVariable: what an update of a resource variable gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops import resources
from evergraph.variables.resource_variable import ResourceVariable


class UnreadVariable(ResourceVariable):
    """A resource variable as it is after ``op``, an update: reading it waits for that."""

    def __init__(self, variable: ResourceVariable, op: Operation) -> None:
        self._handle = variable._handle
        self._shape = variable._shape
        self._dtype = variable._dtype
        self._trainable = variable._trainable
        self._synchronization = variable._synchronization
        self._aggregation = variable._aggregation
        self._initial_value = variable._initial_value
        self._initializer_op = variable._initializer_op
        self._constraint = variable._constraint
        self._save_slice_info = variable._save_slice_info
        self._validate_shape = variable._validate_shape
        self._cached_value = None
        self._caching_device = None
        self._parent_op = op
        with control_dependencies([op]):
            self._graph_element = resources.ReadVariableOp(self._handle, dtype=self._dtype)

    @property
    def name(self) -> str:
        return self._parent_op.name

    @property
    def op(self) -> Operation:
        return self._parent_op

    def value(self) -> Tensor:
        """A tensor that reads it after the update."""
        return self._read()

    def read_value(self) -> Tensor:
        """A tensor that reads it after the update."""
        return self._read()

    def _read(self) -> Tensor:
        with control_dependencies([self._parent_op]):
            value: Tensor = resources.ReadVariableOp(self._handle, dtype=self._dtype)
            return value


def _after_parent(name: str) -> Callable[..., Any]:
    """Method ``name`` of a variable, for what it does to wait for the update before."""

    def method(self: UnreadVariable, *args: Any, **kwargs: Any) -> Any:
        with control_dependencies([self._parent_op]):
            return getattr(ResourceVariable, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


_UPDATES = (
    "assign assign_add assign_sub scatter_update scatter_add scatter_sub scatter_mul scatter_div "
    "scatter_min scatter_max scatter_nd_update scatter_nd_add scatter_nd_sub"
).split()
for _name in _UPDATES:
    setattr(UnreadVariable, _name, _after_parent(_name))
