"""Shapes: what asks for one (Shape, Size, Rank), what changes one (Reshape, ExpandDims, Squeeze).

What is reshaped is a view of the input, so that the buffer of a reference variable is seen through
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims, is_fully_defined, product, text, with_rank
from evergraph.graph.shape_inference import ShapeContext
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.constant import constant
from evergraph.ops.indexed_slices import IndexedSlices
from evergraph.ops.types import INDEX_DEFAULT_INT32


@op("Shape", "input: T -> output: out_type", T="type", out_type=INDEX_DEFAULT_INT32)
class Shape:
    def shape(c):
        dims = c.shape(0)
        return (None if dims is None else len(dims),)

    def compute(xp, input, *, out_type):
        return np.array(input.shape, out_type.as_numpy_dtype)

    gradient = None


def shape(
    input: Any, name: str | None = None, out_type: Any = dtypes.int32, optimize: bool = True
) -> Tensor:
    """The shape of ``input`` as a vector.

    With ``optimize``, a constant where it is known while the graph is built; ``out_type`` None
    then means int32, or int64 where a size needs it.
    """
    with name_scope(name, "Shape", [input]) as scope:
        input = convert_to_tensor(input)
        if optimize and is_fully_defined(input.dims):
            if out_type is None:
                return convert_to_tensor(input.shape)
            return constant(list(input.dims), out_type, name=scope)
        return Shape(input, out_type=out_type, name=scope)


@op(
    "ShapeN", "input: N * T -> output: N * out_type", N="int >= 1", T="type",
    out_type=INDEX_DEFAULT_INT32,
)  # fmt: skip
class ShapeN:
    def shape(c):
        return [(None if dims is None else len(dims),) for dims in c.shapes(0)]

    def compute(xp, input, *, out_type):
        kind = out_type.as_numpy_dtype
        return tuple(np.array(x.shape, kind) for x in input)

    gradient = None


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of a list of tensors of one type."""
    return ShapeN(input, out_type=out_type, name=name)


@op("Size", "input: T -> output: out_type", T="type", out_type=INDEX_DEFAULT_INT32)
class Size:
    shape = shape_rules.scalar

    def compute(xp, input, *, out_type):
        return np.array(input.size, out_type.as_numpy_dtype)

    gradient = None


def size(
    input: Any, name: str | None = None, out_type: Any = dtypes.int32, optimize: bool = True
) -> Tensor:
    """The number of elements of ``input``.

    With ``optimize``, a constant where it is known while the graph is built.
    """
    with name_scope(name, "Size", [input]) as scope:
        input = convert_to_tensor(input)
        count = None if input.dims is None else product(input.dims)
        if optimize and count is not None:
            return constant(count, out_type, name=scope)
        return Size(input, out_type=out_type, name=scope)


@op("Rank", "input: T -> output: int32", T="type")
class Rank:
    shape = shape_rules.scalar

    def compute(xp, input):
        return np.array(input.ndim, np.int32)

    gradient = None


def rank(input: Any, name: str | None = None, optimize: bool = True) -> Tensor:
    """The number of dimensions of ``input``.

    With ``optimize``, a constant where it is known while the graph is built.
    """
    with name_scope(name, "Rank", [input]) as scope:
        input = convert_to_tensor(input)
        if optimize and input.dims is not None:
            return constant(len(input.dims), dtypes.int32, name=scope)
        return Rank(input, name=scope)


# ------------------------------------------------------------------------------ helpers of families


def sizes_of(c: ShapeContext, i: int) -> Dims:
    """The shape that argument ``i`` stands for, as far as it is known.

    Raises ValueError where it is no vector, or holds what is no size.
    """
    with_rank(c.shape(i), 1)
    value = c.value(i)
    if value is not None and (value < -1).any():
        raise ValueError(f"Invalid value in tensor used for shape: {value[value < -1][0]}")
    return c.value_as_shape(i)


def at_least(dims: Dims, rank: int) -> Dims:
    """``dims``. Raises ValueError where they are known to be fewer than ``rank``."""
    if dims is not None and len(dims) < rank:
        raise ValueError(f"Shape must be at least rank {rank} but is rank {len(dims)}")
    return dims


