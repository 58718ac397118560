"""One-hot vectors."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor


@op(
    "OneHot", "indices: TI, depth: int32, on_value: T, off_value: T -> output: T", axis=-1,
    T="type", TI="{uint8, int8, int32, int64} = DT_INT64", static="depth",
)  # fmt: skip
class OneHot:
    def shape(c):
        dims, axis = c.shape(0), c["axis"]
        if axis < -1:
            raise ValueError("axis must be >= -1")
        shapes.with_rank(c.shape(1), 0)
        known = c.value(1)
        depth = None if known is None else int(known)
        if depth is not None and depth < 0:
            raise ValueError(
                f"Dimension size, given by scalar input 1, must be non-negative but is {depth}"
            )
        if dims is None:
            return None
        place = axis % (len(dims) + 1)
        return (*dims[:place], depth, *dims[place:])

    def compute(xp, indices, depth, on_value, off_value, *, axis):
        rank = indices.ndim
        if not -1 <= axis <= rank:
            raise errors.InvalidArgumentError(
                None, None, f"Expected axis to be -1 or between [0, {rank}].  But received: {axis}"
            )
        for name, given in (("depth", depth), ("on_value", on_value), ("off_value", off_value)):
            if given.ndim:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"{name} must be a scalar, but got: {shapes.text(given.shape)}",
                )
        if depth < 0:
            raise errors.InvalidArgumentError(
                None, None, f"depth must be non-negative, got: {int(depth)}"
            )
        axis %= rank + 1
        places = xp.arange(int(depth)).reshape((-1,) + (1,) * (rank - axis))
        return xp.where(xp.expand_dims(indices, axis) == places, on_value, off_value)

    gradient = None


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """For each of ``indices`` a vector of ``depth`` elements: that one is ``on_value`` (1).

    All others are ``off_value`` (0), also for an index out of range. The new dimension is
    ``axis`` (the last). Raises TypeError where the values are not of one type, or not of ``dtype``.
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        given = []
        for what, value in (("on_value", on_value), ("off_value", off_value)):
            if value is None:
                continue
            tensor = convert_to_tensor(value, dtype_hint=wanted)
            given.append((what, tensor))
        for what, tensor in given:
            kind = tensor.dtype.base_dtype
            if wanted is not None and dtype is not None and kind != wanted:
                raise TypeError(
                    f"dtype {kind.name} of {what} does not match dtype parameter {wanted.name}"
                )
        if wanted is None:
            wanted = given[0][1].dtype.base_dtype if given else dtypes.float32
        values = dict(given)
        on = values.get("on_value")
        if on is None:
            on = convert_to_tensor(1, wanted, name="on_value")
        off = values.get("off_value")
        if off is None:
            off = convert_to_tensor(0, wanted, name="off_value")
        if on.dtype.base_dtype != off.dtype.base_dtype:
            raise TypeError(
                f"dtype {on.dtype.name} of on_value does not match dtype {off.dtype.name} "
                "of off_value"
            )
        return OneHot(indices, depth, on, off, axis=axis, name=scope)
