"""Calling an op's ``compute``: how flat tensors become arguments and results become flat tensors again.

Also the interface that stateful ops see of a run, KernelContext; the runtime provides it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from evergraph import errors

if TYPE_CHECKING:
    from evergraph.graph.operation import Operation

State = TypeVar("State")


class KernelContext(Protocol):
    """What a stateful ``compute(ctx, ...)`` may ask of the session that runs it."""

    @property
    def op(self) -> Operation:
        """The node that is being computed."""
        ...

    def state(self, make: Callable[[], State]) -> State:
        """This node's own state in this session, made on first use (random streams, counters)."""
        ...

    def resource(self, kind: type[State], make: Callable[[], State]) -> State:
        """The session's object that this node names by ``container`` and ``shared_name`` (or else its own name)."""
        ...

    def find_resource(self, container: str, name: str) -> Any:
        """The session's object of that name, or None."""
        ...

    def delete_resource(self, resource: Any) -> None:
        """Forgets an object that ``resource`` has made."""
        ...

    def call(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """Runs a function of the graph's library (a NameAttrList, or a name) on flat values."""
        ...

    def call_gradient(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """The gradients of a function's inputs, for its inputs and the gradients of its results, all flat."""
        ...

    def wait(self, condition: Any, ready: Callable[[], bool]) -> None:
        """Waits on a ``threading.Condition`` (held by the caller) until ``ready()``.

        Raises CancelledError when the session closes, DeadlineExceededError when the run's time is over.
        """
        ...

    def require(self, capability: str) -> None:
        """Raises PermissionDeniedError unless the session's graph may do this (``"files"``, ``"python"``)."""
        ...


def arguments_of(op: Operation) -> list[slice | int]:
    """Where each argument lies in the flat inputs: an index, or a slice for a list argument."""
    places: list[slice | int] = []
    position = 0
    assert op.declaration is not None
    for arg in op.declaration.inputs:
        if arg.is_list:
            count = arg.count(op.attrs)
            places.append(slice(position, position + count))
            position += count
        else:
            places.append(position)
            position += 1
    return places


def bind(op: Operation, first: Any) -> Callable[..., Any]:
    """``compute`` of ``op`` as a function of the flat input values; ``first`` is the array namespace or the context."""
    declaration = op.declaration
    if declaration is None or declaration.compute is None:
        raise errors.UnimplementedError(
            op.node_def,
            op,
            f"evergraph has no computation for op type '{op.type}' (node '{op.name}')",
        )
    compute = declaration.compute
    if isinstance(compute, np.ufunc):
        return compute if first is np else getattr(first, compute.__name__)
    bound = {name: op.attrs[name] for name in declaration.compute_attrs}
    if not declaration.has_list_inputs:
        return functools.partial(compute, first, **bound)
    places = arguments_of(op)

    def call_grouped(*flat: Any) -> Any:
        return compute(first, *[flat[place] for place in places], **bound)

    return call_grouped


def flatten(op: Operation, result: Any) -> Sequence[Any]:
    """The result of ``compute`` as one value for each output tensor."""
    outputs = op.declaration.outputs if op.declaration is not None else ()
    if not outputs:
        return ()
    if len(outputs) == 1:
        return result if outputs[0].is_list else (result,)
    flat: list[Any] = []
    for arg, value in zip(outputs, result, strict=True):
        flat.extend(value) if arg.is_list else flat.append(value)
    return flat


def call(first: Any, op: Operation, values: Sequence[Any]) -> Sequence[Any]:
    """The outputs of ``op`` for flat input ``values``."""
    return flatten(op, bind(op, first)(*values))