def dense_rows(grad: Any) -> Any:
    """``grad`` as a Tensor, without the warning that converting IndexedSlices may give.

    Raises ValueError where IndexedSlices do not know their shape.
    """
    if not isinstance(grad, IndexedSlices):
        return grad
    if grad.dense_shape is None:
        raise ValueError(
            f"Tensor conversion requested for IndexedSlices without dense_shape: {grad!s}"
        )
    from evergraph.ops.segments import unsorted_segment_sum

    rows = grad.dense_shape[0]
    return unsorted_segment_sum(grad.values, grad.indices, rows)


def renamed(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has an old name too. Raises ValueError where both are given."""
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return old_value


def _shaped_as_input(op: Any, grad: Any) -> Tensor:
    return reshape(dense_rows(grad), shape(op.inputs[0]))


# ------------------------------------------------------------------------------------------ Reshape


@op(
    "Reshape", "tensor: T, shape: Tshape -> output: T", T="type", Tshape=INDEX_DEFAULT_INT32,
    static="shape",
)  # fmt: skip
class Reshape:
    def shape(c):
        return _reshaped(c.shape(0), sizes_of(c, 1))

    def compute(xp, tensor, shape):
        if shape.ndim > 1:
            raise errors.InvalidArgumentError(
                None, None, f"sizes input must be 1-D, not {text(shape.shape)}"
            )
        sizes = shape.ravel().tolist()
        if -1 in sizes and 0 in sizes:
            sizes = _resolved(tensor.shape, sizes)
        # NumPy takes any negative size for the unknown one.
        if min(sizes, default=0) >= -1:
            try:
                return tensor.reshape(sizes)
            except ValueError:
                pass
        raise errors.InvalidArgumentError(None, None, _misfit(tensor, sizes))

    def gradient(op, grad):
        return _shaped_as_input(op, grad), None


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements of ``tensor``, in order, in another ``shape``.

    One size may be -1: what is left. Raises ValueError (in the run: InvalidArgumentError) where
    the number of elements is another one.
    """
    return Reshape(tensor, shape, name=name)


def _resolved(dims: tuple[int, ...], sizes: list[int]) -> list[int]:
    """``sizes`` of no elements, with what their -1 stands for: what is left, zeros left aside."""
    if sizes.count(-1) > 1:
        return sizes
    known = product(size for size in sizes if size > 0) or 1
    rest = (product(size for size in dims if size) or 1) // known
    return [rest if size == -1 else size for size in sizes]


def _misfit(tensor: Any, sizes: list[int]) -> str:
    if min(sizes, default=0) < -1:
        return f"Size {sizes.index(min(sizes))} must be non-negative, not {min(sizes)}"
    if sizes.count(-1) > 1:
        places = [i for i, size in enumerate(sizes) if size == -1]
        return f"Only one input size may be -1, not both {places[0]} and {places[1]}"
    known = product(size for size in sizes if size != -1)
    wanted = f"requires a multiple of {known}" if -1 in sizes else f"has {known}"
    return (
        f"Input to reshape is a tensor with {tensor.size} values (shape {text(tensor.shape)}), "
        f"but the requested shape {text(tuple(sizes))} {wanted}"
    )


def _reshaped(before: Dims, after: Dims) -> Dims:
    """The shape ``after``, with its one unknown size where the number of elements tells it."""
    if before is None or after is None:
        return after
    known_in, unknown_in = _counted(before)
    known_out, unknown_out = _counted(after)
    if len(unknown_in) > 1 or len(unknown_out) > 1:
        return after
    if not unknown_in and not unknown_out:
        if known_in != known_out:
            raise ValueError(
                f"Cannot reshape a tensor with {known_in} elements to shape {text(after)} "
                f"({known_out} elements)"
            )
    elif not unknown_in:
        if known_out > 0:
            return _with_size(after, unknown_out[0], _divided(known_in, known_out))
    elif not unknown_out:
        if known_in > 0:
            _divided(known_out, known_in)
    elif known_in == known_out:
        return _with_size(after, unknown_out[0], before[unknown_in[0]])
    return after


def _counted(dims: tuple[int | None, ...]) -> tuple[int, list[int]]:
    """The product of the known sizes, and which are unknown: none counts where another is zero."""
    if 0 in dims:
        return 0, []
    known = product(d for d in dims if d is not None)
    assert known is not None
    return known, [i for i, d in enumerate(dims) if d is None]


def _divided(whole: int, part: int) -> int:
    if whole % part:
        raise ValueError(f"Dimension size must be evenly divisible by {part} but is {whole}")
    return whole // part


def _with_size(dims: tuple[int | None, ...], place: int, size: int | None) -> Dims:
    return (*dims[:place], size, *dims[place + 1 :])


@op("EnsureShape", "input: T -> output: T", shape="shape", T="type")
class EnsureShape:
    def shape(c):
        return shapes.merge(c.shape(0), c["shape"])

    def compute(xp, input, *, shape):
        if not shapes.compatible(input.shape, shape):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Shape of tensor {text(input.shape)} is not compatible with expected shape "
                f"{text(shape)}.",
            )
        return input

    def gradient(op, grad):
        return grad


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """``x``, which the run checks to have ``shape``, and which is known to have it from here on.

    Raises ValueError where it is known not to.
    """
    return EnsureShape(x, shape=shape, name=name)


