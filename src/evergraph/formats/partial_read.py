"""Reads a box out of an array that lies in a file in C order, and little more than the box."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from evergraph.formats.array_memory import memory_of
from evergraph.formats.slice_assembly import Box

# Rows up to this size are read whole, many at a time: one call of the system costs more than the bytes.
_PIECE: Final = 1 << 20


def read_box(
    read_into: Callable[[int, memoryview], None],
    offset: int,
    shape: tuple[int, ...],
    box: Box,
    out: np.ndarray[Any, Any],
) -> None:
    """Fills ``out`` with the part ``box`` of an array.

    Args:
        read_into: fills a buffer from an offset in the file.
        offset: where the array begins.
        shape: of the array.
        box: within the shape.
        out: contiguous, of the box's shape and the array's type.
    """
    if not out.size:
        return
    row = math.prod(shape[1:]) * out.itemsize
    start = box[0].start if shape else 0
    if all(part == slice(0, size) for part, size in zip(box[1:], shape[1:], strict=True)):
        _fill(read_into, offset + start * row, out)
    elif row <= _PIECE:
        count = min(len(out), max(1, _PIECE // row))
        rows = np.empty((count, *shape[1:]), out.dtype)
        wanted = (slice(None), *box[1:])
        for first in range(0, len(out), count):
            some = rows[: len(out) - first]
            _fill(read_into, offset + (start + first) * row, some)
            out[first : first + count] = some[wanted]
    else:
        for number in range(len(out)):
            read_box(read_into, offset + (start + number) * row, shape[1:], box[1:], out[number])


def _fill(
    read_into: Callable[[int, memoryview], None], offset: int, out: np.ndarray[Any, Any]
) -> None:
    read_into(offset, memory_of(out))
