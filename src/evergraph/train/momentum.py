"""Momentum: ``v = momentum * v + gradient``, ``w -= learning_rate * v``, or Nesterov's form of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.ops.training import (
    ApplyMomentum,
    ResourceApplyMomentum,
    ResourceSparseApplyMomentum,
    SparseApplyMomentum,
)
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps


class MomentumOptimizer(FusedOptimizer):
    """``tf.train.MomentumOptimizer``. Slot: ``momentum``."""

    ops = UpdateOps(
        ApplyMomentum, ResourceApplyMomentum, SparseApplyMomentum, ResourceSparseApplyMomentum
    )
    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name, {"learning_rate": learning_rate, "momentum": momentum})
        self._use_nesterov = use_nesterov

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, accumulator, learning rate, gradient, momentum)"""
        return (target, *slots, scalar("learning_rate"), *grads, scalar("momentum"))

    def attributes(self) -> dict[str, Any]:
        """With ``use_nesterov``."""
        return {"use_locking": self._use_locking, "use_nesterov": self._use_nesterov}
