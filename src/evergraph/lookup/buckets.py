"""Vocabularies that give words which they do not know a number all the same: one of several buckets, by a hash."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType, as_dtype
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.lookup.initializers import TableInitializerBase
from evergraph.lookup.interface import InitializableLookupTableBase, LookupInterface, checked_keys
from evergraph.lookup.static_tables import StaticHashTable
from evergraph.ops import hashing
from evergraph.ops.arithmetic import add
from evergraph.ops.casts import cast
from evergraph.ops.comparison import not_equal
from evergraph.ops.passing import no_op
from evergraph.ops.selection import where_v2
from evergraph.ops.sparse_tensor import SparseTensor
from evergraph.ops.string_values import as_string

_IDS = (dtypes.int64, dtypes.string)


class HasherSpec(NamedTuple):
    """Which hash buckets are chosen by (``fasthash``, ``stronghash`` or ``legacy``), and its key."""

    hasher: str
    key: Any


FastHashSpec = HasherSpec("fasthash", None)


def StrongHashSpec(key: Any) -> HasherSpec:
    """A hash under ``key``, two integers: who does not know them cannot fill one bucket on purpose.

    Raises ValueError or TypeError where they are not that.
    """
    if len(key) != 2:
        raise ValueError(f"`key` must have size 2, received {len(key)}")
    if not all(hasattr(part, "__index__") for part in key):
        raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
    return HasherSpec("stronghash", key)


class _Buckets(LookupInterface):
    """A table (or none) with buckets behind it: ids from the table's size on."""

    def __init__(
        self,
        table: InitializableLookupTableBase | None,
        num_oov_buckets: int,
        hasher_spec: HasherSpec,
        name: str | None,
        key_dtype: DType,
    ) -> None:
        if not key_dtype.is_integer and key_dtype != dtypes.string:
            raise TypeError(f"Invalid `key_dtype`, expected integer or string, got {key_dtype}.")
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"`hasher_spec` must be of type HasherSpec, got {type(hasher_spec)}.")
        super().__init__(key_dtype, dtypes.int64)
        self._table = table
        self._num_oov_buckets = num_oov_buckets
        self._hasher_spec = hasher_spec
        if name is None:
            name = "hash_bucket" if table is None else table.name
        self._table_name = name.rsplit("/", 1)[-1] if name else None

    @property
    def name(self) -> str | None:
        """The last part of the table's name."""
        return self._table_name

    @property
    def resource_handle(self) -> Tensor | None:
        """The handle of the table in front; None where there is none."""
        return None if self._table is None else self._table.resource_handle

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table in front."""
        if self._table is not None:
            return self._table.initializer
        with name_scope(None, "init"):
            return no_op()

    @property
    def init(self) -> Operation:
        """The older name of ``initializer``."""
        return self.initializer

    def size(self, name: str | None = None) -> Tensor:
        """How many ids there are: entries of the table, and buckets."""
        with name_scope(name, f"{self.name}_Size"):
            if self._table is not None:
                size = self._table.size()
            else:
                size = convert_to_tensor(0, dtype=dtypes.int64)
            total: Tensor = size + self._num_oov_buckets
            return total

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The id of each of ``keys``, of any shape, or a SparseTensor.

        Raises TypeError for keys of another type than the table's.
        """
        if isinstance(keys, SparseTensor):
            return keys.with_values(self.lookup(keys.values, name))
        keys = checked_keys(keys, self._key_dtype)
        if self._table is not None and self._table.key_dtype == dtypes.int64:
            keys = cast(keys, dtypes.int64)
        if self._num_oov_buckets == 0 and self._table is not None:
            return self._table.lookup(keys, name=name)
        with name_scope(name, f"{self.name}_Lookup"):
            text = keys if keys.dtype.base_dtype == dtypes.string else as_string(keys)
            buckets = self._hash()(text, num_buckets=self._num_oov_buckets, name="hash_bucket")
            if self._table is None:
                return buckets
            ids = self._table.lookup(keys)
            buckets = add(buckets, self._table.size())
            known = not_equal(ids, self._table.default_value)
            return where_v2(known, ids, buckets)

    def _hash(self) -> Callable[..., Tensor]:
        if self._hasher_spec.hasher == "fasthash":
            return hashing.string_to_hash_bucket_fast
        if self._hasher_spec.hasher == "legacy":
            return hashing.string_to_hash_bucket
        if self._hasher_spec.hasher == "stronghash":
            return functools.partial(hashing.string_to_hash_bucket_strong, key=self._hasher_spec.key)  # fmt: skip
        raise ValueError(
            f"Found unknown hasher {self._hasher_spec.hasher} in `hasher_spec`; there are fasthash, stronghash, legacy"
        )


def _check_ids(front: Any, key_dtype: DType) -> None:
    """Raises TypeError unless a table (or what fills it) gives int64 ids to keys such as ``key_dtype``."""
    if front.key_dtype not in _IDS:
        raise TypeError(f"Invalid `key_dtype`, expected one of {_IDS}, received {front.key_dtype}.")
    if front.key_dtype.is_integer != key_dtype.is_integer:
        kind = "integer" if key_dtype.is_integer else "non-integer"
        raise TypeError(f"Invalid `key_dtype`, expected {kind} but got {front.key_dtype}.")
    if front.value_dtype != dtypes.int64:
        raise TypeError(f"Invalid `value_dtype`: expected int64 but got {front.value_dtype}.")


class IdTableWithHashBuckets(_Buckets):
    """Ids of the words in ``table``, which is initialized by itself, and of buckets for all others.

    Raises ValueError where there is neither a table nor a bucket; TypeError for types that do not fit.
    """

    def __init__(
        self,
        table: InitializableLookupTableBase | None,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ) -> None:
        if table is None:
            if num_oov_buckets <= 0:
                raise ValueError("`oov_buckets` must be > 0 if no `table` is supplied.")
            kind = dtypes.string if key_dtype is None else as_dtype(key_dtype)
        else:
            kind = table.key_dtype if key_dtype is None else as_dtype(key_dtype)
            _check_ids(table, kind)
        super().__init__(table, num_oov_buckets, hasher_spec, _plain(name), kind)


class StaticVocabularyTable(_Buckets):
    """Ids of the words that ``initializer`` gives, and of ``num_oov_buckets`` buckets for all others.

    Raises ValueError where there are no buckets; TypeError for types that do not fit.
    """

    def __init__(
        self,
        initializer: TableInitializerBase | None,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable.")
        table = None
        kind = dtypes.string
        if initializer is not None:
            kind = initializer.key_dtype if lookup_key_dtype is None else as_dtype(lookup_key_dtype)
            _check_ids(initializer, kind)
            table = StaticHashTable(
                initializer, -1, experimental_is_anonymous=experimental_is_anonymous
            )
        super().__init__(table, num_oov_buckets, FastHashSpec, _plain(name), kind)


def _plain(name: str | None) -> str | None:
    """A scope's name without its slash; None where there is nothing in it."""
    return (name or "").rstrip("/") or None
