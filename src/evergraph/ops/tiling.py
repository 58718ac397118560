"""Elements repeated: tile, and broadcasting to a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value_as_shape
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing, shaping
from evergraph.ops.concatenation import concat
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.stacking import stack
from evergraph.ops.types import INDEX_DEFAULT_INT32


@op(
    "Tile", "input: T, multiples: Tmultiples -> output: T", T="type",
    Tmultiples=INDEX_DEFAULT_INT32, static="multiples",
)  # fmt: skip
class Tile:
    def shape(c):
        dims, multiples = c.shape(0), shaping.sizes_of(c, 1)
        if multiples is None:
            return None if dims is None else (None,) * len(dims)
        dims = shapes.with_rank(dims, len(multiples))
        return tuple(shapes.product(pair) for pair in zip(dims, multiples, strict=True))

    def compute(xp, input, multiples):
        times = multiples.tolist()
        if multiples.shape != (input.ndim,):
            raise errors.InvalidArgumentError(
                None,
                None,
                "Expected multiples argument to be a vector of length "
                f"{input.ndim} but got length {multiples.size}",
            )
        if min(times, default=0) < 0:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Expected multiples[{times.index(min(times))}] >= 0, but got {min(times)}",
            )
        return xp.tile(input, times)

    def gradient(op, grad):
        return _tile_gradient(op, grad), None


def _tile_gradient(op: Any, grad: Any) -> Tensor:
    """The sum over all copies: the gradient with each dimension parted in (copies, size)."""
    from evergraph.ops.layout import transpose
    from evergraph.ops.reductions import reduce_sum
    from evergraph.ops.sequences import range_

    multiples = op.inputs[1]
    size: Any = array.shape(op.inputs[0], out_type=multiples.dtype)
    parted: Any = array.reshape(transpose(stack([multiples, size])), [-1])
    axes = range_(0, array.size(parted), 2)
    if isinstance(grad, IndexedSlices):
        from evergraph.ops.casts import cast
        from evergraph.ops.segments import unsorted_segment_sum

        rows = cast(size[0], grad.indices.dtype)
        grad = unsorted_segment_sum(grad.values, grad.indices % rows, rows)
        parted = concat([[1], parted[1:]], axis=0)
    result = reduce_sum(array.reshape(grad, parted), axes)
    result.set_shape(op.inputs[0].dims)
    return result


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """``input`` repeated ``multiples[i]`` times along dimension i."""
    return Tile(input, multiples, name=name)


# Deprecated at GraphDef version 3.
@op("TileGrad", "input: T, multiples: int32 -> output: T", T="type", static="multiples")
class TileGrad:
    def shape(c):
        dims, multiples = c.shape(0), c.value(1)
        if dims is None or multiples is None:
            return None if dims is None else (None,) * len(dims)
        return tuple(
            None if size is None else size // times
            for size, times in zip(dims, multiples.tolist(), strict=True)
        )

    def compute(xp, input, multiples):
        parted = []
        for size, times in zip(input.shape, multiples.tolist(), strict=True):
            parted += [times, size // times]
        return input.reshape(parted).sum(tuple(range(0, len(parted), 2)), dtype=input.dtype)


# ---------------------------------------------------------------------------------------- broadcast


@op(
    "BroadcastTo", "input: T, shape: Tidx -> output: T", T="type", Tidx=INDEX_DEFAULT_INT32,
    static="shape",
)  # fmt: skip
class BroadcastTo:
    def shape(c):
        dims, wanted = c.shape(0), shaping.sizes_of(c, 1)
        if dims is None or wanted is None:
            return wanted
        if len(dims) > len(wanted):
            raise ValueError(
                f"Rank of input ({len(dims)}) must be no greater than rank of output shape "
                f"({len(wanted)})."
            )
        result = list(wanted)
        for i, size in enumerate(dims, len(wanted) - len(dims)):
            other = wanted[i]
            if size and other is not None and other % size:
                raise ValueError(
                    f"Dimension size must be evenly divisible by {size} but is {other}: "
                    f"{shapes.text(dims)} does not broadcast to {shapes.text(wanted)}"
                )
            # Only a dimension of size 1 becomes another one.
            if other is None and size != 1:
                result[i] = size
        return tuple(result)

    def compute(xp, input, shape):
        wanted = shape.tolist()
        try:
            return passing.detached(xp, xp.broadcast_to(input, wanted))
        except ValueError:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Incompatible shapes: {shapes.text(input.shape)} vs. {shapes.text(tuple(wanted))}",
            ) from None

    def gradient(op, grad):
        from evergraph.ops.broadcasting import BroadcastGradientArgs
        from evergraph.ops.reductions import reduce_sum

        input, wanted = op.inputs
        size = array.shape(input, out_type=wanted.dtype)
        known = constant_value_as_shape(wanted)
        if shapes.is_fully_defined(known):
            wanted = constant(list(known), dtype=wanted.dtype)
        axes = BroadcastGradientArgs(wanted, size)[1]
        return array.reshape(reduce_sum(grad, axis=axes, keepdims=True), size), None


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input`` in ``shape``, to which it must broadcast."""
    return BroadcastTo(input, shape, name=name)


@op("BroadcastArgs", "s0: T, s1: T -> r0: T", T=INDEX_DEFAULT_INT32, static="s0, s1")
class BroadcastArgs:
    def shape(c):
        one, other = (shapes.with_rank(c.shape(i), 1)[0] for i in (0, 1))
        return (None if one is None or other is None else max(one, other),)

    def compute(xp, s0, s1):
        for sizes in (s0, s1):
            if sizes.ndim != 1:
                raise errors.InvalidArgumentError(
                    None, None, f"In[0] must be a vector.{shapes.text(sizes.shape)}"
                )
        one, other = s0.tolist(), s1.tolist()
        try:
            return np.array(np.broadcast_shapes(tuple(one), tuple(other)), s0.dtype)
        except ValueError:
            raise errors.InvalidArgumentError(
                None, None, f"Incompatible shapes: {one} vs. {other}"
            ) from None


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape, a vector, of what two tensors of these shapes broadcast to."""
    return BroadcastArgs(shape_x, shape_y)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape, as far as it is known, of what two tensors of these shapes broadcast to.

    Raises ValueError where they do not.
    """
    return TensorShape(shapes.broadcast(shapes.as_dims(shape_x), shapes.as_dims(shape_y)))


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = "meshgrid") -> list[Tensor]:
    """For coordinates along each axis, those of every point of the grid: one tensor an axis.

    ``indexing``: "ij" has the axes in order; "xy", as pictures have them, the first two exchanged.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(
            f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'"
        )
    with name_scope(name, "meshgrid", args):
        rank = len(args)
        if not rank:
            return []
        one = (1,) * rank
        grids: list[Any] = [
            array.reshape(stack(x), (*one[:i], -1, *one[i + 1 :])) for i, x in enumerate(args)
        ]
        sizes = [array.size(x) for x in args]
        dtype = convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and rank > 1:
            grids[0] = array.reshape(grids[0], (1, -1) + (1,) * (rank - 2))
            grids[1] = array.reshape(grids[1], (-1, 1) + (1,) * (rank - 2))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        full = array.ones(sizes, dtype)
        return [grid * full for grid in grids]
