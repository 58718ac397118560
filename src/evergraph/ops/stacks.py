"""Stacks: what a loop keeps of its iterations for the backward loop of a gradient.

A stack lives in the run that makes it: its handle is the stack itself, and is gone with the run's values.
"""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph import room
from evergraph.graph.registry import op
from evergraph.ops import shape_rules


class RunStack:
    """A stack of arrays of one type; at most ``max_size`` of them (negative: no limit)."""

    __slots__ = ("_closed", "_dtype", "_items", "_max_size", "_name")

    def __init__(self, name: str, dtype: DType, max_size: int) -> None:
        self._name = name
        self._dtype = dtype
        self._max_size = max_size
        self._items: list[Any] = []
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise errors.InvalidArgumentError(
                None, None, f"Stack[{self._name}] has already been closed."
            )

    def push(self, value: Any) -> Any:
        """Puts ``value`` on top and returns it. Raises InvalidArgumentError where the stack is full or closed."""
        self._check_open()
        if 0 <= self._max_size <= len(self._items):
            raise errors.InvalidArgumentError(
                None, None, f"Stack[{self._name}] overflowed its max_size ({self._max_size})"
            )
        room.keep(value)
        self._items.append(value)
        return value

    def pop(self) -> Any:
        """Takes the value on top. Raises InvalidArgumentError where there is none, or the stack is closed."""
        self._check_open()
        if not self._items:
            raise errors.InvalidArgumentError(
                None, None, f"Stack[{self._name}] is empty when calling Pop()."
            )
        return self._items.pop()

    def check_type(self, dtype: DType) -> None:
        """Raises InvalidArgumentError unless the stack holds values of type ``dtype``."""
        if dtype != self._dtype:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Must have type {self._dtype.name} but got {dtype.name} (Stack[{self._name}])",
            )

    def read(self) -> RunStack:
        """What a reference to the stack gives where a value is wanted (first version): itself."""
        return self

    def close(self) -> None:
        """Lets go of everything."""
        self._items.clear()
        self._closed = True


def _handle_shape(c):
    # Once a reference to two strings; the second version, a resource, still says so.
    return (2,)


# These serve both versions. The first is no stateful op to TensorFlow, and sees no context: nobody here needs one.


def _element_shape(c):
    return c.shape(1)


def _push(_, handle, elem, *, T):
    handle.check_type(T)
    return handle.push(elem)


def _pop(_, handle, *, elem_type):
    handle.check_type(elem_type)
    return handle.pop()


def _close(_, handle):
    handle.close()


@op("StackV2", "max_size: int32 -> handle: resource", elem_type="type", stack_name="string = ''",
    stateful=True)  # fmt: skip
class StackV2:
    shape = _handle_shape

    def compute(ctx, max_size, *, elem_type, stack_name):
        return RunStack(stack_name or ctx.op.name, elem_type, int(max_size))

    gradient = None


@op("StackPushV2", "handle: resource, elem: T -> output: T", T="type", swap_memory=False,
    stateful=True)  # fmt: skip
class StackPushV2:
    shape = _element_shape
    compute = _push
    gradient = None


@op("StackPopV2", "handle: resource -> elem: elem_type", elem_type="type", stateful=True)
class StackPopV2:
    shape = shape_rules.unknown
    compute = _pop
    gradient = None


@op("StackCloseV2", "handle: resource ->", stateful=True)
class StackCloseV2:
    compute = _close
    gradient = None


@op("Stack", "-> handle: Ref(string)", elem_type="type", stack_name="string = ''", stateful=True)
class Stack:
    shape = _handle_shape

    def compute(ctx, *, elem_type, stack_name):
        return RunStack(stack_name or ctx.op.name, elem_type, -1)

    gradient = None


@op(
    "StackPush", "handle: Ref(string), elem: T -> output: T", T="type", swap_memory=False, host=True
)
class StackPush:
    shape = _element_shape
    compute = _push
    gradient = None


@op("StackPop", "handle: Ref(string) -> elem: elem_type", elem_type="type", host=True)
class StackPop:
    shape = shape_rules.unknown
    compute = _pop
    gradient = None


@op("StackClose", "handle: Ref(string) ->", host=True)
class StackClose:
    compute = _close
    gradient = None
