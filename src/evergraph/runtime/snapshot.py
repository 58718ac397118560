"""The values of variables at one moment, while training goes on.

A snapshot copies nothing. It *pins* the buffers of reference variables: the first update of one that is still needed
copies the old elements elsewhere, for the snapshot, just before it writes. The variable keeps its buffer, so that what
aliases it sees the update. What a resource variable gave out never changes anyway. So a snapshot costs at most one
further copy of what is written while it is needed, and the memory of that serves the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from threading import Condition

from evergraph.formats.pinned_array import PinnedArray, SpareArrays
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import Cell, RefCell, ResourceCell
from evergraph.runtime.state import SessionState

_REFERENCES = frozenset(("Variable", "VariableV2"))


class VariableTensors:
    """Those of ``tensors`` that stand for variables: references, reads of resource variables, identities of these.

    Attributes:
      places: each tensor, how often it was given, and the container, name and kind of its variable's cell.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self.places: list[tuple[Tensor, int, str, str, type[Cell]]] = []
        for tensor, uses in Counter(tensors).items():
            op = _variable_op(tensor)
            if op is not None:
                name = op.attrs.get("shared_name") or op.name
                kind = ResourceCell if op.type == "VarHandleOp" else RefCell
                self.places.append((tensor, uses, op.attrs.get("container", ""), name, kind))


class Snapshot:
    """The values that variables have now.

    Args:
      state: the session's.
      tensors: the values that are wanted.
      spares: memory for what has to be copied.

    Attributes:
      values: tensor -> its value, to be released as often as the tensor was given.
    """

    def __init__(
        self, state: SessionState, tensors: VariableTensors, spares: SpareArrays | None = None
    ) -> None:
        self.values: dict[Tensor, PinnedArray] = {}
        moved, self._spares = Condition(), spares or SpareArrays()
        try:
            for tensor, uses, container, name, kind in tensors.places:
                cell = state.find_resource(container, name, kind)
                if cell is not None:
                    pin = partial(PinnedArray, uses=uses, moved=moved, spares=self._spares)
                    self.values[tensor] = cell.pin(pin)
        except BaseException:
            self.release()
            raise

    def release(self) -> int:
        """Needs the values no more; returns how many bytes were copied because of them."""
        copied = 0
        for value in self.values.values():
            value.drop()
            copied += value.copied_bytes
        self._spares.keep({(value.shape, value.dtype) for value in self.values.values()})
        return copied


def _variable_op(tensor: Tensor) -> Operation | None:
    """The operation of the variable whose value ``tensor`` is, None where that is no variable's."""
    op = tensor.op
    while op.type == "Identity":
        op = op.inputs[0].op
    if op.type == "ReadVariableOp":
        op = op.inputs[0].op
        return op if op.type == "VarHandleOp" else None
    return op if op.type in _REFERENCES else None
