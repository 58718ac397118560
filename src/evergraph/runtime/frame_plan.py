"""The plan of one frame: its operations as steps over a list of value slots, in blocks that run under one condition.

Switch, Identity, Enter, NextIteration and the Merges at the heads of loops are no steps: their outputs are other
names for slots that are there. What runs in every iteration alike is computed here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import kernel
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime import merging
from evergraph.runtime.blocks import Blocks, Exit, Head, Loop, Step
from evergraph.runtime.frame_slots import FrameSlots, Shared
from evergraph.runtime.frames import ENTER, EXIT, Frame
from evergraph.runtime.liveness import (
    ALWAYS,
    Branch,
    Condition,
    covered,
    op_fact,
    union,
)
from evergraph.runtime.prune import NEXT_ITERATION
from evergraph.runtime.straight import closure, foldable, is_large

SWITCH = frozenset(("Switch", "RefSwitch", "_SwitchN"))
MERGE = frozenset(("Merge", "RefMerge"))
CONTROL_FLOW = SWITCH | MERGE | ENTER | EXIT | NEXT_ITERATION

_PASSING = frozenset(("Identity", "RefIdentity", "LoopCond")) | EXIT | NEXT_ITERATION
_REFERENCE = frozenset(
    ("RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration", "RefIdentity")
)


class FramePlan(FrameSlots):
    """Builds the steps of ``frame``; ``outer`` is the plan of the frame around, ``base`` what holds there when the
    loop runs.

    ``uniform``: all loop variables go around under one condition, as they do in every loop that tf.while_loop has made.
    """

    def __init__(
        self,
        frame: Frame,
        shared: Shared,
        outer: FramePlan | None = None,
        base: Condition = ALWAYS,
        uniform: bool = True,
    ) -> None:
        super().__init__(shared, outer, base)
        self._frame = frame
        self._outer = outer
        self._uniform = uniform
        self._large: set[int] = set()
        #: (slot around, slot here): what comes in for the first iteration.
        self._firsts: list[tuple[int, int]] = []
        self._heads: list[Head] = []

    def build(self) -> None:
        """Makes the steps of all that runs in this frame."""
        if self._outer is not None:
            for enter in self._frame.enters:
                self._add_enter(enter, self._outer)
        for item in self._frame.items:
            if isinstance(item, Frame):
                self._add_loop(item)
            elif item.outputs and all(self.is_fed(tensor) for tensor in item.outputs):
                # Nothing is left to do; what waits for it does not.
                self._op_conditions[item] = ALWAYS
            elif item.type in SWITCH:
                self._add_switch(item)
            elif item.type in MERGE:
                self._add_merge(item)
            else:
                self._add_operation(item)

    def finish(self, keep: Sequence[int]) -> Blocks:
        """What runs. Values in the slots ``keep`` are there to the end."""
        large = self._large if self._outer is None else set()
        return Blocks(self.template, self._steps, large - set(keep))

    def _add_operation(self, op: Operation) -> None:
        condition = self._inputs_condition(op)
        if op.type == "ControlTrigger":
            condition = ALWAYS  # It runs whether what it waits for was alive or not.
        self._op_conditions[op] = condition
        if op.type in _PASSING:
            self._pass(op.outputs[0], op._inputs[0], condition, op)
            return
        declaration = op.declaration
        if declaration is not None and declaration.compute is None and not op.outputs:
            return
        if declaration is not None and declaration.handle:
            self._add_handle(op, condition)
            return
        if foldable(op, self._constants) and self._fold(op, condition):
            return
        function = self._shared.bind(op)
        inputs = [self.slot(tensor) for tensor in op._inputs]
        reads = self._reads(op)
        outputs = [self._define_new(tensor, condition) for tensor in op.outputs]
        call = closure(op, function, inputs, reads, outputs)
        for tensor, slot in zip(op.outputs, outputs, strict=True):
            if tensor.dtype._is_ref_dtype and not self.is_fed(tensor):
                self._cells.add(tensor)
            elif is_large(tensor):
                self._large.add(slot)
        self._emit(condition, call, op, inputs)

    def _add_handle(self, op: Operation, condition: Condition) -> None:
        """A variable's cell, which is the same in all runs."""
        output = op.outputs[0]
        if not self.is_fed(output):
            cell = self._shared.bind(op)()
            self._define(output, self._new_slot(cell), condition)
            if output.dtype._is_ref_dtype:
                self._cells.add(output)

    def _reads(self, op: Operation) -> list[bool]:
        """For each input: is it a cell whose value, not itself, the op wants?"""
        assert op.declaration is not None  # the plan has been checked to be computable
        wanted = [arg.is_ref for arg in op.declaration.inputs for _ in range(arg.count(op.attrs))]
        for tensor, cell in zip(op._inputs, wanted, strict=True):
            if cell and tensor not in self._cells:
                raise errors.InvalidArgumentError(
                    op.node_def,
                    op,
                    f"{tensor.name} was fed, but '{op.name}' ({op.type}) needs the variable itself",
                )
        return [
            tensor in self._cells and not cell
            for tensor, cell in zip(op._inputs, wanted, strict=True)
        ]

    def _fold(self, op: Operation, condition: Condition) -> bool:
        """Computes what is the same in every run; False where that fails, which is for the run to say."""
        values = [self.template[self.slot(tensor)] for tensor in op._inputs]
        try:
            with np.errstate(all="ignore"):
                outputs = kernel.flatten(op, self._shared.bind(op)(*values))
        except Exception:
            return False
        for tensor, value in zip(op.outputs, outputs, strict=True):
            if not self.is_fed(tensor):
                self._define(tensor, self._new_slot(value), condition)
                self._constants.add(tensor)
        return True

    def _pass(self, output: Tensor, source: Tensor, condition: Condition, op: Operation) -> None:
        """Makes ``output`` another name for ``source``, or for its value where that is a variable's cell."""
        if self.is_fed(output):
            return
        slot = self.slot(source)
        if source in self._cells and op.type not in _REFERENCE:
            slot = self._read(source, condition, op)
        elif source in self._cells:
            self._cells.add(output)
        elif source in self._constants:
            self._constants.add(output)
        self._define(output, slot, condition)

    def _read(self, tensor: Tensor, condition: Condition, op: Operation) -> int:
        """A slot with the value of ``tensor``, whose own slot may hold a cell."""
        source = self.slot(tensor)
        if tensor not in self._cells:
            return source
        slot = self._new_slot()
        self._emit(condition, merging.read(source, slot), op, (source,))
        return slot

    # Choosing

    def _add_switch(self, op: Operation) -> None:
        data, predicate = op._inputs
        under = self.condition(predicate)
        chooser = self._read(predicate, under, op)
        facts = [Branch(chooser, i, len(op.outputs)) for i in range(len(op.outputs))]
        known = self.guards.knows(facts[0])
        branches = [self.guards.fact(fact, under) for fact in facts]
        if not known:
            slots = [slot for _, slot in branches]
            scalar = predicate.dims == ()
            self._emit(under, merging.choose(chooser, slots, scalar), op, (chooser,))
        condition = self._op_conditions[op] = self._inputs_condition(op)
        for output, (branch, _) in zip(op.outputs, branches, strict=True):
            self._pass(output, data, union([condition, branch]), op)

    def _add_merge(self, op: Operation) -> None:
        if any(self._comes_around(tensor) for tensor in op._inputs):
            self._add_head(op)
            return
        conditions = [self.condition(tensor) for tensor in op._inputs]
        output, index = op.outputs
        first = next(
            (i for i, one in enumerate(conditions) if all(one <= other for other in conditions)),
            None,
        )
        if first is not None:
            # Whenever another input is alive, this one is.
            self._op_conditions[op] = conditions[first]
            self._pass(output, op._inputs[first], conditions[first], op)
            self._define_constant(index, np.int32(first), conditions[first])
            return
        result = covered(conditions)
        under = frozenset.intersection(*conditions) if result is None else result
        alive = None
        if result is None:
            result, alive = self.guards.fact(op_fact(op), under)
        sources = []
        for tensor, condition in zip(op._inputs, conditions, strict=True):
            by_value = tensor in self._cells and op.type not in _REFERENCE
            slot = self._read(tensor, condition, op) if by_value else self.slot(tensor)
            sources.append((self.guards.slot(condition), slot))
        self._op_conditions[op] = result
        slot = self._define_new(output, result)
        index_slot = self._define_new(index, result) if self._is_used(index) else None
        if op.type in _REFERENCE and op._inputs[0] in self._cells:
            self._cells.add(output)
        reads = [source for _, source in sources]
        self._emit(under, merging.merge(sources, slot, index_slot, alive), op, reads)

    def _define_new(self, tensor: Tensor, condition: Condition) -> int:
        """A slot for ``tensor``; one that nobody reads where it is fed."""
        slot = self._new_slot()
        if not self.is_fed(tensor):
            self._define(tensor, slot, condition)
        return slot

    def _define_constant(self, tensor: Tensor, value: Any, condition: Condition) -> None:
        if not self.is_fed(tensor):
            self._define(tensor, self._new_slot(value), condition)
            self._constants.add(tensor)

    def _is_used(self, tensor: Tensor) -> bool:
        return tensor in self._shared.fetched or any(
            op in self._shared.ops for op in tensor._consumers
        )

    # Loops

    def _comes_around(self, tensor: Tensor) -> bool:
        return tensor.op.type in NEXT_ITERATION and not self.is_fed(tensor)

    def _add_enter(self, op: Operation, outer: FramePlan) -> None:
        output, source = op.outputs[0], op._inputs[0]
        condition = outer._inputs_condition(op)
        here = self._op_conditions[op] = self._from_outside(condition)
        if self.is_fed(output):
            return
        by_value = op.type not in _REFERENCE
        origin = outer._read(source, condition, op) if by_value else outer.slot(source)
        if not by_value and source in outer._cells:
            self._cells.add(output)
        slot = self._new_slot()
        self._define(output, slot, here)
        users = [consumer for consumer in output._consumers if consumer in self._shared.ops]
        if op.attrs["is_constant"] and source in outer._constants:
            self.template[slot] = outer.template[origin]
            self._constants.add(output)
        elif op.attrs["is_constant"] or len(users) > 1 or any(u.type not in MERGE for u in users):
            self._imports.append((origin, slot))
        else:
            self._firsts.append((origin, slot))

    def _add_head(self, op: Operation) -> None:
        """The Merge at the head of a loop: what came in before the first iteration, what came around in all others."""
        entering = [i for i, t in enumerate(op._inputs) if not self._comes_around(t)]
        around = [i for i, t in enumerate(op._inputs) if self._comes_around(t)]
        for i in entering:
            source = op._inputs[i]
            if source not in self._slots and self._shared.placement.own(source.op) is self._frame:
                raise errors.InvalidArgumentError(
                    op.node_def,
                    op,
                    f"'{op.name}' begins a loop with '{source.name}', which is computed inside of it",
                )
        starts = [(self.slot(op._inputs[i]), self.condition(op._inputs[i])) for i in entering]
        plain = self._uniform and len(starts) == 1 and len(around) == 1
        self._uniform = plain and starts[0][1] == ALWAYS
        condition, guard = (ALWAYS, None)
        if not self._uniform:
            condition, guard = self.guards.fact(op_fact(op))
        slot = self._new_slot()
        positions = (entering[0] if entering else 0, around[0])
        index = self._new_slot(np.int32(positions[0])) if self._is_used(op.outputs[1]) else None
        self._op_conditions[op] = condition
        output = op.outputs[0]
        if not self.is_fed(output):
            self._define(output, slot, condition)
            if op.type in _REFERENCE and op._inputs[entering[0]] in self._cells:
                self._cells.add(output)
        if index is not None and not self.is_fed(op.outputs[1]):
            self._define(op.outputs[1], index, condition)
        self._heads.append(
            Head(op, slot, guard, index, starts, [op._inputs[i] for i in around], positions)
        )

    def _is_uniform(self) -> bool:
        """Whether the assumption that all loop variables go around under one condition has held."""
        if not self._uniform:
            return False
        return len({self.condition(head.around[0]) for head in self._heads}) <= 1

    def _add_loop(self, frame: Frame) -> None:
        base = frozenset.intersection(*[self._inputs_condition(enter) for enter in frame.enters])
        inside = FramePlan(frame, self._shared, self, base)
        inside.build()
        if not inside._is_uniform():
            inside = FramePlan(frame, self._shared, self, base, uniform=False)
            inside.build()
        self._steps.append(inside._as_step(self.guards.slot(base)))

    def _as_step(self, guard: int) -> Step:
        """This frame's loop as a step of the frame around."""
        outer = self._outer
        assert outer is not None  # only a loop is a step
        around = [self.condition(tensor) for head in self._heads for tensor in head.around]
        self._check_ends(around)
        goes_on = frozenset.intersection(*around) if around else ALWAYS
        exits = []
        for op in self._frame.members:
            if isinstance(op, Operation) and op.type in EXIT:
                exits.append(self._leave(op, outer, goes_on))
        heads = []
        for head in self._heads:
            slots = [(self.slot(t), self.guards.slot(self.condition(t))) for t in head.around]
            starts = [(slot, self.guards.slot(c)) for slot, c in head.starts]
            heads.append(head._replace(around=slots, starts=starts))
        loop = Loop(
            self.finish([]),
            self._imports,
            self._firsts,
            heads,
            [one for one in exits if one is not None],
            self._shared.check_running,
        )
        reads = [slot for slot, _ in (*self._imports, *self._firsts)]
        return Step(guard, loop, self._frame.enters[0], reads)

    def _check_ends(self, around: Sequence[Condition]) -> None:
        if ALWAYS in around:
            op = self._heads[0].op
            raise errors.InvalidArgumentError(
                op.node_def,
                op,
                f"the loop '{self._frame.name}' never ends: what goes around to '{op.name}' does not depend on its "
                "condition (something inside of it may be fed)",
            )

    def _leave(self, op: Operation, outer: FramePlan, goes_on: Condition) -> Exit | None:
        """Makes the result of an Exit known around: alive whenever the loop runs, unless that cannot be told."""
        output = op.outputs[0]
        condition = self._op_conditions[op]
        source = op._inputs[0]
        slot = self._slots[output] if output in self._slots else self.slot(source)
        if self._uniform and (
            (goes_on and covered([condition, goes_on]) == ALWAYS)
            or (not self._heads and condition == ALWAYS)
        ):
            known, alive = self._base, None
        else:
            known, alive = outer.guards.fact(op_fact(op), self._base)
        outer._op_conditions[op] = known
        if self.is_fed(output):
            return None
        target = outer._new_slot()
        outer._define(output, target, known)
        if output in self._cells:
            outer._cells.add(output)
        elif is_large(output):
            outer._large.add(target)
        return Exit(slot, self.guards.slot(condition), target, alive)
