"""Gradient descent: ``w -= learning_rate * gradient``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evergraph.graph.tensor import Tensor
from evergraph.ops.casts import cast
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.state_scatter import ResourceScatterAdd
from evergraph.ops.training import ApplyGradientDescent, ResourceApplyGradientDescent
from evergraph.train.fused_optimizer import FusedOptimizer, UpdateOps


class GradientDescentOptimizer(FusedOptimizer):
    """``tf.train.GradientDescentOptimizer``. Has no slots."""

    ops = UpdateOps(ApplyGradientDescent, ResourceApplyGradientDescent)

    def __init__(
        self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"
    ) -> None:
        super().__init__(use_locking, name, {"learning_rate": learning_rate})

    def inputs(
        self, target: Any, slots: Sequence[Any], scalar: Callable[[str], Any], grads: Sequence[Any]
    ) -> Sequence[Any]:
        """(var, learning rate, gradient)"""
        return (target, scalar("learning_rate"), *grads)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        # Subtracting adds up by itself: rows may be named more than once.
        rate = cast(self._tensors["learning_rate"], var.dtype.base_dtype)
        delta = IndexedSlices(grad.values * rate, grad.indices, grad.dense_shape)
        return var.scatter_sub(delta, use_locking=self._use_locking)

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: Any, indices: Tensor
    ) -> Any:
        rate = cast(self._tensors["learning_rate"], grad.dtype.base_dtype)
        return ResourceScatterAdd(handle.handle, indices, -grad * rate)
