"""What a plan with control flow is when it runs: blocks of steps under a guard, and loops of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from evergraph.graph.operation import Operation
from evergraph.runtime import failures

Call = Callable[[list[Any]], None]


class Step(NamedTuple):
    """``call`` runs where the slot ``guard`` holds True; it reads the slots ``reads``."""

    guard: int
    call: Call
    op: Operation | None
    reads: Sequence[int]


class Blocks:
    """Steps in order, those with the same guard together. ``template``: the slots before the first of them."""

    __slots__ = ("_blocks", "_ops", "template")

    def __init__(self, template: list[Any], steps: Sequence[Step], frees: set[int]) -> None:
        self.template = template
        steps = _freeing(steps, frees)
        self._blocks = [
            (guard, tuple(step.call for step in block))
            for guard, block in groupby(steps, key=lambda step: step.guard)
        ]
        self._ops = {id(step.call): step.op for step in steps}

    def run(self, values: list[Any]) -> None:
        """Runs over ``values``, a copy of the template with what comes in put in."""
        step: Any = None
        try:
            for guard, steps in self._blocks:
                if values[guard]:
                    for step in steps:
                        step(values)
        except Exception as error:
            op = self._ops[id(step)]
            if op is None:
                raise
            raise failures.attach(error, op)  # noqa: B904 - attach has set the cause


def _freeing(steps: Sequence[Step], frees: set[int]) -> list[Step]:
    """``steps``, where the last one that reads a slot of ``frees`` lets go of its value."""
    last: dict[int, int] = {}
    for i, step in enumerate(steps):
        last.update((slot, i) for slot in step.reads if slot in frees)
    by_step: dict[int, list[int]] = {}
    for slot, i in last.items():
        by_step.setdefault(i, []).append(slot)
    return [
        step._replace(call=_then_free(step.call, by_step[i])) if i in by_step else step
        for i, step in enumerate(steps)
    ]


def _then_free(call: Call, slots: list[int]) -> Call:
    def step(values: list[Any]) -> None:
        call(values)
        for slot in slots:
            values[slot] = None

    return step


class Head(NamedTuple):
    """A loop variable: the slot that it has at the beginning of an iteration.

    ``starts`` and ``around``: (slot, guard) of what it may be in the first iteration, and at the end of an iteration
    for the next one; while the plan is made, the guard of a start is still its condition, and ``around`` holds
    tensors. ``guard``: a slot that says whether it is alive, None where it always is. ``which``: a slot for which
    input of the Merge it is, with the ``positions`` of the first start and of what comes around.
    """

    op: Operation
    slot: int
    guard: int | None
    which: int | None
    starts: Sequence[tuple[int, Any]]
    around: Sequence[Any]
    positions: tuple[int, int]


class Exit(NamedTuple):
    """A result of a loop: (slot, guard) inside, the slot around, and there a slot to say that it is alive, or None."""

    slot: int
    guard: int
    target: int
    alive: int | None


class Loop:
    """A loop as a step of the frame around it: called with that one's slots."""

    __slots__ = (
        "_blocks", "_carried", "_check_running", "_early", "_final", "_firsts", "_goes_on", "_heads", "_imports",
    )  # fmt: skip

    def __init__(
        self,
        blocks: Blocks,
        imports: Sequence[tuple[int, int]],
        firsts: Sequence[tuple[int, int]],
        heads: Sequence[Head],
        exits: Sequence[Exit],
        check_running: Callable[[], None],
    ) -> None:
        self._blocks = blocks
        self._imports = imports
        self._firsts = firsts
        self._heads = heads
        #: (slot at the end of an iteration, slot in the next) of variables that are always alive.
        self._carried = [(h.around[0][0], h.slot) for h in heads if h.guard is None]
        self._goes_on = sorted({guard for head in heads for _, guard in head.around})
        self._final = [(e.slot, e.target) for e in exits if e.alive is None]
        self._early = [e for e in exits if e.alive is not None]
        self._check_running = check_running

    def __call__(self, values: list[Any]) -> None:
        base = self._blocks.template.copy()
        for source, slot in self._imports:
            base[slot] = values[source]
        inside = base.copy()
        for source, slot in self._firsts:
            inside[slot] = values[source]
        self._start(inside)
        run, goes_on, carried = self._blocks.run, self._goes_on, self._carried
        while True:
            self._check_running()
            run(inside)
            for exit_ in self._early:
                if inside[exit_.guard]:
                    values[exit_.target] = inside[exit_.slot]
                    values[exit_.alive] = True  # type: ignore[index]  # early ones have it
            for guard in goes_on:
                if inside[guard]:
                    break
            else:
                break
            following = base.copy()
            for source, slot in carried:
                following[slot] = inside[source]
            self._carry_others(inside, following)
            inside = following
        for source, slot in self._final:
            values[slot] = inside[source]

    def _start(self, inside: list[Any]) -> None:
        for head in self._heads:
            for slot, guard in head.starts:
                if inside[guard]:
                    inside[head.slot] = inside[slot]
                    if head.guard is not None:
                        inside[head.guard] = True
                    break

    def _carry_others(self, inside: list[Any], following: list[Any]) -> None:
        for head in self._heads:
            if head.guard is not None:
                for slot, guard in head.around:
                    if inside[guard]:
                        following[head.slot] = inside[slot]
                        following[head.guard] = True
                        break
            if head.which is not None:
                following[head.which] = np.int32(head.positions[1])
