"""FTRL-proximal: follow the regularized leader, with both regularizations in closed form.

Source: McMahan et al., "Ad Click Prediction: a View from the Trenches" (2013), algorithm 1. The shrinkage term adds
``2 * l2_shrinkage * w`` to the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.ops.arithmetic import maximum
from evergraph.ops.filling import ones
from evergraph.ops.training import (
    ApplyFtrl,
    ApplyFtrlV2,
    ResourceApplyFtrl,
    ResourceApplyFtrlV2,
    ResourceSparseApplyFtrl,
    ResourceSparseApplyFtrlV2,
    SparseApplyFtrl,
    SparseApplyFtrlV2,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps

_PLAIN = UpdateOps(ApplyFtrl, ResourceApplyFtrl, SparseApplyFtrl, ResourceSparseApplyFtrl)
_SHRINKING = UpdateOps(
    ApplyFtrlV2, ResourceApplyFtrlV2, SparseApplyFtrlV2, ResourceSparseApplyFtrlV2
)
#: Keeps a learning rate of zero from dividing.
_LEAST_RATE = 1e-36


class FtrlOptimizer(FusedOptimizer):
    """``tf.train.FtrlOptimizer``. Slots: ``accum`` (``w/Ftrl``) and ``linear`` (``w/Ftrl_1``).

    ``accum_name``, ``linear_name``: what the slots are called instead of ``name``.

    Raises:
      ValueError: an initial value or a strength below zero, or a ``learning_rate_power`` above it.
    """

    slot_names = ("accum", "linear")

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        for what, value in {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }.items():
            if value < 0.0:
                raise ValueError(f"{what} {value:f} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(
                f"learning_rate_power {learning_rate_power:f} needs to be negative or zero"
            )
        beta = 0.0 if beta is None else beta

        def adjusted() -> Any:
            return l2_regularization_strength + beta / (2.0 * maximum(learning_rate, _LEAST_RATE))

        hyperparameters = {
            "learning_rate": learning_rate,
            "l1_regularization_strength": l1_regularization_strength,
            "adjusted_l2_regularization_strength": adjusted,
            "beta": beta,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
            "learning_rate_power": learning_rate_power,
        }
        super().__init__(use_locking, name, hyperparameters)
        self._shrinks = l2_shrinkage_regularization_strength > 0.0
        self.ops = _SHRINKING if self._shrinks else _PLAIN
        self._initial_accumulator_value = initial_accumulator_value
        self._accum_name = accum_name or name
        self._linear_name = linear_name or name

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        def first(shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Any:
            return ones(shape, dtype) * self._initial_accumulator_value

        for variable in var_list:
            self._get_or_make_slot_with_initializer(
                variable, first, variable.get_shape(), variable.dtype, "accum", self._accum_name
            )
            self._zeros_slot(variable, "linear", self._linear_name)

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, accumulator, linear, gradient, learning rate, l1, l2, [shrinkage,] learning rate power)"""
        strengths = ["l1_regularization_strength", "adjusted_l2_regularization_strength"]
        if self._shrinks:
            strengths.append("l2_shrinkage_regularization_strength")
        names = ("learning_rate", *strengths, "learning_rate_power")
        return (target, *slots, *grads, *[scalar(name) for name in names])
