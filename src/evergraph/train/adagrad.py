"""Adagrad: steps divided by the root of the sum of all squared gradients so far.

Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization" (2011).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.ops.array import shape as shape_of
from evergraph.ops.casts import cast
from evergraph.ops.filling import fill
from evergraph.ops.training import (
    ApplyAdagrad,
    ResourceApplyAdagrad,
    ResourceSparseApplyAdagrad,
    SparseApplyAdagrad,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps
from evergraph.variables.initializers import constant_initializer


class AdagradOptimizer(FusedOptimizer):
    """``tf.train.AdagradOptimizer``. Slot: ``accumulator``, ``initial_accumulator_value`` at first.

    Raises:
      ValueError: an ``initial_accumulator_value`` that is not above zero.
    """

    ops = UpdateOps(
        ApplyAdagrad, ResourceApplyAdagrad, SparseApplyAdagrad, ResourceSparseApplyAdagrad
    )
    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(use_locking, name, {"learning_rate": learning_rate})
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            shape, dtype = variable.get_shape(), variable.dtype.base_dtype
            initializer: Any = constant_initializer(self._initial_accumulator_value, dtype=dtype)
            if not shape.is_fully_defined():
                initializer = self._filled_like(variable, dtype)
            self._get_or_make_slot_with_initializer(
                variable, initializer, shape, dtype, "accumulator", self._name
            )

    def _filled_like(self, variable: Any, dtype: Any) -> Callable[[], Any]:
        """The initial value for a variable whose shape only its value tells."""
        return lambda: cast(fill(shape_of(variable), self._initial_accumulator_value), dtype)

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, accumulator, learning rate, gradient)"""
        return (target, *slots, scalar("learning_rate"), *grads)
