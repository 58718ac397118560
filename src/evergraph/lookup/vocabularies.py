"""Vocabularies in one call: words to ids, and ids to words, from a file or a list."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType, as_dtype
from evergraph.graph.constant_value import constant_value
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.lookup.buckets import FastHashSpec, HasherSpec, IdTableWithHashBuckets
from evergraph.lookup.initializers import (
    KeyValueTensorInitializer,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileStringTableInitializer,
)
from evergraph.lookup.interface import LookupInterface
from evergraph.lookup.static_tables import StaticHashTable
from evergraph.ops.casts import cast
from evergraph.ops.sequences import range_
from evergraph.ops.shaping import size


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> LookupInterface:
    """A table from the lines of a file to their numbers; other words go to buckets, or have ``default_value``.

    Raises ValueError or TypeError where the arguments do not fit together.
    """
    _check_file(vocabulary_file)
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if vocab_size is not None and vocab_size < 1:
        known = isinstance(vocabulary_file, Tensor) and constant_value(vocabulary_file)
        raise ValueError(
            f"`vocab_size` must be greater than 0, got {vocab_size} for vocabulary_file: {known or vocabulary_file}."
        )
    kind = as_dtype(key_dtype)
    if not kind.is_integer and kind.base_dtype != dtypes.string:
        raise TypeError(f"Dtype for `keys` should be either integer or string, got {kind}.")
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            initializer = TextFileIdTableInitializer(
                vocabulary_file,
                vocab_size=vocab_size,
                key_dtype=dtypes.int64 if kind.is_integer else kind,
                name="table_init",
                key_column_index=key_column_index,
                value_column_index=value_column_index,
                delimiter=delimiter,
            )
            table = StaticHashTable(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, kind)


def index_table_from_tensor(
    vocabulary_list: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> LookupInterface:
    """A table from the words of a list to their places; other words go to buckets, or have ``default_value``.

    Raises ValueError or TypeError where the arguments do not fit together.
    """
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(
            f"`num_oov_buckets` must be greater or equal than 0, got {num_oov_buckets}."
        )
    kind = as_dtype(dtype)
    if not kind.is_integer and kind.base_dtype != dtypes.string:
        raise TypeError(f"`dtype` must either be integer or string, got {kind}.")
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(vocabulary_list)
        if keys.dtype.is_integer != kind.is_integer:
            wanted = "integer" if kind.is_integer else "non-integer"
            raise ValueError(f"Invalid `dtype`: Expected {wanted}, got {keys.dtype}.")
        if not kind.is_integer and keys.dtype.base_dtype != kind:
            raise ValueError(f"Invalid `dtype`: Expected {kind}, got {keys.dtype}.")
        values = _places(keys)
        with name_scope(None, "hash_table"):
            keys = cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
            initializer = KeyValueTensorInitializer(
                keys, values, keys.dtype.base_dtype, dtypes.int64, name="table_init"
            )
            table = StaticHashTable(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, kind)


def _with_buckets(
    table: StaticHashTable, count: int, hasher_spec: HasherSpec, key_dtype: DType
) -> LookupInterface:
    """``table`` with so many buckets for words that it has not."""
    if not count:
        return table
    return IdTableWithHashBuckets(
        table, num_oov_buckets=count, hasher_spec=hasher_spec, key_dtype=key_dtype
    )


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: Any = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> StaticHashTable:
    """A table from line numbers to the lines of a file. Raises ValueError for a file or size that is none."""
    _check_file(vocabulary_file)
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    with name_scope(name, "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file,
            vocab_size=vocab_size,
            name="table_init",
            key_column_index=key_column_index,
            value_column_index=value_column_index,
            delimiter=delimiter,
        )
        return StaticHashTable(initializer, default_value)


def index_to_string_table_from_tensor(
    vocabulary_list: Any, default_value: Any = "UNK", name: str | None = None
) -> StaticHashTable:
    """A table from the places of a list to its words. Raises ValueError where there is no list."""
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` argument must be specified.")
    with name_scope(name, "index_to_string"):
        words = convert_to_tensor(vocabulary_list, dtypes.string)
        initializer = KeyValueTensorInitializer(
            _places(words), words, dtypes.int64, dtypes.string, name="table_init"
        )
        return StaticHashTable(initializer, default_value)


def _places(words: Tensor) -> Tensor:
    return cast(range_(size(words)), dtypes.int64)


def _check_file(path: Any) -> None:
    if path is None or (isinstance(path, str) and not path):
        raise ValueError("`vocabulary_file` must be specified and must not be empty.")
