"""``tf.contrib.lookup``: tables and vocabularies, under the names of TensorFlow 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.lookup import mutable_tables, vocabularies
from evergraph.lookup.buckets import (
    FastHashSpec,
    HasherSpec,
    IdTableWithHashBuckets,
    StrongHashSpec,
)
from evergraph.lookup.initializers import (
    KeyValueTensorInitializer,
    TableInitializerBase,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileInitializer,
    TextFileStringTableInitializer,
)
from evergraph.lookup.interface import InitializableLookupTableBase, LookupInterface
from evergraph.lookup.static_tables import HashTable, StaticHashTable
from evergraph.lookup.vocabularies import index_table_from_file, index_to_string_table_from_file

__all__ = [
    "FastHashSpec",
    "HashTable",
    "HasherSpec",
    "IdTableWithHashBuckets",
    "InitializableLookupTableBase",
    "KeyValueTensorInitializer",
    "LookupInterface",
    "MutableDenseHashTable",
    "MutableHashTable",
    "StrongHashSpec",
    "TableInitializerBase",
    "TextFileIdTableInitializer",
    "TextFileIndex",
    "TextFileInitializer",
    "TextFileStringTableInitializer",
    "index_table_from_file",
    "index_table_from_tensor",
    "index_to_string",
    "index_to_string_table_from_file",
    "index_to_string_table_from_tensor",
    "string_to_index",
    "string_to_index_table_from_file",
    "string_to_index_table_from_tensor",
]


class MutableHashTable(mutable_tables.MutableHashTable):
    """As ``tf.lookup.experimental.MutableHashTable``; ``shared_name`` is an argument of the releases before 1.13."""

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        shared_name: str | None = None,
    ) -> None:
        super().__init__(
            key_dtype, value_dtype, default_value, name, checkpoint, _shared_name=shared_name
        )


class MutableDenseHashTable(mutable_tables.DenseHashTable):
    """As ``tf.lookup.experimental.DenseHashTable``, with what the releases before 1.13 had otherwise.

    Those had a ``shared_name``, and no ``deleted_key``: where none is given, one is chosen that programs do not use.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any = None,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        shared_name: str | None = None,
    ) -> None:
        super().__init__(
            key_dtype,
            value_dtype,
            default_value,
            empty_key,
            _unused_key(key_dtype, empty_key) if deleted_key is None else deleted_key,
            initial_num_buckets,
            name,
            checkpoint,
            _shared_name=shared_name,
        )


def _unused_key(key_dtype: Any, empty_key: Any) -> Any:
    """A key of the shape of ``empty_key``, but another: the smallest number, or a string that begins with a zero."""
    dtype = dtypes.as_dtype(key_dtype)
    shape = empty_key.shape.as_list() if isinstance(empty_key, Tensor) else np.shape(empty_key)
    if dtype == dtypes.string:
        return np.full(shape, b"\0deleted", object)
    lowest = dtype.min
    taken = not isinstance(empty_key, Tensor) and np.all(np.equal(empty_key, lowest))
    return np.full(shape, lowest + 1 if taken else lowest, dtype.as_numpy_dtype)


def index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> LookupInterface:
    """A table from the words of ``mapping`` to their places; other words go to buckets, or have ``default_value``."""
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return vocabularies.index_table_from_tensor(
        mapping, num_oov_buckets, default_value, hasher_spec, dtype, name
    )


def index_to_string_table_from_tensor(
    mapping: Any, default_value: Any = "UNK", name: str | None = None
) -> StaticHashTable:
    """A table from the places of ``mapping`` to its words."""
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return vocabularies.index_to_string_table_from_tensor(mapping, default_value, name)


def string_to_index(
    tensor: Any, mapping: Any, default_value: int = -1, name: str | None = None
) -> Tensor:
    """The places of the strings of ``tensor`` in ``mapping``."""
    return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


def index_to_string(
    tensor: Any, mapping: Any, default_value: Any = "UNK", name: str | None = None
) -> Tensor:
    """The words of ``mapping`` at the places in ``tensor``."""
    return index_to_string_table_from_tensor(mapping, default_value, name).lookup(tensor)


def string_to_index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    name: str | None = None,
) -> LookupInterface:
    """The name of ``index_table_from_file`` before 1.0, for strings."""
    return index_table_from_file(
        vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, name=name
    )


def string_to_index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    name: str | None = None,
) -> LookupInterface:
    """The name of ``index_table_from_tensor`` before 1.0, for strings. Raises ValueError for others."""
    with name_scope(name, "string_to_index") as scope:
        words = convert_to_tensor(mapping)
    if words.dtype.base_dtype != dtypes.string:
        raise ValueError("string_to_index_table_from_tensor requires string.")
    return index_table_from_tensor(words, num_oov_buckets, default_value, hasher_spec, name=scope)
