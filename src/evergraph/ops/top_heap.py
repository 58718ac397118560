"""The order in which TensorFlow hands out the k largest elements where none is asked for.

It keeps them in a heap whose root is the worst of them, and hands out the heap as it lies. Which
element lies where follows from the steps of C++'s standard library, libstdc++, with which
TensorFlow's packages are built. Sources: lib/gtl/top_n.h (when the heap is made, and what comes
into it); bits/stl_heap.h (make_heap, pop_heap, push_heap: a hole sinks to the bottom along the
worse children, then the value rises from there).
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: So many elements are compared with the heap's worst at once.
_BLOCK = 4096


def in_order_of_the_heap(x: Any, order: Any) -> Any:
    """``order`` [..., k], the indices of the largest elements of the rows of ``x``, as they lie."""
    k = order.shape[-1]
    rows = x.reshape(-1, x.shape[-1])
    found = [_heap(row, k) for row in rows]
    return np.array(found, np.intp).reshape(order.shape)


def _heap(row: Any, k: int) -> list[int]:
    # It is made when there is one element too many.
    heap = _Heap(row, k + 1)
    heap.make()
    heap.drop()
    heap.items.pop()
    for start in range(k + 1, row.size, _BLOCK):
        worst = row[heap.items[0]]
        chosen = np.flatnonzero(~(row[start : start + _BLOCK] <= worst)) + start
        for place in chosen.tolist():
            if heap.better(place, heap.items[0]):
                heap.drop()
                heap.rise(0, k - 1, place)
    return heap.items


class _Heap:
    """Places in a row; every one is at least as bad as its children."""

    def __init__(self, row: Any, size: int) -> None:
        self._row = row
        self.items = list(range(size))

    def better(self, one: int, other: int) -> bool:
        """Whether the element at ``one`` is larger, or as large and comes first."""
        a, b = self._row[one], self._row[other]
        if b < a:
            return True
        return False if b > a else one < other

    def make(self) -> None:
        size = len(self.items)
        for parent in range((size - 2) // 2, -1, -1):
            self._sink(parent, size, self.items[parent])

    def drop(self) -> None:
        """Takes the root out, to the end of the items."""
        last = len(self.items) - 1
        value, self.items[last] = self.items[last], self.items[0]
        if last:
            self._sink(0, last, value)

    def rise(self, top: int, hole: int, value: int) -> None:
        """Puts ``value`` into ``hole``, or above, as far as ``top``."""
        items = self.items
        while hole > top and self.better(items[(hole - 1) // 2], value):
            items[hole] = items[(hole - 1) // 2]
            hole = (hole - 1) // 2
        items[hole] = value

    def _sink(self, top: int, size: int, value: int) -> None:
        items, hole, child = self.items, top, top
        while child < (size - 1) // 2:
            child = 2 * (child + 1)
            if self.better(items[child], items[child - 1]):
                child -= 1
            items[hole] = items[child]
            hole = child
        if size % 2 == 0 and child == (size - 2) // 2:
            items[hole] = items[2 * child + 1]
            hole = 2 * child + 1
        self.rise(top, hole, value)
