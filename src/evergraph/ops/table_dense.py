"""A MutableDenseHashTable in a session: buckets that each hold one key, as TensorFlow has and saves them.

The number of buckets is a power of two. A key is looked for in the bucket that its hash names, then 1, 3, 6, 10 ...
buckets on, until there is one that is free; the table doubles before it is fuller than ``max_load_factor``. A free
bucket holds ``empty_key``; one that a key was removed from, ``deleted_key``. All buckets are exported, and saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evergraph.formats.dtypes import DType
from evergraph.graph.shape import text
from evergraph.ops.table_order import hashes_of
from evergraph.ops.table_state import Array, LookupTable, Shape, invalid

_COMBINE = np.uint64(0x9E3779B97F4A7800)
#: More buckets than this are not made at a program's bidding alone.
_MOST_AT_FIRST = 1 << 30


class DenseTable(LookupTable):
    """The buckets, and an index of them by key."""

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: Shape,
        empty_key: Any,
        deleted_key: Any,
        buckets: int,
        max_load_factor: float,
    ) -> None:
        empty = np.asarray(empty_key, key_dtype.as_numpy_dtype)
        super().__init__(name, key_dtype, value_dtype, empty.shape, value_shape)
        self._load = np.float32(max_load_factor)
        if not 0 < max_load_factor < 1:
            raise invalid(f"max_load_factor must be between 0 and 1, got: {max_load_factor}")
        if empty.ndim > 1 or len(value_shape) > 1:
            what, shape = ("key", empty.shape) if empty.ndim > 1 else ("value", value_shape)
            raise invalid(f"Empty {what} must be a scalar or a vector, got shape {text(shape)}")
        if buckets < 4 or buckets & (buckets - 1) or buckets > _MOST_AT_FIRST:
            raise invalid(
                f"Number of buckets must be at least 4 and a power of 2 (and at most {_MOST_AT_FIRST}), got: {buckets}"
            )
        self._empty = empty.reshape(1, -1)
        #: None: a table of the first form, which has no op that removes.
        self._deleted: Array = None
        if deleted_key is not None:
            deleted = np.asarray(deleted_key, key_dtype.as_numpy_dtype)
            if deleted.shape != empty.shape:
                raise invalid(
                    f"Empty and deleted keys must have same shape, got shapes: {text(empty.shape)} and "
                    f"{text(deleted.shape)}"
                )
            if np.array_equal(deleted, empty):
                raise invalid("Empty and deleted keys cannot be equal")
            self._deleted = deleted.reshape(1, -1)
        self._allocate(buckets)

    def _allocate(self, buckets: int) -> None:
        self._keys = np.repeat(self._empty, buckets, axis=0)
        self._values = self._rows(buckets)
        self._taken = bytearray(buckets)
        self._index = {}

    def as_keys(self, keys: Any) -> Array:
        """``keys`` as a row of keys (or one scalar key); never the two that stand for free buckets."""
        array = super().as_keys(keys)
        if array.ndim and len(self._outer(array)) != 1:
            raise invalid(
                f"Expected key shape {text((*array.shape[:1], *self.key_shape))} got {text(array.shape)} "
                f"(table '{self.name}')"
            )
        rows = array.reshape(-1, self._empty.shape[1])
        for kind, key in (("empty", self._empty), ("deleted", self._deleted)):
            if key is not None and np.any(np.all(rows == key, axis=1)):
                raise invalid(
                    f"Using the {kind}_key as a table key is not allowed: {key.ravel().tolist()} "
                    f"(table '{self.name}')"
                )
        return array

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys; of a key that is there twice, the later one counts."""
        listed, rows = self._matched(keys, values)
        with self.lock:
            self._make_room(len(self._index) + len(listed))
            self._insert(listed, rows)

    def _make_room(self, count: int) -> None:
        """Doubles the table until ``count`` keys are not too many."""
        buckets = len(self._keys)
        while np.float32(count) > np.float32(buckets) * self._load:
            buckets *= 2
        if buckets > len(self._keys):
            places = np.flatnonzero(np.frombuffer(self._taken, np.uint8))
            keys = self._listed(self._keys[places].reshape(-1, *self.key_shape))
            rows = self._values[places]
            self._allocate(buckets)
            self._insert(keys, rows)

    def _insert(self, keys: list[Any], rows: Array) -> None:
        new = [key for key in dict.fromkeys(keys) if key not in self._index]
        places = []
        for number in self._hashes(new):
            place = next(place for place in self._probe(number) if not self._taken[place])
            self._taken[place] = True
            places.append(place)
        if new:
            self._index.update(zip(new, places, strict=True))
            self._keys[places] = self._key_array(new).reshape(len(new), -1)
        # NumPy assigns in order: the last of several values stays.
        self._values[[self._index[key] for key in keys]] = rows

    def _probe(self, number: int) -> Iterator[int]:
        """The buckets for a hash, in the order in which they are tried."""
        mask = len(self._taken) - 1
        place = number & mask
        for step in range(1, len(self._taken) + 1):
            yield place
            place = (place + step) & mask

    def _hashes(self, keys: list[Any]) -> list[int]:
        if not self.key_shape:
            result = hashes_of(keys)
        elif self.key_shape == (1,):
            result = hashes_of([key for (key,) in keys])
        else:
            result = np.zeros(len(keys), np.uint64)
            for column in zip(*keys, strict=True):
                spread = _COMBINE + (result << np.uint64(10)) + (result >> np.uint64(4))
                result ^= hashes_of(list(column)) + spread
        numbers: list[int] = result.tolist()
        return numbers

    def remove(self, keys: Any) -> None:
        """Removes keys; those that are not there do no harm."""
        listed = self._listed(self.as_keys(keys))
        with self.lock:
            for key in listed:
                bucket = self._index.pop(key, None)
                if bucket is not None:
                    self._taken[bucket] = False
                    self._keys[bucket] = self._deleted

    def import_(self, keys: Any, values: Any) -> None:
        """Takes over all buckets. Raises InvalidArgumentError where they cannot be a table's."""
        keys = np.asarray(keys, self.key_dtype.as_numpy_dtype)
        rows = self._as_values(values)
        buckets = len(keys) if keys.ndim else 0
        expected = (buckets, self._empty.shape[1]), (buckets, self._values.shape[1])
        if (keys.shape, rows.shape) != expected or buckets < 4 or buckets & (buckets - 1):
            raise invalid(
                f"A DenseHashTable is imported as all its buckets, a power of 2 of them and at least 4: keys of shape "
                f"[buckets, {expected[0][1]}] and values of shape [buckets, {expected[1][1]}], got {text(keys.shape)} "
                f"and {text(rows.shape)} (table '{self.name}')"
            )
        taken = np.any(keys != self._empty, axis=1)
        if self._deleted is not None:
            taken &= np.any(keys != self._deleted, axis=1)
        places = np.flatnonzero(taken).tolist()
        listed = self._listed(keys[places].reshape(-1, *self.key_shape))
        with self.lock:
            self._keys, self._values = np.array(keys), np.array(rows)
            self._taken = bytearray(taken.tobytes())
            self._index = dict(zip(listed, places, strict=True))
            if len(self._index) < len(listed):
                self._find_twice(listed, places)

    def _find_twice(self, keys: list[Any], places: list[int]) -> None:
        """Of a key with several buckets, which TensorFlow may leave after removals, counts the one that it finds."""
        buckets: dict[Any, set[int]] = {}
        for key, place in zip(keys, places, strict=True):
            buckets.setdefault(key, set()).add(place)
        twice = [key for key, its in buckets.items() if len(its) > 1]
        for key, number in zip(twice, self._hashes(twice), strict=True):
            self._index[key] = next(place for place in self._probe(number) if place in buckets[key])

    def export(self) -> tuple[Array, Array]:
        """All buckets: keys of shape [buckets, size of a key], values of shape [buckets, size of a value]."""
        with self.lock:
            return np.array(self._keys), np.array(self._values)
