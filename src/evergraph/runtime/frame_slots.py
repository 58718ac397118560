"""Where the values of one frame lie, and when they are alive.

A frame may use what the frames around it have: such a value gets a slot here as well, filled when the loop begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime import merging
from evergraph.runtime.blocks import Step
from evergraph.runtime.frames import Placement
from evergraph.runtime.liveness import ALWAYS, Condition, Guards, union


class Shared(NamedTuple):
    """What the frames of one plan have in common."""

    placement: Placement
    ops: frozenset[Operation]
    fed: frozenset[Tensor]
    fetched: frozenset[Tensor]
    bind: Callable[[Operation], Callable[..., Any]]
    check_running: Callable[[], None]


class FrameSlots:
    """The slots of a frame, and its steps so far. ``base``: what holds in the frame around when the loop runs."""

    def __init__(self, shared: Shared, outer: FrameSlots | None, base: Condition) -> None:
        self._shared = shared
        self._around = outer
        self._base = base
        self.template: list[Any] = [True]
        self.guards = Guards(lambda: self._new_slot(False), self._add_join)
        self._slots: dict[Tensor, int] = {}
        self._conditions: dict[Tensor, Condition] = {}
        self._op_conditions: dict[Operation, Condition] = {}
        #: Tensors whose slot holds a variable's cell, not its value; and those whose value is in the template.
        self._cells: set[Tensor] = set()
        self._constants: set[Tensor] = set()
        #: (slot around, slot here): what comes in for all iterations.
        self._imports: list[tuple[int, int]] = []
        self._steps: list[Step] = []

    def _new_slot(self, value: Any = None) -> int:
        self.template.append(value)
        return len(self.template) - 1

    def is_fed(self, tensor: Tensor) -> bool:
        """True where the run is given the value of ``tensor``."""
        return tensor in self._shared.fed

    def feed(self, tensor: Tensor) -> int:
        """The slot for a fed tensor (of the outermost frame)."""
        slot = self._new_slot()
        self._define(tensor, slot, ALWAYS)
        return slot

    def _define(self, tensor: Tensor, slot: int, condition: Condition) -> None:
        self._slots[tensor] = slot
        self._conditions[tensor] = condition

    def slot(self, tensor: Tensor) -> int:
        """The slot of ``tensor``, which a frame around may have."""
        found = self._slots.get(tensor)
        if found is not None:
            return found
        outer = self._around
        assert outer is not None  # frames.Placement has checked where values come from
        source = outer.slot(tensor)
        slot = self._new_slot()
        if tensor in outer._constants:
            self.template[slot] = outer.template[source]
            self._constants.add(tensor)
        else:
            self._imports.append((source, slot))
        if tensor in outer._cells:
            self._cells.add(tensor)
        self._define(tensor, slot, self._from_outside(outer.condition(tensor)))
        return slot

    def condition(self, tensor: Tensor) -> Condition:
        """When ``tensor`` is alive, within an iteration of this frame."""
        self.slot(tensor)
        return self._conditions[tensor]

    def _from_outside(self, condition: Condition) -> Condition:
        """A condition of the frame around, as a fact here."""
        if condition <= self._base:
            return ALWAYS
        assert self._around is not None  # the outermost frame has no conditions from outside
        fact = ("outside", condition)
        known = self.guards.knows(fact)
        here, slot = self.guards.fact(fact)
        if not known:
            self._imports.append((self._around.guards.slot(condition), slot))
        return here

    def _op_condition(self, op: Operation) -> Condition:
        found = self._op_conditions.get(op)
        if found is None:
            assert self._around is not None  # an operation comes after those that it waits for
            found = self._from_outside(self._around._op_condition(op))
            self._op_conditions[op] = found
        return found

    def _inputs_condition(self, op: Operation) -> Condition:
        conditions = [self.condition(tensor) for tensor in op._inputs]
        ops = self._shared.ops
        conditions.extend(self._op_condition(c) for c in op._control_inputs if c in ops)
        return union(conditions)

    def _emit(
        self,
        condition: Condition,
        call: Callable[[list[Any]], None],
        op: Operation | None,
        reads: Sequence[int],
    ) -> None:
        self._steps.append(Step(self.guards.slot(condition), call, op, reads))

    def _add_join(self, slot: int, parts: list[int]) -> None:
        self._steps.append(Step(0, merging.join(slot, parts), None, ()))
