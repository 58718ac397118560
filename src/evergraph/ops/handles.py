"""What is known of the variable behind a resource handle while the graph is built: its shape and
its type.

The handle itself is a scalar of type ``resource``; TensorFlow carries the variable's shape and type
along with it.
"""

from __future__ import annotations

from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph.operation import Operation
from evergraph.graph.origin import origin
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor

#: Ops whose output is the handle that they are given.
_PASSING = frozenset(
    ("Identity", "Enter", "Switch", "Merge", "NextIteration", "Exit", "StopGradient")
)


def handle_origin(handle: Tensor) -> Operation:
    """The operation that ``handle`` comes from, before those that only hand it on."""
    return origin(handle, _PASSING)


def handle_source(handle: Tensor) -> Operation | None:
    """The VarHandleOp that ``handle`` comes from, or None where that is not known."""
    op = handle_origin(handle)
    return op if op.type == "VarHandleOp" else None


def handle_shape(handle: Tensor) -> Dims:
    """The shape of the variable, as far as it is known."""
    source = handle_source(handle)
    return None if source is None else source.attrs["shape"]


def check_handle_type(handle: Tensor, dtype: DType, what: str) -> None:
    """Raises ValueError where the variable is known to have another type than ``dtype``."""
    source: Any = handle_source(handle)
    if source is not None and source.attrs["dtype"] != dtype:
        raise ValueError(
            f"Trying to {what} variable with wrong dtype. "
            f"Expected {source.attrs['dtype'].name} got {dtype.name}"
        )
