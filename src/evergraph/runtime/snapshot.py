"""The values of variables at one moment, while training goes on.

A snapshot copies nothing. It *pins* the buffers of reference variables: the first update of one that is still needed
copies the old elements elsewhere, for the snapshot, just before it writes. The variable keeps its buffer, so that what
aliases it sees the update. What a resource variable gave out never changes anyway. So a snapshot costs at most one
further copy of what is written while it is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from threading import Condition

from evergraph.formats.pinned_array import PinnedArray
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import Cell, RefCell, ResourceCell
from evergraph.runtime.state import SessionState

_REFERENCES = frozenset(("Variable", "VariableV2"))


class Snapshot:
    """The values of ``tensors`` that stand for variables: references, reads of resource variables, identities of these.

    Attributes:
      values: tensor -> its value, to be released as often as the tensor was given. A tensor that is something else is
        not among them.
    """

    def __init__(self, state: SessionState, tensors: Iterable[Tensor]) -> None:
        self.values: dict[Tensor, PinnedArray] = {}
        moved = Condition()
        try:
            for tensor, uses in Counter(tensors).items():
                cell = _cell_of(state, tensor)
                if cell is not None:
                    self.values[tensor] = cell.pin(moved, uses)
        except BaseException:
            self.release()
            raise

    def release(self) -> int:
        """Needs the values no more; returns how many bytes were copied because of them."""
        for value in self.values.values():
            value.drop()
        return sum(value.copied_bytes for value in self.values.values())


def _cell_of(state: SessionState, tensor: Tensor) -> Cell | None:
    """The cell that holds the value of ``tensor``, None where that is no variable's."""
    op = tensor.op
    while op.type == "Identity":
        op = op.inputs[0].op
    if op.type == "ReadVariableOp":
        op = op.inputs[0].op
        if op.type != "VarHandleOp":
            return None
    elif op.type not in _REFERENCES:
        return None
    name = op.attrs.get("shared_name") or op.name
    found = state.find_resource(op.attrs.get("container", ""), name)
    return found if isinstance(found, (RefCell, ResourceCell)) else None
