"""Calling functions of a graph's library within a session, and their gradients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evergraph import errors
from evergraph.graph.functions import FunctionBody, instantiate
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.runtime.context import bound_kernel
from evergraph.runtime.plan import Plan, make_plan
from evergraph.runtime.state import SessionState

#: Functions that call themselves would otherwise end in Python's own recursion error, without a name.
_DEEPEST = 50


class _Depth(threading.local):
    value = 0


class FunctionRunner:
    """Plans for the functions of one graph, made on first call and kept for each set of call attributes."""

    def __init__(self, library: Graph, state: SessionState) -> None:
        self._library = library
        self._state = state
        self._plans: dict[tuple[str, str, bytes], Plan] = {}
        #: By the identity of the message that names the function, which nodes keep; with it, so that it stays.
        self._by_message: dict[int, tuple[Any, Plan]] = {}
        self._depth = _Depth()

    def call(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """The results of ``function`` (a NameAttrList, or a name) for flat ``arguments``.

        Raises NotFoundError where there is no such function, InvalidArgumentError for another number of arguments,
        ResourceExhaustedError where calls are nested too deeply.
        """
        known = self._by_message.get(id(function))
        if known is None:
            plan = self._plan(function, "call", self._make_call)
            known = self._by_message[id(function)] = (function, plan)
        return self._run(_name(function), known[1], arguments)

    def call_gradient(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs of ``function``, for its inputs and the gradients of its results.

        A gradient function that the library names for it is called; without one, the body is differentiated.
        """
        plan = self._plan(function, "gradient", self._make_gradient)
        return self._run(_name(function), plan, arguments)

    def _plan(
        self, function: Any, kind: str, make: Callable[[str, Mapping[str, Any]], Plan]
    ) -> Plan:
        name = _name(function)
        attrs = {} if isinstance(function, str) else dict(function.attr)
        text = b"" if isinstance(function, str) else function.SerializeToString(deterministic=True)
        key = (kind, name, text)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make(name, attrs)
        return plan

    def _run(self, name: str, plan: Plan, arguments: Sequence[Any]) -> list[Any]:
        depth = self._depth
        if depth.value >= _DEEPEST:
            raise errors.ResourceExhaustedError(
                None, None, f"function '{name}' is nested more than {_DEEPEST} deep"
            )
        self._state.check_running()
        depth.value += 1
        try:
            return plan.execute(arguments)
        finally:
            depth.value -= 1

    def _make_call(self, name: str, attrs: Mapping[str, Any]) -> Plan:
        return self._make_plan(name, instantiate(self._library, name, attrs))

    def _make_gradient(self, name: str, attrs: Mapping[str, Any]) -> Plan:
        gradient = self._library.function_gradients.get(name)
        if gradient is not None:
            return self._make_call(gradient, attrs)
        from evergraph.ops.array import placeholder, zeros_like
        from evergraph.ops.gradients import gradients

        body = instantiate(self._library, name, attrs)
        with body.graph.as_default():
            given = [placeholder(t.dtype.base_dtype, t.dims) for t in body.outputs]
            found = gradients(body.outputs, body.inputs, given)
            outputs = [
                zeros_like(x) if grad is None else grad
                for x, grad in zip(body.inputs, found, strict=True)
            ]
        return self._make_plan(
            f"gradient of {name}",
            FunctionBody(body.graph, [*body.inputs, *given], outputs, body.targets),
        )

    def _make_plan(self, name: str, body: FunctionBody) -> Plan:
        def bind(op: Operation) -> Callable[..., Any]:
            return bound_kernel(op, self._state, self, scope=f"{name}/")

        plan = make_plan(body.inputs, body.outputs, body.targets, bind, self._state.check_running)
        return _Checked(name, len(body.inputs), plan)


class _Checked:
    """The plan of a function, which takes so many arguments."""

    def __init__(self, name: str, count: int, plan: Plan) -> None:
        self._name = name
        self._count = count
        self._plan = plan

    def execute(self, fed_values: Sequence[Any]) -> list[Any]:
        """The results of the function. Raises InvalidArgumentError for another number of arguments."""
        if len(fed_values) != self._count:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"function '{self._name}' takes {self._count} arguments, got {len(fed_values)}",
            )
        return self._plan.execute(fed_values)


def _name(function: Any) -> str:
    return function if isinstance(function, str) else function.name
