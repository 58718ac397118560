"""Constants, and how Python and NumPy values become tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.tensor_proto import make_ndarray, make_tensor_proto
from evergraph.graph.conversion import register_tensor_conversion_function
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import op
from evergraph.graph.shape import Dimension, TensorShape, as_dims
from evergraph.graph.tensor import Tensor


@op("Const", "-> output: dtype", value="tensor", dtype="type")
class Const:
    def shape(c):
        return as_dims(c["value"].tensor_shape)

    def compute(xp, *, value, dtype):
        if value.dtype != dtype.as_datatype_enum:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Type mismatch between value ({dtypes.as_dtype(value.dtype).name}) and dtype ({dtype.name})",
            )
        return make_ndarray(value)

    gradient = None


def constant(
    value: Any,
    dtype: Any = None,
    shape: Any = None,
    name: str = "Const",
    verify_shape: bool = False,
) -> Tensor:
    """A tensor that always has this ``value``.

    ``shape`` repeats the last element to fill it (unless ``verify_shape``, which makes another shape an error).
    Raises TypeError or ValueError where ``value`` does not fit.
    """
    proto = make_tensor_proto(value, dtype=dtype, shape=shape, verify_shape=verify_shape)
    graph = get_default_graph()
    kind = dtypes.as_dtype(proto.dtype)
    declaration: Any = Const
    node = graph.add_operation(
        declaration, "Const", _node_name(graph, name), (), {"value": proto, "dtype": kind}, (kind,)
    )
    return node.outputs[0]


def _node_name(graph: Any, name: str | None) -> str:
    name = name or "Const"
    return name[:-1] if name.endswith("/") else graph.unique_name(name)


def is_constant(tensor_or_op: Any) -> bool:
    """True for a Const node or its output."""
    return getattr(tensor_or_op, "op", tensor_or_op).type == "Const"


def _convert_value(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    return constant(value, dtype=dtype, name=name or "Const")


def _convert_shape(
    value: TensorShape, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
    sizes = value.as_list()
    if dtype is None:
        dtype = (
            dtypes.int64
            if any(size > np.iinfo(np.int32).max for size in sizes if size)
            else dtypes.int32
        )
    elif dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype {dtypes.as_dtype(dtype).name}.")
    return constant(sizes, dtype=dtype, name=name or "shape_as_tensor")


def _convert_dimension(
    value: Dimension, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if value.value is None:
        raise ValueError("Cannot convert an unknown Dimension to a Tensor: ?")
    return constant(value.value, dtype=dtype or dtypes.int32, name=name or "shape_as_tensor")


register_tensor_conversion_function(TensorShape, _convert_shape, 100)
register_tensor_conversion_function(Dimension, _convert_dimension, 100)
register_tensor_conversion_function(object, _convert_value, 200)
