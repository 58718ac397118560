"""What a lookup table is in a session: keys, and a row of values for each.

A key is a Python integer or bytes, or a tuple of them where the keys are vectors.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.shape import text
from evergraph.ops.table_order import KeyOrder

Array = Any
Shape = tuple[int, ...]


def invalid(message: str) -> errors.InvalidArgumentError:
    """The error for arguments that do not fit a table."""
    return errors.InvalidArgumentError(None, None, message)


class LookupTable:
    """A table; ``name`` is that of the node that made it.

    ``_index`` says in which row of ``_values`` a key's value is; values that have a shape lie flat.
    """

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        key_shape: Shape = (),
        value_shape: Shape = (),
    ) -> None:
        self.name = name
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.key_shape = key_shape
        self.value_shape = value_shape
        self.lock = threading.RLock()
        self._size = math.prod(value_shape)
        self._index: dict[Any, int] = {}
        self._values = self._rows(0)

    def __len__(self) -> int:
        return len(self._index)

    def find(self, keys: Any, default: Any) -> Array:
        """The value of each key; ``default`` (one value, or one for each key) for those that are not there.

        Raises InvalidArgumentError where the shapes do not fit.
        """
        keys, default = self.as_keys(keys), self._as_values(default)
        outer = self._outer(keys)
        if default.shape not in (self.value_shape, outer + self.value_shape):
            raise invalid(
                f"Expected shape {text(self.value_shape)} or {text(outer + self.value_shape)} for the default value, "
                f"got {text(default.shape)} (table '{self.name}')"
            )
        wanted = np.broadcast_to(self._defaults(default), outer + self.value_shape)
        result = np.array(wanted, order="C")
        listed = self._listed(keys)
        with self.lock:
            get = self._index.get
            places = np.fromiter((get(key, -1) for key in listed), np.intp, len(listed))
            found = places >= 0
            result.reshape(len(listed), self._size)[found] = self._values[places[found]]
        return result

    def _defaults(self, default: Array) -> Array:
        return default

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys."""
        self._refuse("insert into")

    def remove(self, keys: Any) -> None:
        """Removes keys; those that are not there do no harm."""
        self._refuse("remove from")

    def _refuse(self, what: str) -> NoReturn:
        raise errors.UnimplementedError(
            None,
            None,
            f"Cannot {what} the table '{self.name}': a HashTable does not change once it is initialized. "
            "MutableHashTable and DenseHashTable do.",
        )

    def import_(self, keys: Any, values: Any) -> None:
        """Replaces all that is in the table by what ``export`` gave."""
        raise NotImplementedError

    def export(self) -> tuple[Array, Array]:
        """All keys, and their values."""
        raise NotImplementedError

    def check_dtypes(self, key_dtype: DType, value_dtype: DType | None = None) -> None:
        """Raises InvalidArgumentError unless these are the types of keys and values."""
        if key_dtype != self.key_dtype or value_dtype not in (None, self.value_dtype):
            given = key_dtype.name + (f"->{value_dtype.name}" if value_dtype else "")
            raise invalid(
                f"Conflicting key/value dtypes {given} with {self.key_dtype.name}->{self.value_dtype.name} "
                f"for table '{self.name}'"
            )

    # --------------------------------------------------------------------- arrays to keys and rows

    def as_keys(self, keys: Any) -> Array:
        """``keys`` as an array. Raises InvalidArgumentError unless its shape ends in that of a key."""
        array = np.asarray(keys, self.key_dtype.as_numpy_dtype)
        rank = len(self.key_shape)
        if array.ndim < rank or array.shape[array.ndim - rank :] != self.key_shape:
            raise invalid(
                f"Input key shape {text(array.shape)} must end with the table's key shape {text(self.key_shape)} "
                f"(table '{self.name}')"
            )
        return array

    def _outer(self, keys: Array) -> Shape:
        return keys.shape[: keys.ndim - len(self.key_shape)]

    def _as_values(self, values: Any) -> Array:
        return np.asarray(values, self.value_dtype.as_numpy_dtype)

    def _listed(self, keys: Array) -> list[Any]:
        if not self.key_shape:
            return keys.ravel().tolist()
        return list(map(tuple, keys.reshape(-1, *self.key_shape).tolist()))

    def _rows(self, count: int) -> Array:
        """``count`` rows of what values begin with: zeros, or empty strings."""
        fill = b"" if self.value_dtype == dtypes.string else 0
        return np.full((count, self._size), fill, self.value_dtype.as_numpy_dtype)

    def _matched(self, keys: Any, values: Any) -> tuple[list[Any], Array]:
        """Keys and rows of the same number. Raises InvalidArgumentError where they do not match."""
        keys, values = self.as_keys(keys), self._as_values(values)
        expected = self._outer(keys) + self.value_shape
        if values.shape != expected:
            raise invalid(
                f"Expected shape {text(expected)} for value, got {text(values.shape)} (table '{self.name}')"
            )
        listed = self._listed(keys)
        return listed, values.reshape(len(listed), self._size)

    def _key_array(self, keys: Sequence[Any]) -> Array:
        array = np.empty((len(keys), *self.key_shape), self.key_dtype.as_numpy_dtype)
        array[:] = keys
        return array


