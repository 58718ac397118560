"""Putting a tensor together from the boxes in which it is stored.

A box is a tuple of slices, one a dimension, each with its start and stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Box: TypeAlias = tuple[slice, ...]


def box_shape(box: Box) -> tuple[int, ...]:
    """The shape of what a box holds."""
    return tuple(part.stop - part.start for part in box)


def overlap(a: Box, b: Box) -> tuple[Box, Box] | None:
    """Where two boxes meet, as an index into the first and one into the second."""
    in_a, in_b = [], []
    for x, y in zip(a, b, strict=True):
        start, stop = max(x.start, y.start), min(x.stop, y.stop)
        if start >= stop:
            return None
        in_a.append(slice(start - x.start, stop - x.start))
        in_b.append(slice(start - y.start, stop - y.start))
    return tuple(in_a), tuple(in_b)


def first_overlapping(boxes: Sequence[Box], rank: int) -> int | None:
    """The number of the first box that meets one before it; None if no two meet."""
    bounds = np.zeros((2, len(boxes), rank), np.int64)
    for number, box in enumerate(boxes):
        if 0 in box_shape(box):
            continue  # it holds nothing, and its bounds stay such that nothing meets it
        starts, stops = bounds[:, :number]
        bounds[:, number] = [[part.start for part in box], [part.stop for part in box]]
        meets = (starts < bounds[1, number]) & (stops > bounds[0, number])
        if meets.all(axis=1).any():
            return number
    return None


def cover(wanted: Box, boxes: Sequence[Box]) -> tuple[list[tuple[int, Box, Box]], int]:
    """Which boxes ``wanted`` is put together from.

    Args:
        wanted: the box to fill.
        boxes: what is stored; no two meet.

    Returns:
        For each box needed its number, an index into the wanted array and one into the box's;
        and how many elements of the wanted array none of them holds.
    """
    plan = []
    missing = math.prod(box_shape(wanted))
    for number, box in enumerate(boxes):
        common = overlap(wanted, box)
        if common is not None:
            plan.append((number, *common))
            missing -= math.prod(box_shape(common[0]))
    return plan, missing
