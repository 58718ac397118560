"""``tf.lookup.StaticHashTable``: filled once, then only read."""

from __future__ import annotations

import uuid
from typing import Any

from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import as_dims
from evergraph.graph.tensor import Tensor
from evergraph.lookup.initializers import TableInitializerBase
from evergraph.lookup.interface import InitializableLookupTableBase
from evergraph.ops.table_lookups import LookupTableExportV2
from evergraph.ops.tables import AnonymousHashTable, HashTableV2


class StaticHashTable(InitializableLookupTableBase):
    """A table that ``initializer`` fills. Keys that are not in it have ``default_value``.

    Tables filled from one text file, with the same columns, are one table. ``experimental_is_anonymous``: a new one in
    every run, which nothing else can name.
    """

    def __init__(
        self,
        initializer: TableInitializerBase,
        default_value: Any,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        self._is_anonymous = experimental_is_anonymous
        self._shared_name: str | None = initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        self._build(initializer, default_value, name)

    def _build(
        self, initializer: TableInitializerBase, default_value: Any, name: str | None
    ) -> None:
        self._initializer = initializer
        self._name = name or "hash_table"
        self._table_name: str | None = None
        super().__init__(default_value, initializer)

    def _create_resource(self) -> Tensor:
        types = {
            "key_dtype": self._initializer.key_dtype,
            "value_dtype": self._initializer.value_dtype,
        }
        if self._is_anonymous:
            handle: Tensor = AnonymousHashTable(**types, name=self._name)
        else:
            handle = HashTableV2(shared_name=self._shared_name, **types, name=self._name)
        self._table_name = handle.op.name.rsplit("/", 1)[-1]
        return handle

    @property
    def name(self) -> str | None:
        """The last part of the name of the table's node."""
        return self._table_name

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values. Running it raises AbortedError before the table is initialized."""
        with name_scope(name, f"{self.name}_Export", [self.resource_handle]):
            keys, values = LookupTableExportV2(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )
        shape = keys.shape.concatenate(self._default_value.shape)
        values.set_shape(as_dims(shape))
        return keys, values


class HashTable(StaticHashTable):
    """``tf.contrib.lookup.HashTable``: a StaticHashTable with a name to share it by."""

    def __init__(
        self,
        initializer: TableInitializerBase,
        default_value: Any,
        shared_name: str | None = None,
        name: str | None = None,
    ) -> None:
        self._is_anonymous = False
        self._shared_name = shared_name
        self._build(initializer, default_value, name)
