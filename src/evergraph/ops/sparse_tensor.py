"""SparseTensor: three tensors that stand for one, of which only some elements are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph import nest
from evergraph.graph import shape as shapes
from evergraph.graph.constant_value import constant_value_as_shape
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape
from evergraph.graph.tensor import Tensor


class SparseTensorValue(NamedTuple):
    """The value of a SparseTensor in a run."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """The elements ``values`` at the places ``indices`` of a tensor of shape ``dense_shape``, zero elsewhere.

    ``indices``: [n, rank], int64; ``values``: [n], any type; ``dense_shape``: [rank], int64.

    Raises ValueError where the three do not belong together.
    """

    __slots__ = ("_dense_shape", "_indices", "_shape", "_values")

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self._indices: Tensor = convert_to_tensor(indices, name="indices", dtype=dtypes.int64)
            self._values: Tensor = convert_to_tensor(values, name="values")
            self._dense_shape: Tensor = convert_to_tensor(
                dense_shape, name="dense_shape", dtype=dtypes.int64
            )
        self._shape = TensorShape(constant_value_as_shape(self._dense_shape))
        rows, columns = shapes.with_rank(self._indices.dims, 2)
        shapes.merge((rows,), shapes.with_rank(self._values.dims, 1))
        shapes.merge((columns,), shapes.with_rank(self._dense_shape.dims, 1))

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A constant SparseTensor of a SparseTensorValue; a SparseTensor as it is. TypeError for anything else."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(
                f"Argument sparse_tensor_value={sparse_tensor_value} is neither a SparseTensor nor SparseTensorValue."
            )
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        return self._indices

    @property
    def values(self) -> Tensor:
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the whole tensor, as far as it is known."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        return self._shape

    @property
    def dtype(self) -> DType:
        return self._values.dtype

    @property
    def op(self) -> Operation:
        return self._values.op

    @property
    def graph(self) -> Graph:
        return self._indices.graph

    def with_values(self, new_values: Any) -> SparseTensor:
        """A SparseTensor with other elements at the same places."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value in the default session (or ``session``), a SparseTensorValue."""
        parts = [self._indices, self._values, self._dense_shape]
        return SparseTensorValue(*[part.eval(feed_dict, session) for part in parts])

    def __str__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices}, values={self._values}, "
            f"dense_shape={self._dense_shape})"
        )


def _parts(value: SparseTensor) -> Sequence[Any]:
    return [value.indices, value.values, value.dense_shape]


def _rebuild(like: SparseTensor, parts: Sequence[Any]) -> SparseTensor:
    return SparseTensor(*parts)


def _invariant(shape: Any) -> Sequence[Any]:
    rank = TensorShape(shape).ndims
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]


nest.register_composite(SparseTensor, _parts, _rebuild, _invariant)
