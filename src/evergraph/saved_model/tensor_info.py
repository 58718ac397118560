"""TensorInfo: a tensor of a graph as a signature names it, and back."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.protos import TensorInfo
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.shape import unknown_shape
from evergraph.ops.sparse_tensor import SparseTensor


def build_tensor_info(tensor: Any) -> Any:
    """The TensorInfo of a tensor or variable: its name, type and shape; of a sparse tensor, the names of its three
    tensors.
    """
    info = TensorInfo(
        dtype=dtypes.as_dtype(tensor.dtype).as_datatype_enum,
        tensor_shape=tensor.get_shape().as_proto(),
    )
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name
    return info


def build_tensor_info_from_op(op: Any) -> Any:
    """A TensorInfo with the name of an operation, which has neither type nor shape."""
    return TensorInfo(tensor_shape=unknown_shape().as_proto(), name=op.name)


def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None
) -> Any:
    """The tensor or SparseTensor of ``graph`` (or the default one) that ``tensor_info`` names.

    Raises KeyError where the graph has no such tensor, ValueError where the message names none.
    """
    graph = graph or get_default_graph()
    encoding = tensor_info.WhichOneof("encoding")
    if encoding == "name":
        return graph.get_tensor_by_name(scoped(tensor_info.name, import_scope))
    if encoding == "coo_sparse":
        sparse = tensor_info.coo_sparse
        names = (
            sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name
        )  # fmt: skip
        with graph.as_default():
            return SparseTensor(
                *[graph.get_tensor_by_name(scoped(name, import_scope)) for name in names]
            )
    raise ValueError(
        f"Invalid TensorInfo.encoding: {encoding}. Expected `coo_sparse`, or `name` for a dense tensor."
    )


def get_element_from_tensor_info(
    tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None
) -> Any:
    """The tensor or operation that ``tensor_info`` names. Raises KeyError where the graph has none."""
    graph = graph or get_default_graph()
    return graph.as_graph_element(scoped(tensor_info.name, import_scope))


def scoped(name: str, import_scope: str | None) -> str:
    """A name as it is in a graph that was imported under ``import_scope``."""
    return f"{import_scope.rstrip('/')}/{name}" if import_scope else name
