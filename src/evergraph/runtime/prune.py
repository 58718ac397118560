"""From fetches and feeds to the operations that a run needs, in the order in which they run."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor

#: An edge from these into a Merge closes a loop: it is not waited for.
NEXT_ITERATION = frozenset(("NextIteration", "RefNextIteration"))


def needed(
    fetches: Iterable[Tensor], targets: Iterable[Operation], fed: set[Tensor]
) -> set[Operation]:
    """The operations that the values of ``fetches`` and the execution of ``targets`` depend on; ``fed`` edges are
    cut."""
    stack = [tensor.op for tensor in fetches if tensor not in fed]
    stack.extend(targets)
    found: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op in found:
            continue
        found.add(op)
        stack.extend(
            tensor._op for tensor in op._inputs if tensor not in fed and tensor._op not in found
        )
        stack.extend(control for control in op._control_inputs if control not in found)
    return found


def in_order(ops: set[Operation], fed: set[Tensor]) -> list[Operation]:
    """``ops`` so that each comes after what it depends on; where that leaves a choice, in order of creation.

    Edges that close a loop (NextIteration -> Merge) do not count. Raises ValueError for any other cycle.
    """
    by_creation = sorted(ops, key=lambda op: op._id)
    waits: dict[Operation, int] = {}
    followers: dict[Operation, list[Operation]] = {}
    sorted_already = True
    for op in by_creation:
        before = predecessors(op, ops, fed)
        waits[op] = len(before)
        for other in before:
            followers.setdefault(other, []).append(op)
            sorted_already = sorted_already and other._id < op._id
    if sorted_already:
        return by_creation
    ready = [(op._id, op) for op in by_creation if waits[op] == 0]
    order: list[Operation] = []
    while ready:
        _, op = heapq.heappop(ready)
        order.append(op)
        for follower in followers.get(op, ()):
            waits[follower] -= 1
            if waits[follower] == 0:
                heapq.heappush(ready, (follower._id, follower))
    if len(order) < len(by_creation):
        stuck = [op.name for op in by_creation if waits[op] > 0]
        raise ValueError(f"{len(stuck)} nodes in a cycle, among them {stuck[:5]}")
    return order


def predecessors(op: Operation, ops: set[Operation], fed: set[Tensor]) -> Sequence[Operation]:
    """Those of ``ops`` that ``op`` comes after; edges that close a loop do not count."""
    closes_loop = op.type in ("Merge", "RefMerge")
    before = {
        tensor._op
        for tensor in op._inputs
        if tensor not in fed and not (closes_loop and tensor._op.type in NEXT_ITERATION)
    }
    before.update(op._control_inputs)
    return [other for other in before if other in ops]
