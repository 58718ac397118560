"""Tensors as parts of a larger one: stack and unstack, and lists that hold tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor, register_tensor_conversion_function
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import passing
from evergraph.ops.constant import constant


def _axis_of(c: Any, rank: int) -> int:
    axis: int = c["axis"]
    if not -rank <= axis < rank:
        raise ValueError(f"Invalid axis: {axis}; must be in [{-rank},{rank})")
    return axis + rank if axis < 0 else axis


@op("Pack", "values: N * T -> output: T", N="int >= 1", T="type", axis=0)
class Pack:
    def shape(c):
        dims: Dims = None
        for i, given in enumerate(c.shapes(0)):
            try:
                dims = shapes.merge(dims, given)
            except ValueError as error:
                raise ValueError(f"{error}\n\tFrom merging shape {i} with other shapes.") from None
        if dims is None:
            return None
        axis = _axis_of(c, len(dims) + 1)
        return (*dims[:axis], len(c.shapes(0)), *dims[axis:])

    def compute(xp, values, *, axis):
        first = values[0].shape
        for i, value in enumerate(values):
            if value.shape != first:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Shapes of all inputs must match: values[0].shape = {shapes.text(first)} "
                    f"!= values[{i}].shape = {shapes.text(value.shape)}",
                )
        axis = shapes.check_axis(axis, len(first) + 1)
        if xp is np and not first and values[0].dtype.kind in "biuf":
            return np.array(values)  # Numbers, as in a shape: a fifth of the time of stack.
        return xp.stack(values, axis)

    def gradient(op, grad):
        return unstack(grad, op.attrs["N"], op.attrs["axis"])


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape as one tensor with a new dimension ``axis``.

    Values that are all constants give a constant. Raises ValueError where shapes differ, or
    ``axis`` is out of range.
    """
    if axis == 0:
        try:
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError, NotImplementedError):
            pass  # There is something in it that Pack converts better.
    dims = convert_to_tensor(values[0], name=name).dims
    if dims is not None and not -len(dims) - 1 <= axis < len(dims) + 1:
        raise ValueError(
            f"Argument `axis` = {axis} not in range [{-len(dims) - 1}, {len(dims) + 1})"
        )
    return Pack(values, axis=axis, name=name)


def pack(values: Any, axis: int = 0, name: str = "pack") -> Tensor:
    """The name that ``stack`` had before TensorFlow 1.0."""
    return stack(values, axis, name)


@op("Unpack", "value: T -> output: num * T", num="int >= 0", T="type", axis=0)
class Unpack:
    def shape(c):
        dims, count = c.shape(0), c["num"]
        if dims is None:
            return [None] * count
        axis = _axis_of(c, len(dims))
        if dims[axis] not in (None, count):
            raise ValueError(f"Dimension must be {count} but is {dims[axis]}")
        return [(*dims[:axis], *dims[axis + 1 :])] * count

    def compute(xp, value, *, num, axis):
        axis = shapes.check_axis(axis, value.ndim)
        if value.shape[axis] != num:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Input shape axis {axis} must equal {num}, got shape {shapes.text(value.shape)}",
            )
        lead = (slice(None),) * axis
        # The ellipsis keeps a single element an array.
        places = [(*lead, i, ...) for i in range(num)]
        return tuple(passing.detached(xp, value[place]) for place in places)

    def gradient(op, *grads):
        return stack(list(grads), op.attrs["axis"])


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The parts of ``value`` along ``axis``, without that dimension.

    ``num`` says how many where the static shape does not. Raises ValueError where it is not known,
    or ``axis`` is out of range.
    """
    if num is None:
        value = convert_to_tensor(value)
        dims = value.dims
        if dims is not None:
            if not -len(dims) <= axis < len(dims):
                raise ValueError(
                    f"Argument `axis` = {axis} not in range [{-len(dims)}, {len(dims)})"
                )
            num = dims[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {value.shape}")
    return Unpack(value, num=num, axis=axis, name=name)


def unpack(value: Any, num: int | None = None, axis: int = 0, name: str = "unpack") -> list[Tensor]:
    """The name that ``unstack`` had before TensorFlow 1.0."""
    return unstack(value, num, axis, name)


# ------------------------------------------------------------------------- lists that hold tensors


def _type_inside(value: Any) -> DType | None:
    """The type of the first tensor (or variable) in nested lists, if there is one."""
    if isinstance(value, (list, tuple)):
        return next((found for found in map(_type_inside, value) if found is not None), None)
    return value.dtype.base_dtype if is_tensor_like(value) else None


def is_tensor_like(value: Any) -> bool:
    """True for a Tensor and for a variable, which stands for one."""
    return isinstance(value, Tensor) or (
        hasattr(value, "_as_graph_element") and isinstance(getattr(value, "dtype", None), DType)
    )


def _cast_inside(value: Any, dtype: DType) -> Any:
    from evergraph.ops.casts import cast

    if isinstance(value, (list, tuple)):
        return [_cast_inside(item, dtype) for item in value]
    if is_tensor_like(value) and value.dtype.base_dtype != dtype:
        return cast(value, dtype)
    return value


def _pack_list(values: Any, dtype: DType, name: str) -> Any:
    """``values`` as one tensor; as they are where there is no tensor in them."""
    with name_scope(name) as scope:
        parts = []
        for i, value in enumerate(values):
            if is_tensor_like(value) and value.dtype.base_dtype != dtype:
                raise TypeError(
                    f"Cannot convert a list containing a tensor of dtype {value.dtype.name} to "
                    f"{dtype.name} (Tensor is: {value!r})"
                )
            nested = isinstance(value, (list, tuple))
            parts.append(_pack_list(value, dtype, str(i)) if nested else value)
        if not any(is_tensor_like(part) for part in parts):
            return parts
        parts = [
            part if is_tensor_like(part) else constant(part, dtype=dtype, name=str(i))
            for i, part in enumerate(parts)
        ]
        return Pack(parts, name=scope)


def _convert_list(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    inside = None if as_ref else _type_inside(value)
    if inside is None:
        return NotImplemented
    if dtype is not None and dtype != inside:
        value = _cast_inside(value, dtype)
    return _pack_list(value, dtype or inside, name or "packed")


register_tensor_conversion_function((list, tuple), _convert_list, 99)
