"""Putting a tensor together from the boxes in which it is stored.

A box is a tuple of slices, one a dimension, each with its start and stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Box: TypeAlias = tuple[slice, ...]
#: The starts and stops of boxes: [2, boxes, rank].
Bounds: TypeAlias = npt.NDArray[np.int64]


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


def bounds_of(boxes: Sequence[Box], rank: int) -> Bounds:
    """Where the boxes begin and end; a box that holds nothing begins and ends at 0, and meets none."""
    bounds = np.zeros((2, len(boxes), rank), np.int64)
    for number, box in enumerate(boxes):
        if 0 not in box_shape(box):
            bounds[:, number] = [[part.start for part in box], [part.stop for part in box]]
    return bounds


def first_overlapping(boxes: Sequence[Box], rank: int) -> int | None:
    """The number of the first box that meets one before it; None if no two meet."""
    bounds = bounds_of(boxes, rank)
    for number in range(len(boxes)):
        starts, stops = bounds[:, :number]
        start, stop = bounds[:, number]
        if ((starts < stop) & (stops > start)).all(axis=1).any():
            return number
    return None


def cover(
    wanted: Box, boxes: Sequence[Box], bounds: Bounds
) -> tuple[list[tuple[int, Box, Box]], int]:
    """Which boxes ``wanted`` is put together from.

    Args:
        wanted: the box to fill.
        boxes: what is stored; no two meet.
        bounds: where those begin and end.

    Returns:
        For each box needed its number, an index into the wanted array and one into the box's;
        and how many elements of the wanted array none of them holds.
    """
    plan = []
    missing = math.prod(box_shape(wanted))
    starts, stops = bounds
    start, stop = [part.start for part in wanted], [part.stop for part in wanted]
    for number in np.flatnonzero(((starts < stop) & (stops > start)).all(axis=1)).tolist():
        common = overlap(wanted, boxes[number])
        if common is not None:
            plan.append((number, *common))
            missing -= math.prod(box_shape(common[0]))
    return plan, missing
