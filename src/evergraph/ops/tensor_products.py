"""Products of tensors over chosen axes: cross, tensordot."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.stacking import stack
from evergraph.ops.types import REAL


@op("Cross", "a: T, b: T -> product: T", T=REAL)
class Cross:
    def shape(c):
        dims = shapes.merge(c.shape(0), c.shape(1))
        if dims is None:
            return None
        if not dims:
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        if dims[-1] not in (None, 3):
            raise ValueError(f"Dimension must be 3 but is {dims[-1]}")
        return dims

    def compute(xp, a, b):
        if a.shape != b.shape or not a.ndim or a.shape[-1] != 3:
            raise errors.InvalidArgumentError(
                None,
                None,
                "inputs must have the same shape and innermost dimension 3, got "
                f"{shapes.text(a.shape)} and {shapes.text(b.shape)}",
            )
        (a0, a1, a2), (b0, b1, b2) = (xp.moveaxis(x, -1, 0) for x in (a, b))
        rows = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
        return xp.stack(rows, -1).astype(a.dtype)

    def gradient(op, grad):
        u, v = op.inputs
        return cross(v, grad), cross(grad, u)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross products of the vectors of three in the last dimension."""
    return Cross(a, b, name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The product of ``a`` and ``b`` summed over ``axes``: a number of them (the last of ``a``, the first of ``b``),
    or two lists. Raises ValueError where they do not fit.
    """
    from evergraph.ops.matmul import matmul

    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        a_axes, b_axes = _contracted(a, axes)
        left, a_free, a_known = _as_matrix(a, a_axes, False)
        right, b_free, b_known = _as_matrix(b, b_axes, True)
        product = matmul(left, right)
        if isinstance(a_free, list) and isinstance(b_free, list):
            if product.dims == (*a_free, *b_free) and is_fully_defined(product.dims):
                return product
            return array.reshape(product, a_free + b_free, name=scope)
        free = [convert_to_tensor(part, dtype=dtypes.int32) for part in (a_free, b_free)]
        result = array.reshape(product, concat(free, 0), name=scope)
        if a_known is not None and b_known is not None:
            result.set_shape(a_known + b_known)
        return result


def _contracted(a: Tensor, axes: Any) -> tuple[Any, Any]:
    from evergraph.ops.sequences import range_

    if isinstance(axes, numbers.Integral):
        count = int(axes)
        if count < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {count}.")
        if a.dims is None:
            rank: Any = array.rank(a)
            return range_(rank - count, rank, dtype=dtypes.int32), range_(count, dtype=dtypes.int32)
        if count > len(a.dims):
            raise ValueError(
                f"`axes` must not be larger than the number of dimensions of tensor {a}. Received {count}, vs "
                f"tensor dimensions {len(a.dims)}."
            )
        return list(range(len(a.dims) - count, len(a.dims))), list(range(count))
    if not isinstance(axes, (list, tuple)):
        both = convert_to_tensor(axes, name="axes", dtype=dtypes.int32)
        return both[0], both[1]
    if len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    one, other = axes
    if isinstance(one, numbers.Integral) and isinstance(other, numbers.Integral):
        one, other = [one], [other]
    if len(one) != len(other):
        raise ValueError(
            f"Different number of contraction axes `a` and `b`, {len(one)} != {len(other)}."
        )
    return one, other


def _as_matrix(x: Tensor, axes: Any, flipped: bool) -> tuple[Tensor, Any, Any]:
    """``x`` with ``axes`` as one dimension and the others as the other; the sizes of the others."""
    listed = isinstance(axes, (list, tuple))
    if listed and x.dims is not None:
        axes = [int(axis) if axis >= 0 else int(axis) + len(x.dims) for axis in axes]
        free = [axis for axis in range(len(x.dims)) if axis not in axes]
        if is_fully_defined(x.dims):
            return _as_known_matrix(x, axes, free, flipped)
    return _as_unknown_matrix(x, axes, listed, flipped)


def _as_known_matrix(
    x: Tensor, axes: list[int], free: list[int], flipped: bool
) -> tuple[Tensor, Any, Any]:
    from evergraph.ops.transposing import transpose

    dims: Any = x.dims
    sizes = [dims[axis] for axis in free]
    rows, columns = int(np.prod(sizes)), int(np.prod([dims[axis] for axis in axes]))
    order = axes + free if flipped else free + axes
    shape = [columns, rows] if flipped else [rows, columns]
    moved = x if order == list(range(len(dims))) else transpose(x, order)
    return moved if list(moved.dims or ()) == shape else array.reshape(moved, shape), sizes, sizes


def _as_unknown_matrix(
    x: Tensor, axes: Any, listed: bool, flipped: bool
) -> tuple[Tensor, Any, Any]:
    from evergraph.ops.picking import gather
    from evergraph.ops.reductions import reduce_prod
    from evergraph.ops.selection import where
    from evergraph.ops.sequences import range_
    from evergraph.ops.transposing import transpose
    from evergraph.ops.uniqueness import ListDiff

    known = None
    if listed and x.dims is not None:
        others = [axis for axis in range(len(x.dims)) if axis not in axes]
        known = [x.dims[axis] for axis in others]
        axes = convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
        free = convert_to_tensor(others, dtype=dtypes.int32, name="free")
        sizes = array.shape(x)
    else:
        sizes, rank = array.shape(x), array.rank(x)
        axes = convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
        axes = where(axes >= 0, axes, axes + rank)
        free, _ = ListDiff(range_(rank), axes, out_idx=dtypes.int32)
    free_sizes, axes_sizes = gather(sizes, free), gather(sizes, axes)
    rows, columns = reduce_prod(free_sizes), reduce_prod(axes_sizes)
    order = concat([axes, free] if flipped else [free, axes], 0)
    shape = stack([columns, rows] if flipped else [rows, columns])
    return array.reshape(transpose(x, order), shape), free_sizes, known
