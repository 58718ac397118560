"""Optimizers whose step is one op for each variable: ``ApplyMomentum`` and its three relatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import Declaration
from evergraph.graph.tensor import Tensor
from evergraph.ops.casts import cast
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.train.optimizer import Optimizer


class UpdateOps(NamedTuple):
    """The four ops of one rule: reference and resource variables, dense and sparse gradients (None: not there)."""

    dense: Declaration
    resource_dense: Declaration
    sparse: Declaration | None = None
    resource_sparse: Declaration | None = None


class FusedOptimizer(Optimizer):
    """A rule that ops of their own compute. Subclasses give the ops, slots, hyperparameters and the order of
    the inputs.
    """

    ops: UpdateOps
    #: The names of the slots, each as long as the variable and zero at first unless ``_create_slots`` says otherwise.
    slot_names: Sequence[str] = ()

    def __init__(self, use_locking: bool, name: str, hyperparameters: dict[str, Any]) -> None:
        super().__init__(use_locking, name)
        #: By the names that their tensors get, in the order in which those are made.
        self._hyperparameters = hyperparameters
        self._tensors: dict[str, Tensor] = {}

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """The inputs of the update op. ``grads``: the gradient, or its rows and their indices."""
        raise NotImplementedError(f"{type(self).__name__} defines the inputs of its update ops")

    def attributes(self) -> dict[str, Any]:
        """The attributes of the update op."""
        return {"use_locking": self._use_locking}

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            for name in self.slot_names:
                self._zeros_slot(variable, name, self._name)

    def _prepare(self) -> None:
        self._tensors = {
            name: convert_to_tensor(self._call_if_callable(value), name=name)
            for name, value in self._hyperparameters.items()
        }

    def _slots_of(self, variable: Any) -> list[Any]:
        return [self.get_slot(variable, name) for name in self.slot_names]

    def _scalar(self, dtype: Any) -> Callable[[str], Any]:
        return lambda name: cast(self._tensors[name], dtype)

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        inputs = self.inputs(var, self._slots_of(var), self._scalar(var.dtype.base_dtype), [grad])
        return self.ops.dense(*inputs, **self.attributes()).op

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        slots = [slot.handle for slot in self._slots_of(handle)]
        inputs = self.inputs(handle.handle, slots, self._scalar(grad.dtype.base_dtype), [grad])
        return self.ops.resource_dense(*inputs, **self.attributes())

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        if self.ops.sparse is None:
            return super()._apply_sparse(grad, var)
        grads = [grad.values, grad.indices]
        inputs = self.inputs(var, self._slots_of(var), self._scalar(var.dtype.base_dtype), grads)
        return self.ops.sparse(*inputs, **self.attributes()).op

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        if self.ops.resource_sparse is None:
            return super()._resource_apply_sparse(grad, handle, indices)
        slots = [slot.handle for slot in self._slots_of(handle)]
        inputs = self.inputs(handle.handle, slots, self._scalar(grad.dtype), [grad, indices])
        return self.ops.resource_sparse(*inputs, **self.attributes())
