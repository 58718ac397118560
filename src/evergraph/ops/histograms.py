"""How often values occur: per whole number, per interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor

_TYPES = "{int32, int64, float, double}"


def _bins(c: Any, i: int) -> Any:
    shapes.with_rank(c.shape(i), 0)
    size = c.value(i)
    if size is not None and size < 0:
        raise ValueError(f"size ({size}) must be non-negative")
    return (None if size is None else int(size),)


@op(
    "Bincount", "arr: int32, size: int32, weights: T -> bins: T", T=_TYPES, static="size", host=True
)
class Bincount:
    def shape(c):
        return _bins(c, 1)

    def compute(xp, arr, size, weights):
        arr, weights = np.ravel(arr), np.ravel(weights)
        if size < 0:
            raise errors.InvalidArgumentError(None, None, f"size ({size}) must be non-negative")
        if arr.size and arr.min() < 0:
            raise errors.InvalidArgumentError(None, None, "Input arr must be non-negative!")
        if weights.size not in (0, arr.size):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"`weights` must be the same shape as `arr` or a length-0 `Tensor`, got {weights.size} "
                f"weights for {arr.size} values",
            )
        bins = np.zeros(int(size), weights.dtype)
        inside = arr < size
        np.add.at(bins, arr[inside], weights[inside] if weights.size else 1)
        return bins


@op(
    "HistogramFixedWidth",
    "values: T, value_range: T, nbins: int32 -> out: dtype",
    T=_TYPES,
    dtype="{int32, int64} = DT_INT32",
    static="nbins",
    host=True,
)
class HistogramFixedWidth:
    def shape(c):
        return _bins(c, 2)

    def compute(xp, values, value_range, nbins, *, dtype):
        low, high = value_range
        if not low < high:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"value_range should satisfy value_range[0] < value_range[1], but got {value_range}",
            )
        if nbins <= 0:
            raise errors.InvalidArgumentError(
                None, None, f"nbins should be a positive number, but got {nbins}"
            )
        step = (high.astype(np.float64) - low.astype(np.float64)) / nbins
        places = np.floor((np.ravel(values).astype(np.float64) - low) / step)
        # What lies outside counts in the outermost intervals.
        places = np.clip(places, 0, nbins - 1).astype(np.int64)
        return np.bincount(places, minlength=int(nbins)).astype(dtype.as_numpy_dtype)

    gradient = None


def histogram_fixed_width(
    values: Any,
    value_range: Any,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How many ``values`` lie in each of ``nbins`` equal intervals of ``value_range``; the outer ones are open."""
    from evergraph.graph.scopes import name_scope

    with name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as scope:
        return HistogramFixedWidth(values, value_range, nbins, dtype=dtype, name=scope)
