"""Runs in parts: feed something, fetch something, feed more with what came out; no operation runs twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime import feeds as feeding
from evergraph.runtime.fetches import FetchPlan, detach
from evergraph.runtime.plan import make_plan
from evergraph.runtime.prune import needed

if TYPE_CHECKING:
    from evergraph.runtime.session import BaseSession


class PartialRun:
    """The state between the calls of ``partial_run``: the values of everything that has been computed or fed."""

    def __init__(self, session: BaseSession, fetches: Any, feeds: Sequence[Any]) -> None:
        self._session = session
        graph = session.graph
        setup = FetchPlan(graph, fetches)
        self._fetchable = set(setup.tensors)
        self._targets = set(setup.targets)
        self._feedable = {feeding.expand(graph, {key: None})[0][0] for key in feeds}
        self._known: dict[Tensor, Any] = {}
        self._fed: set[Tensor] = set()
        self._ran: set[Operation] = set()

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any]) -> Any:
        """The values of ``fetches``. Raises ValueError for what was not announced, or is fed or fetched twice."""
        fetch = FetchPlan(self._session.graph, fetches)
        wanted_items: list[Any] = [*fetch.tensors, *fetch.targets]
        for item in wanted_items:
            if item not in self._fetchable and item not in self._targets:
                raise ValueError(
                    f"{item.name} was not given to partial_run_setup, or has been fetched already"
                )
        for tensor, value in feeding.expand(self._session.graph, feed_dict):
            if tensor not in self._feedable or tensor in self._fed:
                raise ValueError(
                    f"{tensor.name} was not given to partial_run_setup, or has been fed already"
                )
            self._fed.add(tensor)
            self._known[tensor] = feeding.to_array(tensor, value)
        missing = self._feedable - self._fed
        targets = [op for op in fetch.targets if op not in self._ran]
        wanted = [tensor for tensor in fetch.tensors if tensor not in self._known]
        ops = needed(wanted, targets, set(self._known) | missing) - self._ran
        for tensor in missing:
            if any(tensor in op.inputs for op in ops) or tensor in wanted:
                raise ValueError(f"{tensor.name} must be fed before this part of the run")
        self._compute(ops, wanted, targets)
        self._fetchable -= set(fetch.tensors)
        self._targets -= set(fetch.targets)
        values = [self._known[tensor] for tensor in fetch.tensors]
        return fetch.pack([detach(values, i) for i in range(len(values))])

    def _compute(self, ops: set[Operation], wanted: list[Tensor], targets: list[Operation]) -> None:
        known = list(self._known)
        graph = self._session.graph
        outputs = [
            tensor
            for op in ops
            if graph.is_fetchable(op)
            for tensor in op.outputs
            if tensor not in self._known
        ]
        outputs.extend(tensor for tensor in wanted if tensor not in outputs)
        session = self._session
        with session._bounded():
            plan = make_plan(known, outputs, targets, session._bind, session.state.check_running)
            results = plan.execute([self._known[tensor] for tensor in known])
        self._known.update(zip(outputs, results, strict=True))
        self._ran.update(ops)
