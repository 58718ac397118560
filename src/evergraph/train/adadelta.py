"""Adadelta: steps as long as the root mean square of the last ones, over that of the gradients.

Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.ops.training import (
    ApplyAdadelta,
    ResourceApplyAdadelta,
    ResourceSparseApplyAdadelta,
    SparseApplyAdadelta,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps


class AdadeltaOptimizer(FusedOptimizer):
    """``tf.train.AdadeltaOptimizer``. Slots: ``accum`` (``w/Adadelta``) and ``accum_update`` (``w/Adadelta_1``)."""

    ops = UpdateOps(
        ApplyAdadelta, ResourceApplyAdadelta, SparseApplyAdadelta, ResourceSparseApplyAdadelta
    )
    slot_names = ("accum", "accum_update")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name, {"lr": learning_rate, "rho": rho, "epsilon": epsilon})

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, accumulator, accumulator of updates, learning rate, rho, epsilon, gradient)"""
        return (target, *slots, scalar("lr"), scalar("rho"), scalar("epsilon"), *grads)
