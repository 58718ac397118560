"""Sparse tensors: the places (``[n, rank]``), values (``[n]``) and shape of what is not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.ops.types import INDEX, NUMERIC


def _check(indices: Any, values: Any, shape: Any) -> None:
    """Raises InvalidArgumentError where the three do not belong together, or a place lies outside."""
    if indices.ndim != 2 or values.shape != indices.shape[:1] or shape.shape != indices.shape[1:]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"indices {shapes.text(indices.shape)}, values {shapes.text(values.shape)} and shape "
            f"{shapes.text(shape.shape)} are not those of a sparse tensor",
        )
    outside = ((indices < 0) | (indices >= shape)).any(1)
    if outside.any():
        place = indices[outside][0].tolist()
        raise errors.InvalidArgumentError(
            None, None, f"index {place} is out of bounds of the shape {shape.tolist()}"
        )


@op(
    "SparseTensorDenseAdd",
    "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T -> output: T",
    T=NUMERIC,
    Tindices=INDEX,
)
class SparseTensorDenseAdd:
    def shape(c):
        return c.shape(3)

    def compute(xp, a_indices, a_values, a_shape, b):
        _check(a_indices, a_values, a_shape)
        if tuple(a_shape.tolist()) != b.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"shapes of a and b are not the same: {a_shape.tolist()} and {list(b.shape)}",
            )
        result = np.array(b, copy=True)
        np.add.at(result, tuple(a_indices.T), a_values)
        return result

    def gradient(op, grad):
        from evergraph.ops.picking_nd import gather_nd

        return [None, gather_nd(grad, op.inputs[0]), None, grad]


@op(
    "SparseReorder",
    "input_indices: int64, input_values: T, input_shape: int64 -> output_indices: int64, "
    "output_values: T",
    T="type",
)
class SparseReorder:
    def shape(c):
        return [shapes.with_rank(c.shape(0), 2), shapes.with_rank(c.shape(1), 1)]

    def compute(xp, input_indices, input_values, input_shape):
        _check(input_indices, input_values, input_shape)
        # By the first coordinate, then the second ...
        order = np.lexsort(input_indices.T[::-1])
        return input_indices[order], input_values[order]


@op(
    "SparseTensorDenseMatMul",
    "a_indices: Tindices, a_values: T, a_shape: int64, b: T -> product: T",
    T="type",
    Tindices="{int32, int64} = DT_INT64",
    adjoint_a=False,
    adjoint_b=False,
)
class SparseTensorDenseMatMul:
    def shape(c):
        b = shapes.with_rank(c.shape(3), 2)
        a = c.value_as_shape(2)
        rows = None if a is None else a[1 if c["adjoint_a"] else 0]
        return rows, b[0 if c["adjoint_b"] else 1]

    def compute(xp, a_indices, a_values, a_shape, b, *, adjoint_a, adjoint_b):
        _check(a_indices, a_values, a_shape)
        right = np.conj(b.T) if adjoint_b else b
        rows, columns = a_indices.T[::-1] if adjoint_a else a_indices.T
        left = np.conj(a_values) if adjoint_a else a_values
        size = int(a_shape[1 if adjoint_a else 0])
        inner = int(a_shape[0 if adjoint_a else 1])
        if right.shape[0] != inner:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Cannot multiply A and B because inner dimension does not match: {inner} vs. {right.shape[0]}",
            )
        wide = np.float32 if b.dtype.itemsize == 2 else b.dtype
        product = np.zeros((size, right.shape[1]), wide)
        np.add.at(product, rows, left[:, None].astype(wide) * right[columns].astype(wide))
        return product.astype(b.dtype)
