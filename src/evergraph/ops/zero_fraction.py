"""How much of a tensor is zero."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.casts import cast
from evergraph.ops.comparison import not_equal
from evergraph.ops.cond import cond
from evergraph.ops.reductions import reduce_sum


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of zeros in ``value``; NaN where it is empty."""
    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value, name="value")
        size: Any = array.size(value, out_type=dtypes.int64)
        nonzero = cond(
            size <= dtypes.int32.max,
            lambda: cast(_count_nonzero(value, dtypes.int32), dtypes.int64),
            lambda: _count_nonzero(value, dtypes.int64),
        )
        with name_scope("counts_to_fraction"):
            zeros = cast(size - nonzero, dtypes.float32)
            share = zeros / cast(size, dtypes.float32)
        return array.identity(share, "fraction")


def _count_nonzero(value: Tensor, kind: DType) -> Tensor:
    with name_scope("count_nonzero"):
        zero = array.zeros([], value.dtype.base_dtype)
        return reduce_sum(cast(not_equal(value, zero), kind), name="nonzero_count")
