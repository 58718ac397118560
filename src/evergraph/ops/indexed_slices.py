"""IndexedSlices: a tensor of which only some rows are given, the gradient of a gather."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor, register_tensor_conversion_function
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor

#: Densifying more elements than this is worth a word: it is usually not what was meant.
_WARN_ABOVE = 100_000_000


class IndexedSlicesValue(NamedTuple):
    """The value of an IndexedSlices in a run."""

    values: Any
    indices: Any
    dense_shape: Any


class IndexedSlices:
    """Rows ``values`` at places ``indices`` of a tensor of shape ``dense_shape``; rows that are given twice add up.

    ``values``: [n, d1, ...]; ``indices``: [n], int32 or int64; ``dense_shape``: [rank], or None where it is not known.
    """

    __slots__ = ("_dense_shape", "_indices", "_values")

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Tensor:
        return self._values

    @property
    def indices(self) -> Tensor:
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the whole tensor, as far as it is known."""
        if self._dense_shape is None:
            return TensorShape(None)
        from evergraph.graph.constant_value import constant_value_as_shape

        return TensorShape(constant_value_as_shape(self._dense_shape))

    def get_shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        return self.shape

    @property
    def name(self) -> str:
        return self._values.name

    @property
    def device(self) -> str:
        return self._values.device

    @property
    def op(self) -> Operation:
        return self._values.op

    @property
    def dtype(self) -> DType:
        return self._values.dtype

    @property
    def graph(self) -> Graph:
        return self._values.graph

    def __str__(self) -> str:
        shape = f", dense_shape={self._dense_shape}" if self._dense_shape is not None else ""
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)


def convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None, *, as_ref: bool = False
) -> Tensor | IndexedSlices:
    """``value`` as it is where it is IndexedSlices, else as a Tensor."""
    if isinstance(value, IndexedSlices):
        if dtype is not None and value.dtype.base_dtype != dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                f"{value.dtype.name}: {value!s}"
            )
        return value
    return convert_to_tensor(value, dtype=dtype, name=name, as_ref=as_ref)


def convert_n(
    values: Sequence[Any], name: str | None = None, *, as_ref: bool = False
) -> list[Tensor | IndexedSlices | None]:
    """Each of ``values`` (None stays None) by ``convert_to_tensor_or_indexed_slices``, called ``name_i``."""
    return [
        None
        if value is None
        else convert_to_tensor_or_indexed_slices(
            value, name=None if name is None else f"{name}_{i}", as_ref=as_ref
        )
        for i, value in enumerate(values)
    ]


def _densify(
    value: IndexedSlices, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(
            f"Tensor conversion requested for IndexedSlices for tensor without dense_shape: {value!s}"
        )
    size = value.shape.num_elements()
    if size is not None and size >= _WARN_ABOVE:
        warnings.warn(
            f"Converting sparse IndexedSlices to a dense Tensor with {size} elements. "
            "This may consume a large amount of memory.",
            stacklevel=4,
        )
    from evergraph.ops.segments import unsorted_segment_sum

    rows = value.dense_shape[0]
    return unsorted_segment_sum(value.values, value.indices, rows, name=name)


register_tensor_conversion_function(IndexedSlices, _densify)
