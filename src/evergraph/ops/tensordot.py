"""Products of tensors summed over any axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import is_fully_defined
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.concatenation import concat
from evergraph.ops.matmul import matmul
from evergraph.ops.picking import gather
from evergraph.ops.reductions import reduce_prod
from evergraph.ops.stacking import stack
from evergraph.ops.transposing import transpose


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The products of ``a`` and ``b`` summed over ``axes``: two lists (of ``a``, of ``b``), or a number:
    that many last axes of ``a`` and first ones of ``b``.

    Raises ValueError where the axes do not fit.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b")
        axes_a, axes_b = _axes(a, b, axes)
        matrix_a, free_a, static_a = _as_matrix(a, axes_a, columns=True)
        matrix_b, free_b, static_b = _as_matrix(b, axes_b, columns=False)
        product = matmul(matrix_a, matrix_b)
        if isinstance(free_a, list) and isinstance(free_b, list):
            if product.shape.is_fully_defined() and product.shape.as_list() == free_a + free_b:
                return product
            return array.reshape(product, free_a + free_b, name=scope)
        result = array.reshape(
            product,
            concat([_sizes(free_a), _sizes(free_b)], 0),
            name=scope,
        )
        if static_a is not None and static_b is not None:
            result.set_shape(static_a + static_b)
        return result


def _sizes(free: Any) -> Tensor:
    return convert_to_tensor(free, dtype=dtypes.int32)


def _axes(a: Tensor, b: Tensor, axes: Any) -> tuple[list[int], list[int]]:
    rank_a, rank_b = a.shape.ndims, b.shape.ndims
    if rank_a is None or rank_b is None:
        raise ValueError(f"tensordot needs the ranks of its operands: {a.shape} and {b.shape}")
    if isinstance(axes, int):
        if not 0 <= axes <= min(rank_a, rank_b):
            raise ValueError(f"`axes` must be from 0 to {min(rank_a, rank_b)}, not {axes}")
        return list(range(rank_a - axes, rank_a)), list(range(axes))
    if len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    first, second = ([one] if isinstance(one, int) else list(one) for one in axes)
    if len(first) != len(second):
        raise ValueError(f"Different number of contraction axes `a` and `b`: {first} and {second}")
    return (
        [axis + rank_a if axis < 0 else axis for axis in first],
        [axis + rank_b if axis < 0 else axis for axis in second],
    )


def _as_matrix(x: Tensor, axes: Sequence[int], *, columns: bool) -> tuple[Tensor, Any, Any]:
    """(``x`` with ``axes`` as columns or rows of a matrix, the sizes of the others, what is known of these)."""
    dims = x.dims
    assert dims is not None
    free = [axis for axis in range(len(dims)) if axis not in axes]
    order = free + list(axes) if columns else list(axes) + free
    known = [dims[axis] for axis in free]
    if is_fully_defined(dims):
        counts = [math.prod(dims[axis] or 0 for axis in some) for some in (free, axes)]
        wanted = counts if columns else counts[::-1]
        straight = order == list(range(len(dims)))
        moved = x if straight else transpose(x, order)
        if list(moved.dims or ()) == wanted:
            return moved, known, known
        return array.reshape(moved, wanted), known, known
    axes_tensor = convert_to_tensor(list(axes), dtype=dtypes.int32, name="axes")
    free_tensor = convert_to_tensor(free, dtype=dtypes.int32, name="free")
    sizes = array.shape(x)
    free_sizes, summed_sizes = gather(sizes, free_tensor), gather(sizes, axes_tensor)
    rest, summed = reduce_prod(free_sizes), reduce_prod(summed_sizes)
    parts = [free_tensor, axes_tensor] if columns else [axes_tensor, free_tensor]
    permutation = concat(parts, 0)
    shape = stack([rest, summed] if columns else [summed, rest])
    return array.reshape(transpose(x, permutation), shape), free_sizes, known
