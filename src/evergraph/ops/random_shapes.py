"""The shape input of random ops: as a tensor, as a static shape, as a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.errors import InvalidArgumentError
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.shape import Dims, dimension_value, with_rank
from evergraph.graph.shape_inference import ShapeContext
from evergraph.graph.tensor import Tensor


def shape_tensor(shape: Any) -> Tensor:
    """``shape`` (sizes, Dimensions and Tensors among them, or one Tensor) as an integer vector."""
    dtype = None
    if isinstance(shape, (list, tuple)):
        dtype = None if shape else dtypes.int32
        shape = tuple(dimension_value(size) for size in shape)
    return convert_to_tensor(shape, dtype, name="shape")


def drawn(c: ShapeContext) -> Dims:
    """The first input, a vector, is the output's shape."""
    with_rank(c.shape(0), 1)
    return c.value_as_shape(0)


def drawn_for_each(c: ShapeContext) -> Dims:
    """The first input is the shape of what is drawn for each element of the second."""
    sizes, parameters = drawn(c), c.shape(1)
    return None if sizes is None or parameters is None else sizes + parameters


def classes(c: ShapeContext) -> Dims:
    """Logits, [batch, classes], and a number of samples: [batch, samples]."""
    batch, _ = with_rank(c.shape(0), 2)
    with_rank(c.shape(1), 0)
    samples = c.value(1)
    return (batch, None if samples is None else int(samples))


def check_scalar(c: ShapeContext, i: int, name: str) -> None:
    """Raises ValueError where argument ``i`` is known not to be a scalar."""
    if c.shape(i):
        raise ValueError(f"{name} must be a scalar; got a tensor of shape {c.tensor(i).shape}")


def sizes_of(shape: np.ndarray[Any, Any]) -> list[int]:
    """The value of a shape input. Raises InvalidArgumentError where it is no vector."""
    if shape.ndim != 1:
        raise InvalidArgumentError(
            None, None, f"shape must be a vector of {{int32,int64}}, got shape {list(shape.shape)}"
        )
    found: list[int] = shape.tolist()
    return found


def check_scalar_value(value: Any, name: str) -> None:
    """Raises InvalidArgumentError where the value of an input is no scalar."""
    if np.ndim(value):
        raise InvalidArgumentError(
            None, None, f"{name} must be 0-D, got shape {list(np.shape(value))}"
        )
