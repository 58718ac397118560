"""The order in which stock TensorFlow's hash tables list their keys.

A MutableHashTable writes them so into a checkpoint, and the text of a checkpoint of format V1 lists tensors so. Such a
table is a ``std::unordered_map`` of GNU's C++ library. Its elements are one chain, those of a bucket side by side: a
new element goes to the front of its bucket, or, where that is empty, to the front of the chain. A fuller map takes more
buckets, and its elements are put in anew, in the order of the chain. Clearing it leaves the buckets.

An integer is its own hash; a string's is MurmurHash64A, in TensorFlow's tables with a seed of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from evergraph.ops import string_hashes
from evergraph.ops.string_hashes import Words

#: Numbers of buckets, each the first prime of the library's list that is at least twice the one before.
_BUCKETS = (
    13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697, 1447153, 2938679,
    5967347, 12117689, 24607243, 49969847, 101473717, 206062531, 418451333, 849749479, 1725587117, 3504151727,
)  # fmt: skip

#: So many changes are noted before the order is worked out unasked: a table may live long and never be listed.
_MOST_NOTED = 1 << 18

Key = Any


class KeyOrder:
    """The keys of a table in TensorFlow's order.

    What is done is noted at first; the order is worked out when somebody asks for it.

    Args:
        hashes: gives the hash of each of a list of keys; that of TensorFlow's tables.
    """

    def __init__(self, hashes: Callable[[list[Key]], Words] | None = None) -> None:
        self._hashes_of = hashes or hashes_of
        self._sizes = iter(_BUCKETS)
        #: How many buckets there are; each that holds a key, with those that it holds, in the order in which they
        #: came. Both orders are the reverse of the chain's.
        self._size = 0
        self._buckets: dict[int, list[Key]] = {}
        self._hashes: dict[Key, int] = {}
        self._noted: list[tuple[bool, Key]] = []

    def add(self, key: Key) -> None:
        """Adds a key that is not there."""
        self._note(True, key)

    def remove(self, key: Key) -> None:
        """Removes a key that is there."""
        self._note(False, key)

    def _note(self, is_new: bool, key: Key) -> None:
        self._noted.append((is_new, key))
        if len(self._noted) >= _MOST_NOTED:
            self._work_out()

    def clear(self) -> None:
        """Removes all keys."""
        self._work_out()
        self._buckets, self._hashes = {}, {}

    def keys(self) -> list[Key]:
        """All keys in order."""
        self._work_out()
        return [key for bucket in reversed(self._buckets.values()) for key in reversed(bucket)]

    def _work_out(self) -> None:
        noted, self._noted = self._noted, []
        for is_new, group in itertools.groupby(noted, key=lambda note: note[0]):
            keys = [key for _, key in group]
            if is_new:
                self._insert(keys)
            else:
                self._erase(keys)

    def _insert(self, keys: list[Key]) -> None:
        room = self._size - len(self._hashes)
        self._put(keys[:room], self._hashes_of(keys[:room]))
        if len(keys) > room:
            self._grow(keys[room:])

    def _put(self, keys: list[Key], numbers: Words) -> None:
        self._hashes.update(zip(keys, numbers.tolist(), strict=True))
        buckets = (numbers % np.uint64(self._size or 1)).tolist()
        for key, bucket in zip(keys, buckets, strict=True):
            self._buckets.setdefault(bucket, []).append(key)

    def _grow(self, new: list[Key]) -> None:
        """Adds keys for which there are too few buckets: all are put in anew each time that there are more."""
        chain = self.keys()
        known = len(chain)
        keys = chain + new
        before = np.array([self._hashes[key] for key in chain], np.uint64)
        numbers = np.concatenate([before, self._hashes_of(new)])
        order = np.arange(known)
        while known < len(keys):
            self._size = next(self._sizes)
            now = min(self._size, len(keys))
            order = np.concatenate([order, np.arange(known, now)])
            buckets = numbers[order] % np.uint64(self._size)
            _, first, which = np.unique(buckets, return_index=True, return_inverse=True)
            order = order[np.lexsort((-np.arange(now), -first[which]))]
            known = now
        self._buckets = {}
        self._put([keys[place] for place in order[::-1].tolist()], numbers[order[::-1]])

    def _erase(self, keys: list[Key]) -> None:
        for key in keys:
            place = self._hashes.pop(key) % self._size
            bucket = self._buckets[place]
            bucket.remove(key)
            if not bucket:
                del self._buckets[place]


def hashes_of(keys: list[Key]) -> Words:
    """The hashes of integers or strings, all of one type, as 64-bit words."""
    if keys and isinstance(keys[0], bytes):
        return string_hashes.murmur64(keys)
    return np.array(keys, np.int64).view(np.uint64)


def library_hashes_of(keys: list[Key]) -> Words:
    """The hashes of strings in a map that names no hash of its own: ``std::hash<std::string>``."""
    return string_hashes.murmur64(keys, string_hashes.LIBRARY_SEED)
