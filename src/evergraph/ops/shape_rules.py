"""Shape rules that many ops share: ``shape = unchanged`` in a declaration."""

from __future__ import annotations

from evergraph.graph import shape
from evergraph.graph.shape import Dims
from evergraph.graph.shape_inference import ShapeContext


def unchanged(c: ShapeContext) -> Dims:
    """The output has the shape of the first input."""
    return c.shape(0)


def broadcast(c: ShapeContext) -> Dims:
    """The output has the shape that both inputs broadcast to."""
    return shape.broadcast(c.shape(0), c.shape(1))


def scalar(c: ShapeContext) -> Dims:
    """The output is a single value."""
    return ()


def scalars(c: ShapeContext) -> list[Dims]:
    """Every output is a single value."""
    return [()] * c.output_count


def unknown(c: ShapeContext) -> list[Dims]:
    """Nothing is known of any output."""
    return [None] * c.output_count


def merged(c: ShapeContext) -> Dims:
    """All inputs and the output have one shape."""
    dims: Dims = None
    for tensor in c.op.inputs:
        dims = shape.merge(dims, tensor.dims)
    return dims


def from_attr(c: ShapeContext) -> Dims:
    """The attribute ``shape`` is the output's shape."""
    dims: Dims = c["shape"]
    return dims
