"""Static shape inference: what each op's shape rule is asked with, and the values that shapes depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph import constant_value
from evergraph.graph.shape import Dims

if TYPE_CHECKING:
    from evergraph.graph.operation import Operation
    from evergraph.graph.tensor import Tensor


class ShapeContext:
    """What a shape rule sees of a node: ``c.shape(i)``, ``c.value(i)``, ``c.value_as_shape(i)``, ``c["attr"]``.

    ``i`` counts input *arguments*; a list argument is read with ``c.tensors(i)`` and ``c.shapes(i)``.
    """

    __slots__ = ("_op", "_starts")

    def __init__(self, op: Operation) -> None:
        self._op = op
        self._starts: list[int] | None = None
        declaration = op.declaration
        if declaration is not None and declaration.has_list_inputs:
            starts = [0]
            for arg in declaration.inputs:
                starts.append(starts[-1] + arg.count(op.attrs))
            self._starts = starts

    @property
    def op(self) -> Operation:
        return self._op

    def __getitem__(self, attr: str) -> Any:
        return self._op.attrs[attr]

    def tensor(self, i: int) -> Tensor:
        """The tensor of argument ``i`` (the first of a list)."""
        return self._op._inputs[i if self._starts is None else self._starts[i]]

    def tensors(self, i: int) -> list[Tensor]:
        """The tensors of list argument ``i``."""
        if self._starts is None:
            return [self._op._inputs[i]]
        return self._op._inputs[self._starts[i] : self._starts[i + 1]]

    def shape(self, i: int) -> Dims:
        """The static shape of argument ``i``."""
        return self.tensor(i)._dims

    def shapes(self, i: int) -> list[Dims]:
        """The static shapes of the tensors of list argument ``i``."""
        return [tensor._dims for tensor in self.tensors(i)]

    def dtype(self, i: int) -> DType:
        """The type of argument ``i``."""
        return self.tensor(i).dtype

    def value(self, i: int) -> np.ndarray[Any, Any] | None:
        """The value of argument ``i`` where it is known already, else None."""
        return constant_value.constant_value(self.tensor(i))

    def value_as_shape(self, i: int) -> Dims:
        """The shape that argument ``i``, a vector of sizes, stands for, as far as it is known."""
        return constant_value.constant_value_as_shape(self.tensor(i))

    @property
    def output_count(self) -> int:
        return len(self._op.outputs)


def infer(op: Operation) -> None:
    """Gives the outputs of ``op`` their static shapes.

    Raises ValueError, with the node's name and the shapes it was given, where its rule finds them impossible.
    """
    declaration = op.declaration
    if declaration is None:
        _from_output_shapes(op)
        return
    if declaration.shape is None:
        return
    try:
        result = declaration.shape(ShapeContext(op))
    except (ValueError, errors.OpError) as error:
        message = error.message if isinstance(error, errors.OpError) else str(error)
        shapes = ", ".join(str(tensor.shape) for tensor in op.inputs)
        raise ValueError(
            f"{message} for '{op.name}' (op: '{op.type}') with input shapes: {shapes}."
        ) from None
    # An op without outputs has a rule to refuse what does not fit.
    if op.outputs:
        assign(op.outputs, result if isinstance(result, list) else [result])


def assign(outputs: Sequence[Tensor], shapes: Sequence[Dims]) -> None:
    """Sets the shapes of ``outputs``; there must be one for each."""
    for tensor, dims in zip(outputs, shapes, strict=True):
        tensor._dims = dims


def _from_output_shapes(op: Operation) -> None:
    # A node that nobody has declared may have been exported with its shapes.
    from evergraph.graph.attributes import decode

    recorded = op.attrs.get("_output_shapes")
    shapes = decode(recorded) if hasattr(recorded, "WhichOneof") else recorded
    for tensor, dims in zip(op.outputs, shapes or (), strict=False):
        tensor._dims = dims