# --------------------------------------------------------------------------- dimensions of size one


@op(
    "ExpandDims", "input: T, dim: Tdim -> output: T", T="type", Tdim=INDEX_DEFAULT_INT32,
    static="dim",
)  # fmt: skip
class ExpandDims:
    def shape(c):
        dims, place = c.shape(0), c.value(1)
        if place is not None and place.size != 1:
            raise ValueError("'dim' input must be a tensor with a single value")
        if dims is None or place is None:
            return None
        i = _new_place(int(place.item()), len(dims))
        return (*dims[:i], 1, *dims[i:])

    def compute(xp, input, dim):
        if dim.size != 1:
            raise errors.InvalidArgumentError(
                None, None, "'dim' must be a tensor with a single value"
            )
        place = _new_place(int(dim.item()), input.ndim)
        return input.reshape((*input.shape[:place], 1, *input.shape[place:]))

    def gradient(op, grad):
        return _shaped_as_input(op, grad), None


def _new_place(place: int, rank: int) -> int:
    if not -1 - rank <= place <= rank:
        raise errors.InvalidArgumentError(
            None, None, f"dim {place} not in the interval [{-1 - rank}, {rank}]."
        )
    return place + rank + 1 if place < 0 else place


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """``input`` with a dimension of size 1 put in before ``axis``; negative counts from the end.

    ``dim`` is the old name of ``axis``. Raises ValueError where neither or both are given.
    """
    axis = renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return ExpandDims(input, axis, name=name)


@op("Squeeze", "input: T -> output: T", T="type", squeeze_dims="list(int) >= 0 = []")
class Squeeze:
    def shape(c):
        dims = c.shape(0)
        if dims is None:
            return None
        if not c["squeeze_dims"]:
            return None if None in dims else tuple(d for d in dims if d != 1)
        gone = _squeezed(dims, c["squeeze_dims"])
        return tuple(d for i, d in enumerate(dims) if i not in gone)

    def compute(xp, input, *, squeeze_dims):
        if not squeeze_dims:
            return xp.squeeze(input)
        return xp.squeeze(input, tuple(_squeezed(input.shape, squeeze_dims)))

    def gradient(op, grad):
        return _shaped_as_input(op, grad)


def _squeezed(dims: tuple[int | None, ...], places: tuple[int, ...]) -> set[int]:
    """The dimensions that go. Raises InvalidArgumentError for one that is not of size 1."""
    rank, gone = len(dims), set()
    for number, place in enumerate(places):
        if not -rank <= place < rank:
            raise errors.InvalidArgumentError(
                None, None, f"squeeze_dims[{number}] not in [{-rank},{rank})."
            )
        place %= rank
        if dims[place] not in (1, None):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Can not squeeze dim[{place}], expected a dimension of 1, got {dims[place]}",
            )
        gone.add(place)
    return gone


def squeeze(
    input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None
) -> Tensor:
    """``input`` without its dimensions of size 1, or without those in ``axis``.

    ``squeeze_dims`` is the old name of ``axis``. Raises ValueError where both are given.
    """
    axis = renamed("axis", axis, "squeeze_dims", squeeze_dims)
    if np.isscalar(axis):
        axis = [axis]
    return Squeeze(input, squeeze_dims=axis, name=name)
