"""Space into batch or depth, and back: how dilated and strided convolutions are taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing
from evergraph.ops.shaping import at_least, renamed
from evergraph.ops.stacking import stack
from evergraph.ops.types import INDEX_DEFAULT_INT32


def _divided(size: int | None, part: int) -> int | None:
    if size is not None and size % part:
        raise ValueError(f"Dimension size must be evenly divisible by {part} but is {size}")
    return None if size is None else size // part


def _check_margins(margins: Any, rows: int, name: str) -> None:
    if margins.shape != (rows, 2):
        raise ValueError(f"{name} must have shape [{rows},2], got {shapes.text(margins.shape)}")
    if (margins < 0).any():
        raise ValueError(f"{name} cannot be negative: {margins.tolist()}")


def _check_block(block: Any) -> None:
    if (block < 1).any():
        raise ValueError(f"block_shape must be positive: {block.tolist()}")


def _to_batch_shape(dims: Dims, rank: int, block: Any, paddings: Any) -> Dims:
    """The static shape after SpaceToBatchND over ``rank`` dimensions; values None where unknown."""
    dims = at_least(dims, rank + 1)
    if paddings is not None:
        _check_margins(paddings, rank, "paddings")
    if dims is None:
        return None
    if block is None:
        return (None if rank else dims[0], *(None,) * rank, *dims[rank + 1 :])
    _check_block(block)
    batch = shapes.product([dims[0], *block.tolist()])
    space: list[int | None] = [None] * rank
    if paddings is not None:
        for i, (part, (before, after)) in enumerate(
            zip(block.tolist(), paddings.tolist(), strict=True)
        ):
            size = dims[i + 1]
            space[i] = _divided(None if size is None else size + before + after, part)
    return (batch, *space, *dims[rank + 1 :])


def _from_batch_shape(dims: Dims, rank: int, block: Any, crops: Any) -> Dims:
    """The static shape after BatchToSpaceND over ``rank`` dimensions; values None where unknown."""
    dims = at_least(dims, rank + 1)
    if crops is not None:
        _check_margins(crops, rank, "crops")
    if dims is None:
        return None
    if block is None:
        return (None if rank else dims[0], *(None,) * rank, *dims[rank + 1 :])
    _check_block(block)
    batch = dims[0]
    for part in block.tolist():
        batch = _divided(batch, part)
    space: list[int | None] = [None] * rank
    if crops is not None:
        for i, (part, (before, after)) in enumerate(
            zip(block.tolist(), crops.tolist(), strict=True)
        ):
            size = dims[i + 1]
            if size is not None:
                space[i] = size * part - before - after
                if size * part < before + after:
                    raise ValueError(
                        "Negative dimension size caused by subtracting "
                        f"{before + after} from {size * part}"
                    )
    return (batch, *space, *dims[rank + 1 :])


def _space_to_batch(xp: Any, x: Any, block: Any, paddings: Any) -> Any:
    rank = block.size
    wanted = _to_batch_shape(x.shape, rank, block, paddings)
    margins = [(0, 0), *paddings.tolist()] + [(0, 0)] * (x.ndim - rank - 1)
    blank = {"constant_values": b""} if x.dtype == object else {}
    padded = xp.pad(x, margins, **blank)
    parted = [x.shape[0]]
    for size, part in zip(padded.shape[1:], block.tolist(), strict=False):
        parted += [size // part, part]
    parted += x.shape[rank + 1 :]
    inside = range(2, 2 * rank + 1, 2)
    outside = range(1, 2 * rank, 2)
    order = [*inside, 0, *outside, *range(2 * rank + 1, len(parted))]
    return padded.reshape(parted).transpose(order).reshape(wanted)


def _batch_to_space(xp: Any, x: Any, block: Any, crops: Any) -> Any:
    rank = block.size
    wanted: Any = _from_batch_shape(x.shape, rank, block, crops)
    parts = block.tolist()
    batch = wanted[0]
    order = [rank]
    for i in range(rank):
        order += [rank + 1 + i, i]
    order += range(2 * rank + 1, x.ndim + rank)
    whole = x.reshape([*parts, batch, *x.shape[1:]]).transpose(order)
    joined = [size * part for size, part in zip(x.shape[1:], parts, strict=False)]
    whole = whole.reshape([batch, *joined, *x.shape[rank + 1 :]])
    inside = [slice(None)]
    for size, (before, after) in zip(joined, crops.tolist(), strict=True):
        inside.append(slice(before, size - after))
    return passing.detached(xp, whole[tuple(inside)])


def _rank_of_block(c: Any) -> int:
    rank = shapes.with_rank(c.shape(1), 1)[0]
    if rank is None:
        raise ValueError("block_shape must have known size.")
    return rank


@op(
    "SpaceToBatchND", "input: T, block_shape: Tblock_shape, paddings: Tpaddings -> output: T",
    T="type", Tblock_shape=INDEX_DEFAULT_INT32, Tpaddings=INDEX_DEFAULT_INT32,
    static="block_shape, paddings",
)  # fmt: skip
class SpaceToBatchND:
    def shape(c):
        rank = _rank_of_block(c)
        shapes.merge(c.shape(2), (rank, 2))
        return _to_batch_shape(c.shape(0), rank, c.value(1), c.value(2))

    def compute(xp, input, block_shape, paddings):
        return _space_to_batch(xp, input, block_shape, paddings)

    def gradient(op, grad):
        return BatchToSpaceND(grad, op.inputs[1], op.inputs[2]), None, None


@op(
    "BatchToSpaceND", "input: T, block_shape: Tblock_shape, crops: Tcrops -> output: T", T="type",
    Tblock_shape=INDEX_DEFAULT_INT32, Tcrops=INDEX_DEFAULT_INT32, static="block_shape, crops",
)  # fmt: skip
class BatchToSpaceND:
    def shape(c):
        rank = _rank_of_block(c)
        shapes.merge(c.shape(2), (rank, 2))
        return _from_batch_shape(c.shape(0), rank, c.value(1), c.value(2))

    def compute(xp, input, block_shape, crops):
        return _batch_to_space(xp, input, block_shape, crops)

    def gradient(op, grad):
        return SpaceToBatchND(grad, op.inputs[1], op.inputs[2]), None, None


@op(
    "SpaceToBatch", "input: T, paddings: Tpaddings -> output: T", T="type",
    Tpaddings=INDEX_DEFAULT_INT32, block_size="int >= 2", static="paddings",
)  # fmt: skip
class SpaceToBatch:
    def shape(c):
        dims, block = shapes.with_rank(c.shape(0), 4), np.full(2, c["block_size"])
        shapes.merge(c.shape(1), (2, 2))
        return _to_batch_shape(dims, 2, block, c.value(1))

    def compute(xp, input, paddings, *, block_size):
        return _space_to_batch(xp, input, np.full(2, block_size), paddings)

    def gradient(op, grad):
        return batch_to_space(grad, op.inputs[1], op.attrs["block_size"]), None


@op(
    "BatchToSpace", "input: T, crops: Tidx -> output: T", T="type", block_size="int >= 2",
    Tidx=INDEX_DEFAULT_INT32, static="crops",
)  # fmt: skip
class BatchToSpace:
    def shape(c):
        dims, block = shapes.with_rank(c.shape(0), 4), np.full(2, c["block_size"])
        shapes.merge(c.shape(1), (2, 2))
        return _from_batch_shape(dims, 2, block, c.value(1))

    def compute(xp, input, crops, *, block_size):
        return _batch_to_space(xp, input, np.full(2, block_size), crops)

    def gradient(op, grad):
        return space_to_batch(grad, op.inputs[1], op.attrs["block_size"]), None


def space_to_batch_nd(
    input: Any, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """``input`` [batch, space ..., rest ...], padded and cut into blocks that lie in the batch."""
    return SpaceToBatchND(input, block_shape, paddings, name=name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The inverse of ``space_to_batch_nd``; ``crops`` takes away what was padded."""
    return BatchToSpaceND(input, block_shape, crops, name=name)


