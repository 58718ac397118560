"""Optimizer: from a loss to the operation that takes one training step.

Subclasses of programs override the hooks that TensorFlow 1 documents: ``_create_slots``, ``_prepare``,
``_apply_dense``,
``_resource_apply_dense``, ``_apply_sparse``, ``_resource_apply_sparse`` and ``_finish``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.array import shape
from evergraph.ops.gathering import unique
from evergraph.ops.gradients import gradients
from evergraph.ops.grouping import group, tuple_
from evergraph.ops.indexed_slices import IndexedSlices, convert_to_tensor_or_indexed_slices
from evergraph.ops.resources import AssignAddVariableOp
from evergraph.ops.segments import unsorted_segment_sum
from evergraph.variables import slots
from evergraph.variables.collections import trainable_variables
from evergraph.variables.resource_variable import is_resource_variable
from evergraph.variables.variable import Variable

_FLOATING = frozenset((dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64))


class Optimizer:
    """Base class of the optimizers (``tf.train.Optimizer``).

    Args:
      use_locking: recorded in the update nodes; updates never overlap here.
      name: of the slots (``w/Adam``) and of the training operation.

    Raises:
      ValueError: no name.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slots: dict[tuple[str, Any], Any] = {}

    def get_name(self) -> str:
        """The name that slots and operations have."""
        return self._name

    # The three calls of programs

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """The operation that changes ``var_list`` (all trainable variables) to make ``loss`` smaller.

        ``global_step``: a variable that each step adds 1 to. Raises ValueError where no variable has a gradient.
        """
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops,
            grad_loss,
        )
        if not any(grad is not None for grad, _ in pairs):
            names = [str(variable) for _, variable in pairs]
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {names} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """(gradient, variable) pairs; a gradient is a Tensor, IndexedSlices, or None where the loss does not
        depend on it.

        Raises ValueError for types that have no gradient, no variables, or an unknown ``gate_gradients``.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH. "
                f"Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss] if grad_loss is None else [loss, grad_loss])
        variables = list(trainable_variables()) if var_list is None else _flatten(var_list)
        if not variables:
            raise ValueError("No variables to optimize.")
        grads = gradients(
            loss,
            [_target(variable) for variable in variables],
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == self.GATE_GRAPH:
            grads = tuple_(grads)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes(
            [
                variable
                for grad, variable in pairs
                if grad is not None and variable.dtype != dtypes.resource
            ]
        )
        return pairs

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Operation:
        """The operation that applies the gradients, and then adds 1 to ``global_step`` where that is given.

        Raises ValueError where there are none, TypeError for what is no gradient or no variable.
        """
        pairs = [(_as_gradient(grad), variable) for grad, variable in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        changed = [variable for grad, variable in pairs if grad is not None]
        if not changed:
            names = [str(variable) for _, variable in pairs]
            raise ValueError(f"No gradients provided for any variable: {names}.")
        # Slots stand beside their variables, whatever the step itself is made to wait for.
        graph = get_default_graph()
        scope = graph.get_name_scope()
        with graph.name_scope(scope + "/" if scope else None), control_dependencies(None):
            self._create_slots(changed)
        updates = []
        with name_scope(name, self._name) as scope_name:
            self._prepare()
            for grad, variable in pairs:
                if grad is not None:
                    with name_scope("update_" + variable.op.name), colocate_with(variable):
                        updates.append(self._update(grad, variable))
            step = self._finish_step(updates, global_step, scope_name)
        train_ops = graph.get_collection_ref(GraphKeys.TRAIN_OP)
        if step not in train_ops:
            train_ops.append(step)
        return step

    def _finish_step(self, updates: list[Any], global_step: Any, scope_name: str) -> Operation:
        if global_step is None:
            step = self._finish(updates, scope_name)
        else:
            with (
                control_dependencies([self._finish(updates, "update")]),
                colocate_with(global_step),
            ):
                if is_resource_variable(global_step):
                    one = convert_to_tensor(1, dtype=global_step.dtype)
                    step = AssignAddVariableOp(global_step.handle, one, name=scope_name)
                else:
                    step = global_step.assign_add(1, name=scope_name)
        return step.op if isinstance(step, Tensor) else step

    def _update(self, grad: Any, variable: Any) -> Any:
        """The update of one variable, its constraint after it."""
        if is_resource_variable(variable):
            if isinstance(grad, IndexedSlices):
                if variable.constraint is not None:
                    raise RuntimeError("Cannot use a constraint function on a sparse variable.")
                return self._resource_apply_sparse_duplicate_indices(
                    grad.values, variable, grad.indices
                )
            update = self._resource_apply_dense(grad, variable)
        else:
            if isinstance(grad, IndexedSlices):
                if variable.constraint is not None:
                    raise RuntimeError("Cannot use a constraint function on a sparse variable.")
                return self._apply_sparse_duplicate_indices(grad, variable)
            update = self._apply_dense(grad, variable)
        if variable.constraint is None:
            return update
        with control_dependencies([update]):
            return variable.assign(variable.constraint(variable))

    # Slots

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot ``name`` of a variable, or None."""
        return self._slots.get(name, {}).get(_key(var))

    def get_slot_names(self) -> list[str]:
        """The names of the slots, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """The optimizer's own variables in the default graph, sorted by name."""
        graph = get_default_graph()
        found = [slot for named in self._slots.values() for slot in named.values()]
        found.extend(self._non_slots.values())
        return sorted(
            (variable for variable in found if variable.graph is graph), key=lambda item: item.name
        )

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        named = self._slots.setdefault(slot_name, {})
        if _key(var) not in named:
            named[_key(var)] = slots.create_zeros_slot(var, op_name)
        return named[_key(var)]

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        named = self._slots.setdefault(slot_name, {})
        if _key(var) not in named:
            named[_key(var)] = slots.create_slot(var, val, op_name)
        return named[_key(var)]

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        named = self._slots.setdefault(slot_name, {})
        if _key(var) not in named:
            named[_key(var)] = slots.create_slot_with_initializer(
                var, initializer, shape, dtype, op_name
            )
        return named[_key(var)]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """A variable of the optimizer that belongs to no other one, made once for each graph."""
        key = (name, colocate_with.graph)
        if key not in self._non_slots:
            with colocate_with.graph.colocate_with(colocate_with):
                make: Any = Variable  # a metaclass picks the kind of variable
                self._non_slots[key] = make(
                    initial_value,
                    name=name,
                    trainable=False,
                    use_resource=is_resource_variable(colocate_with),
                )
        return self._non_slots[key]

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        return self._non_slots.get((name, graph or get_default_graph()))

    # Hooks

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Makes the slots for these variables."""

    def _prepare(self) -> None:
        """Makes the tensors that all updates share."""

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        """The update of a reference variable by a dense gradient."""
        raise NotImplementedError(f"{type(self).__name__} does not update reference variables")

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        """The update of a resource variable by a dense gradient."""
        raise NotImplementedError(f"{type(self).__name__} does not update resource variables")

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        """The update of some rows of a reference variable, each named once."""
        raise NotImplementedError(f"{type(self).__name__} does not take sparse gradients")

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        """The update of some rows of a resource variable, each named once."""
        raise NotImplementedError(f"{type(self).__name__} does not take sparse gradients")

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        """As ``_apply_sparse``, where rows may be named more than once: their gradients are summed first."""
        values, indices = _sum_duplicates(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: Any, indices: Tensor
    ) -> Any:
        """As ``_resource_apply_sparse``, where rows may be named more than once."""
        values, unique_indices = _sum_duplicates(grad, indices)
        return self._resource_apply_sparse(values, handle, unique_indices)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        """The operation that stands for all updates, called ``name_scope``."""
        return group(*update_ops, name=name_scope)

    def _valid_dtypes(self) -> frozenset[Any]:
        return _FLOATING

    def _assert_valid_dtypes(self, tensors: Sequence[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                names = [kind.name for kind in valid]
                raise ValueError(
                    f"Invalid type {dtype!r} for {tensor.name}, expected: {sorted(names)}."
                )

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) and not isinstance(param, (Tensor, Variable)) else param


def _flatten(var_list: Any) -> list[Any]:
    if isinstance(var_list, (list, tuple)):
        return [variable for item in var_list for variable in _flatten(item)]
    return [var_list]


def _key(variable: Any) -> tuple[Any, str]:
    return variable.op.graph, variable.op.name


def _target(variable: Any) -> Any:
    """What the gradient is taken with respect to: a reference variable's reference, a resource variable's handle."""
    if isinstance(variable, Variable):
        return variable if is_resource_variable(variable) else variable._ref()
    if isinstance(variable, Tensor):
        return variable
    raise NotImplementedError(f"Trying to optimize unsupported type {variable!r}")


def _as_gradient(grad: Any) -> Any:
    if grad is None:
        return None
    try:
        return convert_to_tensor_or_indexed_slices(grad)
    except TypeError:
        raise TypeError(
            f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad}"
        ) from None


def _sum_duplicates(values: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that are named more than once, added up: (values, unique indices)."""
    unique_indices, positions = unique(indices)
    return unsorted_segment_sum(values, positions, shape(unique_indices)[0]), unique_indices
