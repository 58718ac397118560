"""Proximal optimizers: a step of gradient descent or of Adagrad, then the nearest point that l1 and l2 like better.

Source: Duchi and Singer, "Efficient Learning using Forward-Backward Splitting" (2009).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.graph.scopes import colocate_with
from evergraph.ops.constant import constant
from evergraph.ops.training import (
    ApplyProximalAdagrad,
    ApplyProximalGradientDescent,
    ResourceApplyProximalAdagrad,
    ResourceApplyProximalGradientDescent,
    ResourceSparseApplyProximalAdagrad,
    ResourceSparseApplyProximalGradientDescent,
    SparseApplyProximalAdagrad,
    SparseApplyProximalGradientDescent,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps


class _ProximalOptimizer(FusedOptimizer):
    """What both share: three settings, in one order before the gradient."""

    def __init__(self, use_locking: bool, name: str, learning_rate: Any, l1: Any, l2: Any) -> None:
        hyperparameters = {
            "learning_rate": learning_rate,
            "l1_regularization_strength": l1,
            "l2_regularization_strength": l2,
        }
        super().__init__(use_locking, name, hyperparameters)

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, [accumulator,] learning rate, l1, l2, gradient)"""
        return (target, *slots, *[scalar(name) for name in self._hyperparameters], *grads)


class ProximalGradientDescentOptimizer(_ProximalOptimizer):
    """``tf.train.ProximalGradientDescentOptimizer``. Has no slots."""

    ops = UpdateOps(
        ApplyProximalGradientDescent,
        ResourceApplyProximalGradientDescent,
        SparseApplyProximalGradientDescent,
        ResourceSparseApplyProximalGradientDescent,
    )

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(
            use_locking, name, learning_rate, l1_regularization_strength, l2_regularization_strength
        )


class ProximalAdagradOptimizer(_ProximalOptimizer):
    """``tf.train.ProximalAdagradOptimizer``. Slot: ``accumulator``, ``initial_accumulator_value`` at first.

    Raises:
      ValueError: an ``initial_accumulator_value`` that is not above zero.
    """

    ops = UpdateOps(
        ApplyProximalAdagrad,
        ResourceApplyProximalAdagrad,
        SparseApplyProximalAdagrad,
        ResourceSparseApplyProximalAdagrad,
    )
    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(
            use_locking, name, learning_rate, l1_regularization_strength, l2_regularization_strength
        )
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            with colocate_with(variable):
                first = constant(
                    self._initial_accumulator_value,
                    dtype=variable.dtype.base_dtype,
                    shape=variable.get_shape(),
                )
            self._get_or_make_slot(variable, first, "accumulator", self._name)