def space_to_batch(
    input: Any,
    paddings: Any,
    block_size: Any = None,
    name: str | None = None,
    block_shape: Any = None,
) -> Tensor:
    """``space_to_batch_nd`` of pictures [batch, height, width, depth] in square blocks."""
    size = renamed("block_shape", block_shape, "block_size", block_size)
    result = space_to_batch_nd(input, np.array([size, size], np.int64), paddings, name)
    result.set_shape(shapes.unknown_shape(4))
    return result


def batch_to_space(
    input: Any, crops: Any, block_size: Any, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """``batch_to_space_nd`` of pictures [batch, height, width, depth] in square blocks."""
    size = renamed("block_shape", block_shape, "block_size", block_size)
    result = batch_to_space_nd(input, np.array([size, size], np.int64), crops, name)
    result.set_shape(shapes.unknown_shape(4))
    return result


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The least paddings at the end that make every size a multiple of its block's.

    ``base_paddings`` is there in any case. Returns (paddings, crops) for ``space_to_batch_nd`` and
    ``batch_to_space_nd``. Raises ValueError where shapes do not fit.
    """
    values = [input_shape, block_shape]
    with name_scope(name, "required_space_to_batch_paddings", values):
        sizes = convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
        block = convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
        block.shape.assert_is_fully_defined()
        block.shape.assert_has_rank(1)
        count = (block.dims or (0,))[0] or 0
        if not count:
            return array.zeros([0, 2], dtypes.int32), array.zeros([0, 2], dtypes.int32)
        sizes.shape.assert_is_compatible_with([count])
        if base_paddings is None:
            base = array.zeros([count, 2], dtypes.int32)
        else:
            base = convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
            base.shape.assert_is_compatible_with([count, 2])
        known = [constant_value(tensor) for tensor in (block, sizes, base)]
        inputs: list[Any] = [block, sizes, base]
        if all(value is not None for value in known):
            inputs = known
        parts, full, margins = inputs
        start, end = margins[:, 0], margins[:, 1]
        full = full + start + end
        extra = (parts - full % parts) % parts
        end = end + extra
        paddings = stack([[start[i], end[i]] for i in range(count)], name="paddings")
        crops = stack([[0, extra[i]] for i in range(count)], name="crops")
        return paddings, crops


# -------------------------------------------------------------------------------------------- depth

_FORMATS = "{'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'"


def _depth_shape(c: Any, deeper: bool) -> Dims:
    """The static shape after SpaceToDepth (``deeper``) or DepthToSpace."""
    block, layout = c["block_size"], c["data_format"]
    rank = 5 if layout == "NCHW_VECT_C" else 4
    dims = list(shapes.with_rank(c.shape(0), rank))
    depth, height, width = (3, 1, 2) if layout == "NHWC" else (1, 2, 3)
    for axis in (height, width):
        size = dims[axis]
        dims[axis] = _divided(size, block) if deeper else shapes.product((size, block))
    size = dims[depth]
    area = block * block
    dims[depth] = shapes.product((size, area)) if deeper else _divided(size, area)
    return tuple(dims)


def _pictures(x: Any, layout: str) -> None:
    if layout == "NCHW_VECT_C":
        raise errors.InvalidArgumentError(None, None, f"Only NHWC and NCHW are there, not {layout}")
    if x.ndim != 4:
        raise errors.InvalidArgumentError(
            None, None, f"Input rank should be: 4 instead of: {x.ndim}"
        )


@op("SpaceToDepth", "input: T -> output: T", T="type", block_size="int >= 2", data_format=_FORMATS)
class SpaceToDepth:
    def shape(c):
        return _depth_shape(c, True)

    def compute(xp, input, *, block_size, data_format):
        _pictures(input, data_format)
        b = block_size
        if data_format == "NHWC":
            n, h, w, d = input.shape
            parted = input.reshape(n, _divided(h, b), b, _divided(w, b), b, d)
            return parted.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, b * b * d)
        n, d, h, w = input.shape
        parted = input.reshape(n, d, _divided(h, b), b, _divided(w, b), b)
        return parted.transpose(0, 3, 5, 1, 2, 4).reshape(n, b * b * d, h // b, w // b)

    def gradient(op, grad):
        attrs = {name: op.attrs[name] for name in ("block_size", "data_format")}
        return DepthToSpace(grad, **attrs)


@op("DepthToSpace", "input: T -> output: T", T="type", block_size="int >= 2", data_format=_FORMATS)
class DepthToSpace:
    def shape(c):
        return _depth_shape(c, False)

    def compute(xp, input, *, block_size, data_format):
        _pictures(input, data_format)
        b = block_size
        if data_format == "NHWC":
            n, h, w, d = input.shape
            d = _divided(d, b * b)
            parted = input.reshape(n, h, w, b, b, d)
            return parted.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, d)
        n, d, h, w = input.shape
        d = _divided(d, b * b)
        parted = input.reshape(n, b, b, d, h, w)
        return parted.transpose(0, 3, 4, 1, 5, 2).reshape(n, d, h * b, w * b)

    def gradient(op, grad):
        attrs = {name: op.attrs[name] for name in ("block_size", "data_format")}
        return SpaceToDepth(grad, **attrs)


def space_to_depth(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """Pictures with each block of ``block_size`` x ``block_size`` points as one, deeper, point."""
    return SpaceToDepth(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """The inverse of ``space_to_depth``."""
    return DepthToSpace(input, block_size=block_size, data_format=data_format, name=name)
