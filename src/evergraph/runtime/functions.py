"""Calling functions of a graph's library within a session."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.functions import instantiate
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.runtime.context import Context
from evergraph.runtime.plan import Plan, make_plan
from evergraph.runtime.state import SessionState

#: Functions that call themselves would otherwise end in Python's own recursion error, without a name.
_DEEPEST = 100


class _Depth(threading.local):
    value = 0


class FunctionRunner:
    """Plans for the functions of one graph, made on first call and kept for each set of call attributes."""

    def __init__(self, library: Graph, state: SessionState) -> None:
        self._library = library
        self._state = state
        self._plans: dict[tuple[str, bytes], Plan] = {}
        self._depth = _Depth()

    def call(self, function: Any, arguments: Sequence[Any]) -> list[Any]:
        """The results of ``function`` (a NameAttrList, or a name) for flat ``arguments``."""
        name = function if isinstance(function, str) else function.name
        attrs = {} if isinstance(function, str) else dict(function.attr)
        key = (
            name,
            b"" if isinstance(function, str) else function.SerializeToString(deterministic=True),
        )
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make(name, attrs)
        if self._depth.value >= _DEEPEST:
            raise errors.ResourceExhaustedError(
                None, None, f"function '{name}' is nested more than {_DEEPEST} deep"
            )
        self._depth.value += 1
        try:
            return plan.execute(arguments)
        finally:
            self._depth.value -= 1

    def _make(self, name: str, attrs: dict[str, Any]) -> Plan:
        body = instantiate(self._library, name, attrs)

        def first_argument(op: Operation) -> Any:
            if op.declaration is not None and op.declaration.stateful:
                return Context(op, self._state, self, scope=f"{name}/")
            return np

        return make_plan(
            body.inputs, body.outputs, body.targets, first_argument, self._state.check_running
        )
