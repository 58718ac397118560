"""Dataflow plans: for subgraphs with control flow (Switch, Merge, Enter, Exit, NextIteration) or with ops that wait.

A value may be *dead*: what lies behind the branch of a Switch that was not taken; nothing with a dead input runs,
except Merge, which wants one live input. Loops run in frames: Enter puts a value into a loop's first iteration (or
into all of them), NextIteration into the next one, Exit back into the frame around. Source: the execution model of
TensorFlow's control flow ("Implementation of Control Flow in TensorFlow", Yuan Yu et al., 2017).

TensorFlow decides in the run, node by node, what is ready and what is dead. Here that is settled when the plan is
made (see ``frames`` and ``liveness``): a frame is a list of *blocks*, straight lines of steps that run where one
condition holds, and a loop is one step of the frame around it, a Python loop over its blocks. So a step costs what it
costs in a straight-line plan; Switch, Enter, NextIteration and most Merges cost nothing, since they only give a value
another name.

Ops that wait come last in the order, where nothing else can run before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime.frame_plan import CONTROL_FLOW, FramePlan
from evergraph.runtime.frame_slots import Shared
from evergraph.runtime.frames import Placement

__all__ = ["CONTROL_FLOW", "DataflowPlan"]


class DataflowPlan:
    """A plan with control flow. Several threads may execute it at once: a run's values are its own."""

    def __init__(
        self,
        order: Sequence[Operation],
        feeds: Sequence[Tensor],
        fetches: Sequence[Tensor],
        bind: Callable[[Operation], Callable[..., Any]],
        check_running: Callable[[], None],
    ) -> None:
        placement = Placement(order, set(feeds))
        shared = Shared(
            placement,
            frozenset(order),
            frozenset(feeds),
            frozenset(fetches),
            bind,
            check_running,
        )
        frame = FramePlan(placement.root, shared)
        self._feed_slots = [frame.feed(tensor) for tensor in feeds]
        frame.build()
        #: For each fetched tensor: its slot and that of its guard.
        self._fetches = [self._fetch(frame, placement, tensor) for tensor in fetches]
        self._tensors = list(fetches)
        self._frame = frame.finish(keep=[slot for slot, _ in self._fetches])

    def _fetch(self, frame: FramePlan, placement: Placement, tensor: Tensor) -> tuple[int, int]:
        if not frame.is_fed(tensor) and placement.result(tensor.op) is not placement.root:
            raise errors.InvalidArgumentError(
                tensor.op.node_def,
                tensor.op,
                f"'{tensor.name}' is inside a loop, where it has a value for every iteration; fetch the result of the "
                "tf.while_loop instead",
            )
        slot = frame.slot(tensor)
        condition = frame.condition(tensor)
        return slot, frame.guards.slot(condition) if condition else 0

    def execute(self, fed_values: Sequence[Any]) -> list[Any]:
        """One run: the values of the fetched tensors. Raises InvalidArgumentError where one is dead."""
        values = self._frame.template.copy()
        for slot, value in zip(self._feed_slots, fed_values, strict=True):
            values[slot] = value
        with np.errstate(all="ignore"):
            self._frame.run(values)
        for tensor, (_, guard) in zip(self._tensors, self._fetches, strict=True):
            if not values[guard]:
                raise errors.InvalidArgumentError(
                    tensor.op.node_def,
                    tensor.op,
                    f"Retval[{tensor.value_index}] does not have value: '{tensor.name}' is in a branch that was not "
                    "taken; fetch the result of the tf.cond instead",
                )
        return [values[slot] for slot, _ in self._fetches]
