"""Plans: what a run of certain fetches and feeds does, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.operation import Operation
from evergraph.graph.shape import text
from evergraph.graph.tensor import Tensor
from evergraph.nearest import nearest
from evergraph.runtime.dataflow import CONTROL_FLOW, DataflowPlan
from evergraph.runtime.prune import in_order, needed
from evergraph.runtime.straight import StraightPlan

#: What has no value of its own.
_FED = frozenset(("Placeholder", "PlaceholderV2"))


class Plan(Protocol):
    """Something that runs: the values of the fetched tensors from those of the fed ones."""

    def execute(self, fed_values: Sequence[Any]) -> list[Any]: ...


def make_plan(
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Iterable[Operation],
    bind: Callable[[Operation], Callable[..., Any]],
    check_running: Callable[[], None],
) -> Plan:
    """The plan for a run. Raises UnimplementedError where it needs an op that nobody has declared."""
    fed = set(feeds)
    ops = needed(fetches, targets, fed)
    for op in ops:
        _check_computable(op, fed)
    order = in_order(ops, fed)
    if any(
        op.type in CONTROL_FLOW or (op.declaration is not None and op.declaration.blocking)
        for op in order
    ):
        return DataflowPlan(order, feeds, fetches, bind, check_running)
    for op in order:
        # With control flow it may lie in a branch that is not taken: then the run decides.
        if op.type in _FED and op.outputs[0] not in fed:
            _refuse_unfed(op)
    return StraightPlan(order, feeds, fetches, bind)


def _refuse_unfed(op: Operation) -> None:
    tensor = op.outputs[0]
    shape = f" and shape {text(tensor.dims)}" if tensor.dims is not None else ""
    raise errors.InvalidArgumentError(
        op.node_def,
        op,
        f"You must feed a value for placeholder tensor '{op.name}' with dtype "
        f"{dtypes.op_type_name(tensor.dtype)}{shape}",
    )


def _check_computable(op: Operation, fed: set[Tensor]) -> None:
    declaration = op.declaration
    if declaration is not None and (declaration.compute is not None or not declaration.outputs):
        return
    if op.type in CONTROL_FLOW or (op.outputs and all(tensor in fed for tensor in op.outputs)):
        return
    near = nearest(op.type, registry.declarations())
    hint = f" Near: {', '.join(near)}." if near else ""
    raise errors.UnimplementedError(
        op.node_def,
        op,
        f"Op type '{op.type}' has no computation here; node '{op.name}' needs it. Fetch something that does not depend "
        f"on '{op.name}', feed its outputs, or declare the op with evergraph.graph.registry.op.{hint}",
    )
