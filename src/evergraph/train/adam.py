"""Adam: steps scaled by running means of the gradient and of its square.

Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), in the form at the end of its section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.graph.scopes import colocate_with, control_dependencies
from evergraph.graph.tensor import Tensor
from evergraph.ops.casts import cast
from evergraph.ops.grouping import group
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.state import assign
from evergraph.ops.state_scatter import ResourceScatterAdd, scatter_add
from evergraph.ops.training import ApplyAdam, ResourceApplyAdam
from evergraph.ops.unary import sqrt
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps


class AdamOptimizer(FusedOptimizer):
    """``tf.train.AdamOptimizer``. Slots ``m`` and ``v`` (``w/Adam``, ``w/Adam_1``); ``beta1_power``,
    ``beta2_power``.
    """

    ops = UpdateOps(ApplyAdam, ResourceApplyAdam)
    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        hyperparameters = {
            "learning_rate": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
        }
        super().__init__(use_locking, name, hyperparameters)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        # The powers lie with the variable whose name comes first, so that every worker of a program agrees on where.
        first = min(var_list, key=lambda variable: variable.name)
        for name in ("beta1", "beta2"):
            self._create_non_slot_variable(self._hyperparameters[name], f"{name}_power", first)
        super()._create_slots(var_list)

    def _powers(self) -> tuple[Any, Any]:
        return self._get_non_slot_variable("beta1_power"), self._get_non_slot_variable(
            "beta2_power"
        )

    def _scalar(self, dtype: Any) -> Callable[[str], Any]:
        powers = dict(zip(("beta1_power", "beta2_power"), self._powers(), strict=True))
        return lambda name: cast(powers[name] if name in powers else self._tensors[name], dtype)

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, m, v, beta1 power, beta2 power, learning rate, beta1, beta2, epsilon, gradient)"""
        names = ("beta1_power", "beta2_power", "learning_rate", "beta1", "beta2", "epsilon")
        return (target, *slots, *[scalar(name) for name in names], *grads)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        def add(slot: Any, indices: Tensor, values: Tensor) -> Any:
            return scatter_add(slot, indices, values, use_locking=self._use_locking)

        return self._apply_rows(grad.values, var, grad.indices, add)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        def add(slot: Any, indices: Tensor, values: Tensor) -> Any:
            with control_dependencies([ResourceScatterAdd(slot.handle, indices, values)]):
                return slot.value()

        return self._apply_rows(grad, handle, indices, add)

    def _apply_rows(self, grad: Any, var: Any, indices: Tensor, add: Callable[..., Any]) -> Any:
        """A step from some rows: both means decay everywhere, and the whole variable moves."""
        scalar = self._scalar(var.dtype.base_dtype)
        beta1_power, beta2_power = scalar("beta1_power"), scalar("beta2_power")
        rate, beta1 = scalar("learning_rate"), scalar("beta1")
        beta2, epsilon = scalar("beta2"), scalar("epsilon")
        step = rate * sqrt(1 - beta2_power) / (1 - beta1_power)
        m, v = self._slots_of(var)
        m_new = grad * (1 - beta1)
        m_decayed = assign(m, m * beta1, use_locking=self._use_locking)
        with control_dependencies([m_decayed]):
            m_decayed = add(m, indices, m_new)
        v_new = (grad * grad) * (1 - beta2)
        v_decayed = assign(v, v * beta2, use_locking=self._use_locking)
        with control_dependencies([v_decayed]):
            v_decayed = add(v, indices, v_new)
        root = sqrt(v_decayed)
        moved = var.assign_sub(step * m_decayed / (root + epsilon), use_locking=self._use_locking)
        return group(moved, m_decayed, v_decayed)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            power1, power2 = self._powers()
            with colocate_with(power1):
                updates = [
                    power.assign(power * self._tensors[name], use_locking=self._use_locking)
                    for power, name in ((power1, "beta1"), (power2, "beta2"))
                ]
        return group(*update_ops, *updates, name=name_scope)
