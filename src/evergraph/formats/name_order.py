"""The order in which a V1 checkpoint lists its tensors: that of their names; and for the slices of one tensor, which
have one name, the order that TensorFlow's sort leaves them in.

TensorFlow sorts with C++'s ``std::sort``, which keeps equals in order only among 16 or fewer. This is that sort as
libstdc++ has it: quicksort by the median of three (Musser 1997), then insertion. Its other branch, heapsort where
quicksort goes too deep, is left out: names come nearly sorted, and do not lead there.
"""

from __future__ import annotations

from collections.abc import Sequence

_FEW = 16


def name_order(names: Sequence[str]) -> list[int]:
    """The numbers of ``names`` in the order in which TensorFlow's V1 writer takes them."""
    order = list(range(len(names)))
    spans = [(0, len(names))]
    while spans:
        first, last = spans.pop()
        while last - first > _FEW:
            cut = _partition(order, names, first, last)
            spans.append((cut, last))
            last = cut
    for i in range(1, len(order)):
        _insert(order, names, i)
    return order


def _partition(order: list[int], names: Sequence[str], first: int, last: int) -> int:
    """Brings what sorts before a pivot to the front; where the rest begins."""
    pivot = _median(order, names, first + 1, (first + last) // 2, last - 1)
    order[first], order[pivot] = order[pivot], order[first]
    key = names[order[first]]
    low, high = first + 1, last
    while True:
        while names[order[low]] < key:
            low += 1
        high -= 1
        while key < names[order[high]]:
            high -= 1
        if low >= high:
            return low
        order[low], order[high] = order[high], order[low]
        low += 1


def _median(order: list[int], names: Sequence[str], a: int, b: int, c: int) -> int:
    """The one of three places whose name is between the others'."""
    x, y, z = (names[order[place]] for place in (a, b, c))
    if x < y:
        return b if y < z else c if x < z else a
    return a if x < z else c if y < z else b


def _insert(order: list[int], names: Sequence[str], last: int) -> None:
    """Moves the item at ``last`` in front of those before it that sort after it."""
    item, place = order[last], last
    while place and names[item] < names[order[place - 1]]:
        order[place] = order[place - 1]
        place -= 1
    order[place] = item
