"""The gradient of what nobody uses: zeros, for the handle of a variable those of the variable."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.handles import handle_source


def zeros_dtype(tensor: Tensor) -> DType:
    """The type of the gradient of ``tensor``: its own, for a handle that of its variable."""
    if tensor.dtype != dtypes.resource:
        return tensor.dtype.base_dtype
    source: Any = handle_source(tensor)
    return dtypes.float32 if source is None else source.attrs["dtype"]


def zeros_of_variable(handle: Tensor) -> Tensor:
    """Zeros in the shape and type of the variable whose handle is given."""
    from evergraph.ops.resources import variable_shape

    return array.zeros(variable_shape(handle), dtype=zeros_dtype(handle))
