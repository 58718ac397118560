"""The context that stateful kernels see: one for each (plan, node)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from evergraph import errors
from evergraph.graph import kernel
from evergraph.graph.operation import Operation
from evergraph.runtime.limits import guarded
from evergraph.runtime.state import SessionState

if TYPE_CHECKING:
    from evergraph.runtime.functions import FunctionRunner

State = TypeVar("State")


def bound_kernel(
    op: Operation, session: SessionState, functions: FunctionRunner, scope: str = ""
) -> Callable[..., Any]:
    """What computes ``op`` in a session, as a function of the values of its inputs."""
    first: Any = np
    if op.declaration is not None and op.declaration.needs_context:
        first = Context(op, session, functions, scope)
    function = kernel.bind(op, first)
    return guarded(op, function, session.limits) if session.is_bounded else function


class Context:
    """Implements evergraph.graph.kernel.KernelContext for one node in one session."""

    __slots__ = ("_functions", "_scope", "_session", "_state", "op")

    def __init__(
        self, op: Operation, session: SessionState, functions: FunctionRunner, scope: str = ""
    ) -> None:
        self.op = op
        self._session = session
        self._functions = functions
        #: In a function's body: its name, so that its nodes' states are apart from those of the graph's nodes.
        self._scope = scope
        self._state: Any = None

    def state(self, make: Callable[[], State]) -> State:
        """This node's own state in this session, made on first use."""
        if self._state is None:
            self._state = self._session.node_state(self._scope + self.op.name, make)
        found: State = self._state
        return found

    def resource(self, kind: type[State], make: Callable[[], State]) -> State:
        """The session's object that this node names, made on first use."""
        attrs = self.op.attrs
        name = attrs.get("shared_name") or self.op.name
        return self._session.resource(attrs.get("container", ""), name, kind, make)

    def find_resource(self, container: str, name: str) -> Any:
        """The session's object ``name`` in ``container``, or None."""
        return self._session.find_resource(container, name)

    def delete_resource(self, resource: Any) -> None:
        """Forgets ``resource``."""
        self._session.delete_resource(resource)

    def call(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """Runs a function of the graph's library on flat values."""
        return self._functions.call(function, arguments)

    def call_gradient(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs of a function, for its inputs and the gradients of its results."""
        return self._functions.call_gradient(function, arguments)

    def wait(self, condition: threading.Condition, ready: Callable[[], bool]) -> None:
        """Waits on ``condition`` until ``ready()``; stops when the session closes or the run's time is over."""
        self._session.wait(condition, ready)

    def require(self, capability: str) -> None:
        """Raises PermissionDeniedError unless the session's graph may do this."""
        allowed = self._session.capabilities
        if allowed is not None and capability not in allowed:
            raise errors.PermissionDeniedError(
                self.op.node_def,
                self.op,
                f"node '{self.op.name}' ({self.op.type}) needs the capability '{capability}', which this graph was "
                f"not given; pass allow={{{capability!r}}} where you load it if you trust its source",
            )
