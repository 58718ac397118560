"""RMSProp: steps divided by the root of a running mean of the gradient's square, with momentum.

Source: Tieleman and Hinton, "Lecture 6.5 - RMSProp" (2012); centered: Graves, "Generating Sequences With Recurrent
Neural Networks" (2013), which divides by the root of the running variance instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.ops.filling import ones_like
from evergraph.ops.training import (
    ApplyCenteredRMSProp,
    ApplyRMSProp,
    ResourceApplyCenteredRMSProp,
    ResourceApplyRMSProp,
    ResourceSparseApplyCenteredRMSProp,
    ResourceSparseApplyRMSProp,
    SparseApplyCenteredRMSProp,
    SparseApplyRMSProp,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps
from evergraph.variables.initializers import ones_initializer

_PLAIN = UpdateOps(
    ApplyRMSProp, ResourceApplyRMSProp, SparseApplyRMSProp, ResourceSparseApplyRMSProp
)
_CENTERED = UpdateOps(
    ApplyCenteredRMSProp,
    ResourceApplyCenteredRMSProp,
    SparseApplyCenteredRMSProp,
    ResourceSparseApplyCenteredRMSProp,
)


class RMSPropOptimizer(FusedOptimizer):
    """``tf.train.RMSPropOptimizer``. Slots: ``rms`` (ones at first), ``mg`` where centered, ``momentum``."""

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        hyperparameters = {
            "learning_rate": learning_rate,
            "decay": decay,
            "momentum": momentum,
            "epsilon": epsilon,
        }
        super().__init__(use_locking, name, hyperparameters)
        self._centered = centered
        self.ops = _CENTERED if centered else _PLAIN
        # In the order of the op's inputs, which is not that in which the slots are made.
        self.slot_names = ("mg", "rms", "momentum") if centered else ("rms", "momentum")

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            shape, dtype = variable.get_shape(), variable.dtype.base_dtype
            first = (
                ones_initializer(dtype=dtype) if shape.is_fully_defined() else ones_like(variable)
            )
            self._get_or_make_slot_with_initializer(
                variable, first, shape, dtype, "rms", self._name
            )
            if self._centered:
                self._zeros_slot(variable, "mg", self._name)
            self._zeros_slot(variable, "momentum", self._name)

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, [mean gradient,] mean square, momentum, learning rate, decay, momentum, epsilon, gradient)"""
        names = ("learning_rate", "decay", "momentum", "epsilon")
        return (target, *slots, *[scalar(name) for name in names], *grads)