class StaticTable(LookupTable):
    """A HashTable: filled once, then only read."""

    def __init__(self, name: str, key_dtype: DType, value_dtype: DType) -> None:
        super().__init__(name, key_dtype, value_dtype)
        self.initialized = False

    def initialize(self, keys: Any, values: Any) -> None:
        """Fills the table. Once it is full, as many entries again do no harm.

        Raises FailedPreconditionError for a key with two values, or where the table has other entries.
        """
        listed, rows = self._matched(keys, values)
        with self.lock:
            if self.initialized:
                if len(listed) != len(self):
                    raise errors.FailedPreconditionError(
                        None,
                        None,
                        f"Table already initialized: '{self.name}' has {len(self)} entries and cannot be filled anew "
                        f"with {len(listed)}.",
                    )
                return
            index: dict[Any, int] = {}
            for row, key in enumerate(listed):
                first = index.setdefault(key, row)
                if first != row and rows[first, 0] != rows[row, 0]:
                    raise errors.FailedPreconditionError(
                        None,
                        None,
                        f"HashTable has different value for same key. Key {_shown(key)} has {_shown(rows[first, 0])} "
                        f"and trying to add value {_shown(rows[row, 0])} (table '{self.name}')",
                    )
            self._index, self._values = index, np.array(rows)
            self.initialized = True

    def import_(self, keys: Any, values: Any) -> None:
        """As ``initialize``."""
        self.initialize(keys, values)

    def find(self, keys: Any, default: Any) -> Array:
        """The value of each key. Raises FailedPreconditionError before the table is initialized."""
        if not self.initialized:
            raise errors.FailedPreconditionError(None, None, self._uninitialized())
        return super().find(keys, default)

    def _uninitialized(self) -> str:
        return (
            f"Table not initialized: '{self.name}'. Run tf.tables_initializer(), or the table's own initializer, in "
            "this session before looking anything up (tf.global_variables_initializer() does not fill tables)."
        )

    def _defaults(self, default: Array) -> Array:
        # As in TensorFlow: one value for all, even where there are several.
        return default.reshape(-1)[:1].reshape(()) if default.size else default

    def export(self) -> tuple[Array, Array]:
        """All keys and values, as they came. Raises AbortedError before the table is initialized."""
        if not self.initialized:
            raise errors.AbortedError(None, None, self._uninitialized())
        return self._key_array(list(self._index)), self._values[list(self._index.values()), 0]


class MutableTable(LookupTable):
    """A MutableHashTable, or one of tensors: keys come and go."""

    def __init__(
        self, name: str, key_dtype: DType, value_dtype: DType, value_shape: Shape = ()
    ) -> None:
        super().__init__(name, key_dtype, value_dtype, (), value_shape)
        self._order = KeyOrder()
        self._free: list[int] = []

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys; of a key that is there twice, the later one counts."""
        listed, rows = self._matched(keys, values)
        with self.lock:
            self._insert(listed, rows)

    def _insert(self, keys: list[Any], rows: Array) -> None:
        for key in keys:
            if key not in self._index:
                self._index[key] = self._free.pop() if self._free else len(self._index)
                self._order.add(key)
        if len(self._index) + len(self._free) > len(self._values):
            before = self._values
            self._values = self._rows(max(2 * len(before), len(self._index) + len(self._free)))
            self._values[: len(before)] = before
        # NumPy assigns in order: the last of several values stays.
        self._values[[self._index[key] for key in keys]] = rows

    def remove(self, keys: Any) -> None:
        """Removes keys; those that are not there do no harm."""
        listed = self._listed(self.as_keys(keys))
        with self.lock:
            for key in listed:
                row = self._index.pop(key, None)
                if row is not None:
                    self._free.append(row)
                    self._order.remove(key)

    def import_(self, keys: Any, values: Any) -> None:
        """Replaces all that is in the table."""
        listed, rows = self._matched(keys, values)
        with self.lock:
            self._order.clear()
            self._index, self._free, self._values = {}, [], self._rows(0)
            self._insert(listed, rows)

    def export(self) -> tuple[Array, Array]:
        """All keys, in TensorFlow's order, and their values."""
        with self.lock:
            keys = self._order.keys()
            rows = self._values[[self._index[key] for key in keys]]
        return self._key_array(keys), rows.reshape(len(keys), *self.value_shape)


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
