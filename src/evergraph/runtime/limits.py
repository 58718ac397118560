"""What bounds runs: how long they take, how many steps, how much memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from evergraph import errors
from evergraph.graph import room
from evergraph.graph.operation import Operation
from evergraph.runtime.memory import SMALL, RunMemory, predictor


class Limits(NamedTuple):
    """For each run; None: no limit.

    Attributes:
        seconds: how long it may take. Looked at before each operation, not within one.
        bytes: how much memory its values may take at a time (see ``memory``).
        steps: how many iterations of loops and calls of functions it may have.
    """

    seconds: float | None = None
    bytes: int | None = None
    steps: int | None = None


class RunLimits(threading.local):
    """What is left of them to the run that this thread is in."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.steps: int | None = None
        self.memory: RunMemory | None = None

    def step(self) -> None:
        """Counts an iteration or a call. Raises ResourceExhaustedError where it is one too many."""
        if self.steps is not None:
            if self.steps <= 0:
                raise errors.ResourceExhaustedError(
                    None,
                    None,
                    "The run has more steps (iterations of loops, calls of functions) than are allowed. "
                    "Where the model is meant to take as many, load it with a higher steps=",
                )
            self.steps -= 1

    def check_time(self) -> None:
        """Raises DeadlineExceededError where the time is over."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise errors.DeadlineExceededError(None, None, "The run took longer than its timeout")


class Bounded:
    """A run, as a context: within it, what is left begins at ``limits``."""

    __slots__ = ("_before", "_left", "_limits", "_room")

    def __init__(self, left: RunLimits, limits: Limits) -> None:
        self._left = left
        self._limits = limits

    def __enter__(self) -> None:
        left, limits = self._left, self._limits
        self._before = (left.deadline, left.steps, left.memory)
        if limits.seconds is not None:
            left.deadline = time.monotonic() + limits.seconds
        # A run within a run takes from what the outer one has.
        if left.steps is None:
            left.steps = limits.steps
        if left.memory is None and limits.bytes is not None:
            left.memory = RunMemory(limits.bytes)
        self._room = room.enter(left.memory)

    def __exit__(self, *unused: object) -> None:
        self._left.deadline, self._left.steps, self._left.memory = self._before
        room.enter(self._room)


def guarded(op: Operation, function: Callable[..., Any], left: RunLimits) -> Callable[..., Any]:
    """The kernel ``function`` of ``op``, asking before and telling after what it takes."""
    predict = predictor(op)

    def call(*values: Any) -> Any:
        deadline = left.deadline
        if deadline is not None and time.monotonic() > deadline:
            left.check_time()
        memory = left.memory
        if memory is None:
            return function(*values)
        need = predict(values)
        if need > SMALL:
            memory.reserve(need)
        result = function(*values)
        if type(result) is not np.ndarray or result.nbytes >= SMALL or result.dtype == object:
            memory.made(result)
        return result

    return call
