"""The values of variables at one moment, while training goes on.

A snapshot copies nothing. It *pins* the buffers of reference variables: a run that may write to one of them
gives that variable a fresh copy before it starts (in the middle of a run, what aliases the variable would lose sight of
it). What a resource variable gave out never changes anyway. So a snapshot costs at most one further copy of what is
written while it lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import Cell, RefCell, ResourceCell
from evergraph.runtime.prune import needed
from evergraph.runtime.state import SessionState

_REFERENCES = frozenset(("Variable", "VariableV2"))
#: They take the cell of a reference variable, and leave its value.
_READERS = frozenset(("IsVariableInitialized", "RefIdentity"))


class Snapshot:
    """The values of ``tensors`` that stand for variables: references, reads of resource variables, identities of these.

    Attributes:
      values: tensor -> its array, which must not be written to. A tensor that is something else is not among them.
    """

    def __init__(self, state: SessionState, tensors: Iterable[Tensor]) -> None:
        self._state = state
        self._pinned: list[tuple[RefCell, Any]] = []
        self.values: dict[Tensor, Any] = {}
        try:
            for tensor in tensors:
                self._take(tensor)
        except BaseException:
            self.release()
            raise

    def _take(self, tensor: Tensor) -> None:
        cell = variable_cell(self._state, tensor)
        if isinstance(cell, RefCell):
            value = cell.pin()
            self._pinned.append((cell, value))
            self._state.pinned.add(cell)
        elif isinstance(cell, ResourceCell):
            value = cell.read()
        else:
            return
        self.values[tensor] = value

    def release(self) -> int:
        """Lets the variables' buffers be written to again; returns how many bytes were copied because of them."""
        self.values.clear()
        copied = 0
        for cell, buffer in self._pinned:
            if cell.buffer is not buffer:
                copied += buffer.nbytes
            cell.unpin(buffer)
            if not cell.pins:
                self._state.pinned.discard(cell)
        self._pinned.clear()
        return copied


def variable_cell(state: SessionState, tensor: Tensor) -> Cell | None:
    """The cell that holds the value of ``tensor``, None where that is no variable's."""
    op = tensor.op
    while op.type == "Identity":
        op = op.inputs[0].op
    if op.type == "ReadVariableOp":
        op = op.inputs[0].op
        return _named(state, op) if op.type == "VarHandleOp" else None
    return _named(state, op) if op.type in _REFERENCES else None


def make_room(state: SessionState, variables: Sequence[Operation]) -> None:
    """Gives pinned variables that a run may write to a buffer of their own, before it starts."""
    for op in variables:
        cell = _named(state, op)
        if isinstance(cell, RefCell) and cell.pins:
            with cell.lock:
                cell.writable()
            state.pinned.discard(cell)


def written_variables(
    fetches: Iterable[Tensor], targets: Iterable[Operation], fed: Iterable[Tensor]
) -> list[Operation]:
    """The reference variables whose cells go into an op of a run that may write to them."""
    found: dict[Operation, None] = {}
    for op in needed(fetches, targets, set(fed)):
        if op.declaration is None or op.type in _READERS:
            continue
        takes_cell: list[bool] = []
        for argument in op.declaration.inputs:
            takes_cell.extend([argument.is_ref] * argument.count(op.attrs))
        for tensor, is_cell in zip(op.inputs, takes_cell, strict=True):
            if is_cell and tensor.dtype._is_ref_dtype:
                found.update(dict.fromkeys(_sources(tensor)))
    return list(found)


def _sources(tensor: Tensor) -> list[Operation]:
    """The variables whose reference ``tensor`` may be."""
    stack, seen, found = [tensor.op], set(), []
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        if op.type in _REFERENCES:
            found.append(op)
        else:
            stack.extend(source.op for source in op.inputs if source.dtype._is_ref_dtype)
    return found


def _named(state: SessionState, op: Operation) -> Any:
    name = op.attrs.get("shared_name") or op.name
    return state.find_resource(op.attrs.get("container", ""), name)
