"""What a queue is in a session: elements in order, and who waits for them.

An element is a tuple with one array for each component. All methods that may wait take ``wait(condition, ready)``
(KernelContext.wait), which stops when the session closes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.dtypes import DType
from evergraph.graph.shape import Dims, compatible, is_fully_defined, text

Element = tuple[Any, ...]
Wait = Callable[[threading.Condition, Callable[[], bool]], None]


class Queue:
    """First in, first out. ``capacity`` below zero: no limit."""

    kind = "FIFOQueue"

    def __init__(
        self, name: str, dtypes: Sequence[DType], shapes: Sequence[Dims], capacity: int
    ) -> None:
        self.name = name
        self.dtypes = tuple(dtypes)
        self.shapes = tuple(shapes)
        self.capacity = capacity if capacity >= 0 else float("inf")
        self.closed = False
        self._cancelled = False
        self._elements: deque[Element] = deque()
        self._changed = threading.Condition()
        #: Those who put or take, in the order in which they came.
        self._putters: list[object] = []
        self._takers: list[object] = []

    def __len__(self) -> int:
        return len(self._elements)

    # ------------------------------------------------------------------------------------- putting

    def put(self, elements: Sequence[Element], wait: Wait) -> None:
        """Adds ``elements``, one after the other as there is room.

        Raises CancelledError where the queue is closed, or closes with pending ones cancelled.
        """
        for element in elements:
            self._check(element)
        with self._changed:
            if self.closed:
                raise errors.CancelledError(None, None, f"{self._title} is closed.")
            turn = object()
            self._putters.append(turn)
            try:
                for element in elements:
                    wait(self._changed, lambda: self._cancelled or self._may_put(turn))
                    if self._cancelled:
                        raise errors.CancelledError(
                            None, None, f"Enqueue operation was cancelled: {self._title} is closed."
                        )
                    self._elements.append(element)
                    self._changed.notify_all()
            finally:
                self._putters.remove(turn)
                self._changed.notify_all()

    def _may_put(self, turn: object) -> bool:
        return self._putters[0] is turn and len(self._elements) < self.capacity

    def _check(self, element: Element) -> None:
        for i, (value, dims) in enumerate(zip(element, self.shapes, strict=False)):
            if not compatible(value.shape, dims):
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Shape mismatch in tuple component {i}. Expected {text(dims)}, got {text(value.shape)}",
                )

    # -------------------------------------------------------------------------------------- taking

    def take(self, count: int, wait: Wait, at_least: int | None = None) -> list[Element]:
        """Removes ``count`` elements, waiting until there are as many.

        Where the queue is closed, ``at_least`` are enough. Raises OutOfRangeError where there are fewer; they stay.
        """
        taken: list[Element] = []
        with self._changed:
            turn = object()
            self._takers.append(turn)
            try:
                while len(taken) < count:
                    wait(self._changed, lambda: self._takers[0] is turn and self._may_take())
                    if not self._available():
                        break
                    taken.append(self._pop())
                    self._changed.notify_all()
                if len(taken) < (count if at_least is None else min(count, at_least)):
                    raise errors.OutOfRangeError(
                        None,
                        None,
                        f"{self._title} is closed and has insufficient elements "
                        f"(requested {count}, current size {len(taken)})",
                    )
            except BaseException:
                self._elements.extendleft(reversed(taken))
                raise
            finally:
                self._takers.remove(turn)
                self._changed.notify_all()
        return taken

    def _may_take(self) -> bool:
        # What was put before the queue closed still comes.
        return self._available() > 0 or (self.closed and not self._putters)

    def _available(self) -> int:
        return len(self._elements)

    def _pop(self) -> Element:
        return self._elements.popleft()

    def batch(self, elements: Sequence[Element]) -> list[Any]:
        """The components of ``elements``, each stacked along a new first dimension."""
        return [
            self._stack([element[i] for element in elements], i) for i in range(len(self.dtypes))
        ]

    def _stack(self, values: list[Any], component: int) -> Any:
        if values:
            return np.stack(values)
        dims = self.shapes[component] or ()
        kind = self.dtypes[component].as_numpy_dtype
        return np.empty((0, *(d or 0 for d in dims)), kind)

    def check_can_batch(self) -> None:
        """Raises InvalidArgumentError where elements may have different shapes."""
        if len(self.shapes) != len(self.dtypes):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes.",
            )

    # ------------------------------------------------------------------------------------- closing

    def close(self, cancel_pending: bool) -> None:
        """Takes no more elements; ``cancel_pending``: also not those that are waiting to be put.

        Raises CancelledError where it is closed already, unless pending ones are to be cancelled.
        """
        with self._changed:
            if self.closed and not cancel_pending:
                raise errors.CancelledError(None, None, f"{self._title} is already closed.")
            self.closed = True
            self._cancelled = self._cancelled or cancel_pending
            self._changed.notify_all()

    @property
    def _title(self) -> str:
        return f"{self.kind} '{self.name}'"


class PaddingQueue(Queue):
    """First in, first out; shapes may be partly known, and batches are filled up with zeros."""

    kind = "PaddingFIFOQueue"

    def _stack(self, values: list[Any], component: int) -> Any:
        if not values or is_fully_defined(self.shapes[component]):
            return super()._stack(values, component)
        size = np.max([value.shape for value in values], axis=0)
        fill = b"" if values[0].dtype == object else 0
        result = np.full((len(values), *size), fill, values[0].dtype)
        for i, value in enumerate(values):
            place: tuple[Any, ...] = (i, *map(slice, value.shape))
            result[place] = value
        return result


class ShuffleQueue(Queue):
    """Elements come out in random order. ``draw(n)`` gives a number below ``n``.

    While it is open, ``least`` elements stay in, so that there is something to choose from.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        name: str,
        dtypes: Sequence[DType],
        shapes: Sequence[Dims],
        capacity: int,
        least: int,
        draw: Callable[[int], int],
    ) -> None:
        super().__init__(name, dtypes, shapes, capacity)
        self._least = least
        self._draw = draw

    def _available(self) -> int:
        least = 0 if self.closed and not self._putters else self._least
        return max(0, len(self._elements) - least)

    def _pop(self) -> Element:
        place = self._draw(len(self._elements))
        found = self._elements[place]
        # The last one takes its place, as in TensorFlow.
        self._elements[place] = self._elements[-1]
        self._elements.pop()
        return found
