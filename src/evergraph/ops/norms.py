"""Norms of vectors and matrices, traces."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.shaping import renamed


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the main diagonals of the matrices in the last two dimensions."""
    from evergraph.ops.matrix_bands import matrix_diag_part
    from evergraph.ops.reductions import reduce_sum

    with name_scope(name, "Trace", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The norm of vectors (``axis`` one number, or None: of all elements), or of matrices (``axis`` two numbers).

    ``ord``: ``"euclidean"``, ``"fro"``, 1, 2, ``inf``, or for vectors any positive number. Raises ValueError for
    others, NotImplementedError for the 2-norm of matrices.
    """
    from evergraph.ops.reductions import reduce_max, reduce_sum

    kept = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    is_matrix = isinstance(axis, (list, tuple)) and len(axis) == 2
    axes = _norm_axes(ord, axis, is_matrix)
    with name_scope(name, "norm", [tensor]):
        tensor = convert_to_tensor(tensor)
        if ord in ("fro", "euclidean") or (ord == 2 and not is_matrix):
            from evergraph.ops.complex_numbers import conj
            from evergraph.ops.unary import sqrt

            result = sqrt(reduce_sum(tensor * conj(tensor), axes, keepdims=True))
        elif ord == 2:
            raise NotImplementedError(
                "the 2-norm of matrices: tf.svd(..., compute_uv=False) gives it"
            )
        else:
            result = _other_norm(tensor, ord, axes, is_matrix, reduce_sum, reduce_max)
        return result if kept else array.squeeze(result, axes)


def _norm_axes(ord: Any, axis: Any, is_matrix: bool) -> tuple[int, ...] | None:
    if is_matrix:
        first, second = axis
        if not isinstance(first, int) or not isinstance(second, int) or first == second:
            raise ValueError(
                f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {tuple(axis)}"
            )
        if ord not in ("euclidean", "fro", 1, 2, np.inf):
            raise ValueError(
                f"'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, inf], got {ord}"
            )
        return first, second
    if axis is not None and not isinstance(axis, int):
        raise ValueError(
            f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}"
        )
    if ord != "euclidean" and (isinstance(ord, str) or not np.isreal(ord) or ord <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    return None if axis is None else (axis,)


def _other_norm(
    tensor: Tensor, ord: Any, axes: Any, is_matrix: bool, reduce_sum: Any, reduce_max: Any
) -> Tensor:
    from evergraph.ops.arithmetic import pow
    from evergraph.ops.unary import abs

    result = abs(tensor)
    first = None if axes is None else axes[0]
    if ord == 1:
        result = reduce_sum(result, first, keepdims=True)
        return reduce_max(result, axes[-1], keepdims=True) if is_matrix else result
    if ord == np.inf:
        if is_matrix:
            result = reduce_sum(result, axes[1], keepdims=True)
        return reduce_max(result, first, keepdims=True)
    return pow(reduce_sum(pow(result, ord), axes, keepdims=True), 1.0 / ord)
