"""The bytes of a tensor as the data file of a bundle has them: numbers in C order, little-endian."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from evergraph.formats.array_memory import memory_of
from evergraph.formats.bundle_strings import encode_strings
from evergraph.formats.crc32c import crc32c
from evergraph.formats.pinned_array import Array, PinnedArray
from evergraph.storage.filesystem import Bytes

# Large arrays are summed and handed over in pieces that stay in the cache of a core in between.
_PIECE = 1 << 20
# Copying a small array takes less time than making a view of its memory.
_SMALL = 4096


def steady(array: Array | PinnedArray) -> AbstractContextManager[Array]:
    """The elements, which stay as they are inside of the block."""
    return array.steady() if isinstance(array, PinnedArray) else nullcontext(array)


def hand_over(array: Array | PinnedArray, write: Callable[[Bytes], object]) -> int:
    """Calls ``write`` with the bytes, piece by piece: they are the array's own memory, unless it is small.

    Args:
        array: numbers, or bytes objects; it must not change meanwhile, unless it is pinned.
        write: takes a piece, which may change when it has returned.

    Returns:
        The checksum of all bytes.
    """
    if array.dtype.kind == "O":
        with steady(array) as elements:
            pieces, total = encode_strings(elements.reshape(-1).tolist())
        for text in pieces:
            write(text)
        return total
    if array.dtype.str[0] == ">":
        with steady(array) as elements:
            array = elements.astype(elements.dtype.newbyteorder("<"))
    if array.nbytes <= _SMALL:
        with steady(array) as elements:
            data = elements.tobytes()
        write(data)
        return crc32c(data)
    if not isinstance(array, PinnedArray):
        array = np.ascontiguousarray(array)
    crc = 0
    for start in range(0, array.nbytes, _PIECE):
        with steady(array) as elements:  # between two pieces, those of a pinned array may move
            piece = memory_of(elements)[start : start + _PIECE]
            crc = crc32c(piece, crc)
            write(piece)
    return crc
