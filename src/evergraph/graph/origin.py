"""Where a value was made, before the ops that only hand it on."""

from __future__ import annotations

from collections.abc import Container

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor


def origin(tensor: Tensor, passing: Container[str]) -> Operation:
    """The operation that ``tensor`` comes from, before those of the types ``passing``, which hand on their first input.

    A file may hold a loop that nothing enters: where the way leads around one, some operation of it.
    """
    op = tensor.op
    seen: set[Operation] = set()
    while op.type in passing and op._inputs and op not in seen:
        seen.add(op)
        op = op._inputs[0].op
    return op
