"""What a saver's nodes would save, as values of one moment."""

from __future__ import annotations

from typing import Any

from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.ops.checkpoint_io import SAVE_OPS, saved_inputs
from evergraph.runtime.prune import needed
from evergraph.runtime.session import BaseSession
from evergraph.runtime.snapshot import Snapshot


def saved_values(session: BaseSession, save_name: str) -> tuple[Snapshot, dict[Any, Any]]:
    """The values that running ``save_name`` would save, by tensor: those of variables pinned, others computed.

    The snapshot, which pins them, is to be released when they have been written.
    """
    inputs = dict.fromkeys(
        tensor for op in save_ops(session.graph, save_name) for tensor in saved_inputs(op)
    )
    snapshot = Snapshot(session.state, inputs)
    try:
        others = [tensor for tensor in inputs if tensor not in snapshot.values]
        values = dict(zip(others, session.run(others), strict=True))
    except BaseException:
        snapshot.release()
        raise
    return snapshot, {**snapshot.values, **values}


def save_ops(graph: Graph, save_name: str) -> list[Operation]:
    """The operations that write: one, or one for each shard."""
    target = graph.as_graph_element(save_name)
    targets = [target] if isinstance(target, Operation) else [target.op]
    return [op for op in needed([], targets, set()) if op.type in SAVE_OPS]
