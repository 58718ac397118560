"""The order in which stock TensorFlow's MutableHashTable lists its keys, and so writes them into a checkpoint.

That table is a ``std::unordered_map`` of GNU's C++ library. Its elements are one chain, those of a bucket side by side:
a new element goes to the front of its bucket, or, where that is empty, to the front of the chain. A fuller map takes
more buckets, and its elements are put in anew, in the order of the chain. Clearing it leaves the buckets.

An integer is its own hash; a string's is MurmurHash64A.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.ops import string_hashes

#: Numbers of buckets, each the first prime of the library's list that is at least twice the one before.
_BUCKETS = (
    13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697, 1447153, 2938679,
    5967347, 12117689, 24607243, 49969847, 101473717, 206062531, 418451333, 849749479, 1725587117, 3504151727,
)  # fmt: skip

Key = Any


class KeyOrder:
    """The keys of a table in TensorFlow's order.

    What is done is only noted; the order is worked out when somebody asks for it.
    """

    def __init__(self) -> None:
        self._sizes = iter(_BUCKETS)
        self._count = 0
        #: How many buckets there are; each that holds a key, with those that it holds, in the order in which they
        #: came. Both orders are the reverse of the chain's.
        self._size = 0
        self._buckets: dict[int, list[tuple[Key, int]]] = {}
        self._hashes: dict[Key, int] = {}
        self._noted: list[tuple[bool, Key]] = []

    def add(self, key: Key) -> None:
        """Adds a key that is not there."""
        self._noted.append((True, key))

    def remove(self, key: Key) -> None:
        """Removes a key that is there."""
        self._noted.append((False, key))

    def clear(self) -> None:
        """Removes all keys."""
        self._work_out()
        self._buckets, self._hashes, self._count = {}, {}, 0

    def keys(self) -> list[Key]:
        """All keys in order."""
        self._work_out()
        return [key for key, _ in self._chain()]

    def _chain(self) -> list[tuple[Key, int]]:
        return [
            element for bucket in reversed(self._buckets.values()) for element in reversed(bucket)
        ]

    def _work_out(self) -> None:
        noted, self._noted = self._noted, []
        hashes = hashes_of([key for is_new, key in noted if is_new])
        place = 0
        for is_new, key in noted:
            if is_new:
                self._insert(key, hashes[place])
                place += 1
            else:
                self._erase(key)

    def _insert(self, key: Key, number: int) -> None:
        if self._count + 1 > self._size:
            self._size = next(self._sizes)
            chain, self._buckets = self._chain(), {}
            for other, its_number in chain:
                self._buckets.setdefault(its_number % self._size, []).append((other, its_number))
        self._buckets.setdefault(number % self._size, []).append((key, number))
        self._hashes[key] = number
        self._count += 1

    def _erase(self, key: Key) -> None:
        number = self._hashes.pop(key)
        bucket = self._buckets[number % self._size]
        bucket.remove((key, number))
        if not bucket:
            del self._buckets[number % self._size]
        self._count -= 1


def hashes_of(keys: list[Key]) -> list[int]:
    """The hashes of integers or strings, all of one type, as numbers of 64 bits."""
    if keys and isinstance(keys[0], bytes):
        found: list[int] = string_hashes.murmur64(keys).tolist()
        return found
    numbers: list[int] = np.asarray(keys, np.int64).view(np.uint64).tolist()
    return numbers
