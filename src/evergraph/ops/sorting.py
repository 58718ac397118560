"""Order: sorted sequences, and places in them."""

from __future__ import annotations

from collections.abc import Callable
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
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.largest import in_top_k, nth_element, top_k
from evergraph.ops.scattering import tensor_scatter_nd_update
from evergraph.ops.transposing import transpose
from evergraph.ops.types import INDEX_DEFAULT_INT32

__all__ = ["argsort", "in_top_k", "nth_element", "searchsorted", "sort", "top_k"]

# --------------------------------------------------------------------------------------------- sort


def sort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """``values`` in order along ``axis``, "ASCENDING" or "DESCENDING".

    Raises ValueError for another direction, or an axis that is not a constant scalar.
    """
    with name_scope(name, "sort"):
        return _ordered(values, axis, direction, 0)


def argsort(
    values: Any,
    axis: Any = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Tensor:
    """The indices that put ``values`` in order along ``axis``; equals stay in order (``stable`` or
    not).
    """
    with name_scope(name, "argsort"):
        return _ordered(values, axis, direction, 1)


def _ordered(values: Any, axis: Any, direction: str, which: int) -> Tensor:
    """Output ``which`` of top_k: the values in order, or their indices."""
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            "Argument `direction` should be one of ASCENDING, DESCENDING. Received: "
            f"direction={direction}"
        )
    axis = convert_to_tensor(axis, name="axis")
    known = constant_value(axis)
    if axis.dims not in (None, ()) or known is None:
        raise ValueError(f"Argument `axis` must be a constant scalar. Received: axis={axis}.")
    values = convert_to_tensor(values, name="values")
    if direction == "DESCENDING":
        return _sort_down(values, int(known), which)
    turn = _turning(values.dtype)
    result = _sort_down(turn(values), int(known), which)
    return result if which else turn(result)


def _turning(dtype: Any) -> Callable[[Any], Any]:
    """A function, its own inverse, that turns the order of values of ``dtype`` round."""
    if dtype.is_unsigned:
        return lambda x: dtype.max - x
    if dtype.is_integer:
        # The least integer has no negative.
        return lambda x: -x - 1
    return lambda x: -x


def _sort_down(values: Any, axis: int, which: int) -> Tensor:
    k: Any = array.shape(values)
    count = k[axis]
    rank = array.rank(values)
    known = None if values.dims is None else len(values.dims)
    swap: Any = None
    if axis not in (-1, None if known is None else known - 1):
        place: Any = axis + (known or rank) if axis < 0 else axis
        swap = _swap(place, known, rank)
    result: Tensor = top_k(values if swap is None else transpose(values, swap), count)[which]
    # Two axes change places: the same again puts them back.
    return result if swap is None else transpose(result, swap)


def _swap(axis: Any, known: int | None, rank: Any) -> Tensor:
    if known is not None:
        order = np.arange(known)
        order[[axis, known - 1]] = order[[known - 1, axis]]
        return constant(order, name="transposition")
    from evergraph.ops.sequences import range_

    return tensor_scatter_nd_update(range_(rank), [[axis], [rank - 1]], [rank - 1, axis])


# ------------------------------------------------------------------------------- places in a sequence


def _bounds_shape(c: Any) -> Dims:
    shapes.with_rank(c.shape(0), 2)
    shapes.with_rank(c.shape(1), 2)
    return c.shape(1)


def _bounds(sorted_inputs: Any, values: Any, out_type: Any, side: Any) -> Any:
    if sorted_inputs.shape[:-1] != values.shape[:-1]:
        raise errors.InvalidArgumentError(
            None,
            None,
            "Leading dim_size of both tensors must match, got "
            f"{shapes.text(sorted_inputs.shape)} and {shapes.text(values.shape)}",
        )
    rows = [np.searchsorted(a, v, side) for a, v in zip(sorted_inputs, values, strict=True)]
    return np.array(rows, out_type.as_numpy_dtype).reshape(values.shape)


@op(
    "LowerBound", "sorted_inputs: T, values: T -> output: out_type", T="type",
    out_type=INDEX_DEFAULT_INT32, host=True,
)  # fmt: skip
class LowerBound:
    shape = _bounds_shape

    def compute(xp, sorted_inputs, values, *, out_type):
        return _bounds(sorted_inputs, values, out_type, "left")


@op(
    "UpperBound", "sorted_inputs: T, values: T -> output: out_type", T="type",
    out_type=INDEX_DEFAULT_INT32, host=True,
)  # fmt: skip
class UpperBound:
    shape = _bounds_shape

    def compute(xp, sorted_inputs, values, *, out_type):
        return _bounds(sorted_inputs, values, out_type, "right")


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Where each of ``values`` belongs in the sequence of its row: before equals, or ("right") behind.

    Raises ValueError for another ``side``.
    """
    if side not in ("left", "right"):
        raise ValueError(
            f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'."
        )
    size: Any = array.shape(sorted_sequence, out_type=None)
    length = size[-1]
    values_size: Any = array.shape(values, out_type=None)
    width = values_size[-1]
    rows = array.reshape(sorted_sequence, [-1, length])
    wanted = array.reshape(values, [-1, width])
    build: Any = UpperBound if side == "right" else LowerBound
    found = build(rows, wanted, out_type=out_type, name=name)
    return array.reshape(found, array.shape(values, out_type=None))
