"""What a saver's nodes would save, as values of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evergraph.formats.pinned_array import PinnedArray, SpareArrays
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.checkpoint_io import SAVE_OPS, pinned_input, saved_inputs
from evergraph.runtime.prune import needed
from evergraph.runtime.session import BaseSession
from evergraph.runtime.snapshot import Snapshot, VariableTensors


class SavedTensors:
    """What running ``save_name`` saves: worked out once, for any number of saves."""

    def __init__(self, graph: Graph, save_name: str) -> None:
        self._origin = graph, save_name
        inputs = [tensor for op in save_ops(graph, save_name) for tensor in saved_inputs(op)]
        self._inputs = list(dict.fromkeys(inputs))
        self._variables = VariableTensors(inputs)
        self._spares = SpareArrays()

    def are_of(self, graph: Graph, save_name: str) -> bool:
        """Whether this is what running ``save_name`` of ``graph`` saves."""
        return self._origin[0] is graph and self._origin[1] == save_name

    def take(self, session: BaseSession) -> tuple[Snapshot, dict[Tensor, Any]]:
        """The values as they are now, by tensor: those of variables pinned, others computed.

        The snapshot, which pins them, is to be released when they have been written.
        """
        snapshot = Snapshot(session.state, self._variables, self._spares)
        try:
            others = [tensor for tensor in self._inputs if tensor not in snapshot.values]
            values = dict(zip(others, session.run(others), strict=True)) if others else {}
        except BaseException:
            snapshot.release()
            raise
        return snapshot, {**snapshot.values, **values}


def inputs_of(values: Mapping[Tensor, Any]) -> dict[Tensor, Any]:
    """What to feed to the ops that save, so that they save ``values``."""
    return {
        tensor: pinned_input(value) if isinstance(value, PinnedArray) else value
        for tensor, value in values.items()
    }


def save_ops(graph: Graph, save_name: str) -> list[Operation]:
    """The operations that write: one, or one for each shard."""
    target = graph.as_graph_element(save_name)
    targets = [target] if isinstance(target, Operation) else [target.op]
    return [op for op in needed([], targets, set()) if op.type in SAVE_OPS]
