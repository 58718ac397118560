"""Tensors behind one another: concat, and its offsets for the gradient."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops.passing import identity
from evergraph.ops.shaping import expand_dims
from evergraph.ops.types import INDEX_DEFAULT_INT32


def _joined(values: Sequence[Dims], axis: Any) -> Dims:
    """The shape of ``values`` behind one another along ``axis`` (None: not known yet)."""
    if axis is None:
        return _same_rank(values)
    axis = int(axis)
    before: Dims = None
    after: Dims = () if axis == -1 else None
    length: int | None = 0
    for dims in values:
        if dims is None:
            length = None
            continue
        if not -len(dims) <= axis < len(dims):
            raise ValueError(
                f"Shape must be at least rank {-axis if axis < 0 else axis + 1} "
                f"but is rank {len(dims)}"
            )
        i = axis % len(dims)
        before = shapes.merge(before, dims[:i])
        after = shapes.merge(after, dims[i + 1 :])
        length = None if length is None or dims[i] is None else length + dims[i]
    return None if before is None or after is None else (*before, length, *after)


def _same_rank(values: Sequence[Dims]) -> Dims:
    ranks = {len(dims) for dims in values if dims is not None}
    if len(ranks) > 1:
        raise ValueError(f"Shapes must be equal rank, but are {sorted(ranks)}")
    if 0 in ranks:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    return (None,) * ranks.pop() if ranks else None


def _concatenate(xp: Any, values: Sequence[Any], axis: Any) -> Any:
    if axis.size != 1:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Concat dim tensor should be a scalar, but got shape {shapes.text(axis.shape)}",
        )
    first = values[0]
    axis = shapes.check_axis(int(axis.item()), first.ndim)
    try:
        return xp.concatenate(values, axis)
    except ValueError:
        for i, value in enumerate(values):
            ours = value.shape[:axis] + value.shape[axis + 1 :]
            if value.ndim != first.ndim or ours != first.shape[:axis] + first.shape[axis + 1 :]:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Concat: dimensions of inputs should match along all axes but {axis}: "
                    f"shape[0] = {shapes.text(first.shape)} vs. "
                    f"shape[{i}] = {shapes.text(value.shape)}",
                ) from None
        raise


@op(
    "ConcatV2", "values: N * T, axis: Tidx -> output: T", N="int >= 2", T="type",
    Tidx=INDEX_DEFAULT_INT32, static="axis",
)  # fmt: skip
class ConcatV2:
    def shape(c):
        shapes.with_rank(c.shape(1), 0)
        return _joined(c.shapes(0), c.value(1))

    def compute(xp, values, axis):
        return _concatenate(xp, values, axis)

    def gradient(op, grad):
        from evergraph.ops.concat_gradient import concat_gradient

        return [*concat_gradient(op.inputs[:-1], op.inputs[-1], grad), None]


@op(
    "Concat", "concat_dim: int32, values: N * T -> output: T", N="int >= 2", T="type",
    static="concat_dim",
)  # fmt: skip
class Concat:
    def shape(c):
        shapes.with_rank(c.shape(0), 0)
        return _joined(c.shapes(1), c.value(0))

    def compute(xp, concat_dim, values):
        return _concatenate(xp, values, concat_dim)

    def gradient(op, grad):
        from evergraph.ops.concat_gradient import concat_gradient

        return [None, *concat_gradient(op.inputs[1:], op.inputs[0], grad)]


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """The tensors of the list ``values`` behind one another along ``axis``.

    Raises ValueError for the order of arguments that TensorFlow had before 1.0, and where shapes do
    not fit.
    """
    if isinstance(values, numbers.Integral) and isinstance(axis, (list, tuple)):
        raise ValueError(
            f"tf.concat(values, axis): the list of tensors comes first (before TensorFlow 1.0 it "
            f"came second). Write tf.concat([...], {values})."
        )
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with name_scope(name):
            # Nothing to join; but the axis is checked, and its constant is part of the format.
            place = convert_to_tensor(axis, name="concat_dim", dtype=dtypes.int32)
            place.shape.assert_has_rank(0)
            return identity(values[0], name=name)
    return ConcatV2(values, axis, name=name)


@op(
    "ConcatOffset", "concat_dim: int32, shape: N * shape_type -> offset: N * shape_type",
    N="int >= 2", shape_type=INDEX_DEFAULT_INT32, static="concat_dim, shape",
)  # fmt: skip
class ConcatOffset:
    def shape(c):
        return c.shapes(1)

    def compute(xp, concat_dim, shape):
        first = shape[0]
        axis = shapes.check_axis(int(concat_dim), first.size)
        offsets, start = [], first.dtype.type(0)
        for i, sizes in enumerate(shape):
            differ = sizes.shape != first.shape or sizes != first
            if np.any(np.delete(differ, axis) if np.ndim(differ) else differ):
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"All dimensions except {axis} must match. Input {i} has shape {sizes} and "
                    f"doesn't match input 0 with shape {first}.",
                )
            offset = np.zeros_like(first)
            offset[axis] = start
            offsets.append(offset)
            start = start + sizes[axis]
        return tuple(offsets)

    gradient = None


@op("ParallelConcat", "values: N * T -> output: T", N="int >= 1", T="type", shape="shape")
class ParallelConcat:
    def shape(c):
        dims = c["shape"]
        if not shapes.is_fully_defined(dims):
            raise ValueError("shape attr must be fully defined.")
        for given in c.shapes(0):
            if not shapes.is_fully_defined(given):
                raise ValueError("All input shapes must be fully defined.")
            shapes.merge(given, (1, *dims[1:]))
        return dims

    def compute(xp, values):
        return xp.concatenate(values, 0)


def parallel_stack(values: Sequence[Any], name: str = "parallel_stack") -> Tensor:
    """``stack`` of tensors whose shapes are known and equal, with no gradient."""
    with name_scope(name):
        first = convert_to_tensor(values[0])
        dims = shapes.TensorShape([len(values)]).concatenate(first.shape)
        return ParallelConcat([expand_dims(value, 0) for value in values], shape=dims)
