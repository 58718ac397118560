"""Tensors in parts along an axis: split into equal ones, or by sizes."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.shape import Dimension, Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import passing
from evergraph.ops.concatenation import concat


def _split_place(given: Any, dims: Dims) -> int | None:
    """The dimension that is split, where it is known. Raises ValueError where there is none."""
    if given is None or (dims is None and given < 0):
        return None
    axis = int(given)
    if dims is None:
        return axis
    if not -len(dims) <= axis < len(dims):
        raise ValueError(f"Dimension size, given by scalar input {axis} must be in range "
                         f"[{-len(dims)}, {len(dims)})")  # fmt: skip
    return axis % len(dims)


def _with(dims: tuple[int | None, ...], axis: int, size: int | None) -> Dims:
    return (*dims[:axis], size, *dims[axis + 1 :])


def _pieces(xp: Any, value: Any, axis: int, sizes: Sequence[int]) -> tuple[Any, ...]:
    if len(sizes) == 1:
        return (value,)
    lead, start, parts = (slice(None),) * axis, 0, []
    for size in sizes:
        place = (*lead, slice(start, start + size))
        parts.append(passing.detached(xp, value[place]))
        start += size
    return tuple(parts)


@op(
    "Split", "split_dim: int32, value: T -> output: num_split * T", num_split="int >= 1", T="type",
    static="split_dim",
)  # fmt: skip
class Split:
    def shape(c):
        dims, count = c.shape(1), c.output_count
        axis = _split_place(c.value(0), dims)
        if dims is None:
            return [None] * count
        if axis is None:
            return [(None,) * len(dims)] * count
        length = dims[axis]
        if length is not None and length % count:
            raise ValueError(
                f"Dimension size must be evenly divisible by {count} but is {length}\n"
                "\tNumber of ways to split should evenly divide the split dimension"
            )
        return [_with(dims, axis, None if length is None else length // count)] * count

    def compute(xp, split_dim, value, *, num_split):
        if split_dim.size != 1:
            raise errors.InvalidArgumentError(
                None, None, "split_dim_tensor must have exactly one element."
            )
        axis = shapes.check_axis(int(split_dim.item()), value.ndim)
        length = value.shape[axis]
        if length % num_split:
            raise errors.InvalidArgumentError(
                None,
                None,
                "Number of ways to split should evenly divide the split dimension, "
                f"but got split_dim {axis} (size = {length}) and num_split {num_split}",
            )
        return _pieces(xp, value, axis, [length // num_split] * num_split)

    def gradient(op, *grads):
        return None, concat(list(grads), op.inputs[0])


@op(
    "SplitV", "value: T, size_splits: Tlen, split_dim: int32 -> output: num_split * T",
    num_split="int >= 1", T="type", Tlen="{int8, int32, int64} = DT_INT64",
    static="size_splits, split_dim",
)  # fmt: skip
class SplitV:
    def shape(c):
        dims, count = c.shape(0), c.output_count
        axis = _split_place(c.value(2), dims)
        if dims is None:
            return [None] * count
        if not dims:
            raise ValueError("Can't split scalars")
        sizes = c.value(1)
        if axis is None:
            return [(None,) * len(dims)] * count
        if sizes is None:
            return [_with(dims, axis, None)] * count
        return [_with(dims, axis, size) for size in _sizes(sizes.tolist(), dims[axis], count)]

    def compute(xp, value, size_splits, split_dim, *, num_split):
        axis = shapes.check_axis(int(split_dim.item()), value.ndim)
        return _pieces(xp, value, axis, _sizes(size_splits.tolist(), value.shape[axis], num_split))

    def gradient(op, *grads):
        return concat(list(grads), op.inputs[2]), None, None


def _sizes(sizes: list[int], length: int | None, count: int) -> list[Any]:
    """The sizes of the pieces of an axis, with what the one -1 among them stands for."""
    problem = None
    known = sum(size for size in sizes if size != -1)
    if len(sizes) != count:
        problem = f"Length of size_splits should be equal to num_outputs: {len(sizes)} != {count}"
    elif sizes.count(-1) > 1:
        problem = "size_splits can only have one -1"
    elif min(sizes) < -1:
        problem = f"Split size at index {sizes.index(min(sizes))} must be >= 0. Got: {min(sizes)}"
    elif length is not None and (known > length if -1 in sizes else known != length):
        problem = f"can't split axis of size {length} into pieces of size {sizes}"
    if problem is not None:
        raise errors.InvalidArgumentError(None, None, problem)
    rest = None if length is None else length - known
    return [rest if size == -1 else size for size in sizes]


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """``value`` in parts along ``axis``: a number of equal ones, or of the sizes in a vector.

    ``num`` says how many sizes there are where the vector's static shape does not. Raises
    ValueError where that is not known, TypeError for the order of arguments before TensorFlow 1.0.
    """
    if isinstance(axis, Tensor) and not axis.dtype.is_integer:
        raise TypeError(
            "tf.split(value, num_or_size_splits, axis): the tensor comes first (before "
            f"TensorFlow 1.0 it came last). Write tf.split(..., {num_or_size_splits}, {value})."
        )
    if isinstance(num_or_size_splits, (numbers.Integral, Dimension)):
        return Split(axis, value, num_split=num_or_size_splits, name=name)
    sizes = convert_to_tensor(num_or_size_splits)
    if sizes.dims == ():
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. "
            f"Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = sizes.dims[0] if sizes.dims else None
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {num_or_size_splits}")
    return SplitV(value, sizes, axis, num_split=num, name=name)
