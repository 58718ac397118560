"""``tf.lookup.experimental.MutableHashTable`` and ``DenseHashTable``: tables that change, and are saved.

With ``checkpoint=True`` a Saver saves them as ``NAME-keys`` and ``NAME-values``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_collections import add_to_collection
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.shape import as_dims
from evergraph.graph.tensor import Tensor
from evergraph.lookup.interface import LookupInterface, checked_keys
from evergraph.ops import tables
from evergraph.ops.table_lookups import (
    LookupTableExportV2,
    LookupTableFindV2,
    LookupTableImportV2,
    LookupTableInsertV2,
    LookupTableRemoveV2,
    LookupTableSizeV2,
)
from evergraph.train.saveables import SaveableObject, SaveSpec


class _MutableTable(LookupInterface):
    """What both tables have."""

    _default_value: Tensor
    _resource_handle: Tensor
    _table_name: str

    def _begin(self, handle: Tensor, name: str, checkpoint: bool) -> None:
        self._resource_handle = handle
        self._table_name = handle.op.name.rsplit("/", 1)[-1]
        if checkpoint:
            add_to_collection(GraphKeys.SAVEABLE_OBJECTS, self._Saveable(self, name))

    @property
    def name(self) -> str:
        """The last part of the name of the table's node."""
        return self._table_name

    @property
    def resource_handle(self) -> Tensor:
        """The tensor that stands for the table in ops."""
        return self._resource_handle

    def size(self, name: str | None = None) -> Tensor:
        """How many entries there are, as a scalar of type int64."""
        with (
            name_scope(name, f"{self.name}_Size", [self.resource_handle]),
            colocate_with(self.resource_handle),
        ):
            result: Tensor = LookupTableSizeV2(self.resource_handle)
            return result

    def _find(self, keys: Any, default: Any, name: str | None) -> Tensor:
        values = [self.resource_handle, keys, self._default_value]
        with name_scope(name, f"{self.name}_lookup_table_find", values):
            keys = convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
            with colocate_with(self.resource_handle):
                found: Tensor = LookupTableFindV2(self.resource_handle, keys, default)
                return found

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """The operation that sets the values of ``keys``, new or not.

        ``values`` have the shape of ``keys``, and then that of a value.
        """
        given = [self.resource_handle, keys, values]
        with name_scope(name, f"{self.name}_lookup_table_insert", given):
            keys = convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
            values = convert_to_tensor(values, dtype=self._value_dtype, name="values")
            with colocate_with(self.resource_handle):
                node: Operation = LookupTableInsertV2(self.resource_handle, keys, values)
                return node

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """The operation that removes ``keys``; those that are not there do no harm."""
        keys = checked_keys(keys, self._key_dtype)
        given = [self.resource_handle, keys, self._default_value]
        with name_scope(name, f"{self.name}_lookup_table_remove", given):
            node: Operation = LookupTableRemoveV2(self.resource_handle, keys)
            return node

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values (of a DenseHashTable: all its buckets)."""
        with (
            name_scope(name, f"{self.name}_lookup_table_export_values", [self.resource_handle]),
            colocate_with(self.resource_handle),
        ):
            keys, values = LookupTableExportV2(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )
            return keys, values

    class _Saveable(SaveableObject):
        """Keys and values of a table in a checkpoint."""

        def __init__(self, table: _MutableTable, name: str, table_name: str | None = None) -> None:
            keys, values = table.export()
            specs = [SaveSpec(keys, "", f"{name}-keys"), SaveSpec(values, "", f"{name}-values")]
            self.table_name = table_name or name
            super().__init__(table, specs, name)

        def restore(
            self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None
        ) -> Operation:
            """The operation that replaces all that is in the table."""
            handle = self.op.resource_handle
            with name_scope(f"{self.table_name}_table_restore"), colocate_with(handle):
                node: Operation = LookupTableImportV2(
                    handle, restored_tensors[0], restored_tensors[1]
                )
                return node


class MutableHashTable(_MutableTable):
    """A table that begins empty. Keys that are not in it have ``default_value``, whose shape all values have.

    Args:
        checkpoint: whether a Saver saves it, under ``name``.
        experimental_is_anonymous: a new table in every run, which nothing else can name.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
        *,
        _shared_name: str | None = None,
    ) -> None:
        self._default_value = convert_to_tensor(default_value, dtype=value_dtype)
        super().__init__(key_dtype, value_dtype)
        attrs: dict[str, Any] = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype}
        dims = self._default_value.dims
        if dims != ():
            attrs["value_shape"] = dims
        if not experimental_is_anonymous:
            attrs["shared_name"] = _shared_name
            attrs["use_node_name_sharing"] = checkpoint and _shared_name is None
        make: Any
        if experimental_is_anonymous:
            make = (
                tables.AnonymousMutableHashTable
                if dims == ()
                else tables.AnonymousMutableHashTableOfTensors
            )
        else:
            make = tables.MutableHashTableV2 if dims == () else tables.MutableHashTableOfTensorsV2
        self._begin(make(**attrs, name=name), name, checkpoint)

    def lookup(  # type: ignore[override]  # TensorFlow's order
        self, keys: Any, dynamic_default_values: Any = None, name: str | None = None
    ) -> Tensor:
        """The value of each of ``keys``; ``dynamic_default_values``: one for each key that may be missing."""
        default = self._default_value if dynamic_default_values is None else dynamic_default_values
        return self._find(keys, default, name)


class DenseHashTable(_MutableTable):
    """A table that begins empty, and is laid out as TensorFlow's open addressing does.

    Args:
        empty_key, deleted_key: two keys (scalars, or vectors where keys are vectors) that are never inserted, removed
            or looked up.
        initial_num_buckets: a power of two, at least 4; None: 131072. All of them are saved.
        checkpoint: whether a Saver saves it, under ``name``.
        experimental_is_anonymous: a new table in every run, which nothing else can name.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
        *,
        _shared_name: str | None = None,
    ) -> None:
        self._default_value = convert_to_tensor(
            default_value, dtype=value_dtype, name="default_value"
        )
        super().__init__(key_dtype, value_dtype)
        empty = convert_to_tensor(empty_key, dtype=self._key_dtype, name="empty_key")
        deleted = convert_to_tensor(deleted_key, dtype=self._key_dtype, name="deleted_key")
        attrs: dict[str, Any] = {
            "value_dtype": self._value_dtype,
            "value_shape": as_dims(self._default_value.shape),
        }
        if initial_num_buckets is not None:
            attrs["initial_num_buckets"] = initial_num_buckets
        make: Any = tables.AnonymousMutableDenseHashTable
        if not experimental_is_anonymous:
            make = tables.MutableDenseHashTableV2
            attrs["shared_name"] = _shared_name
            attrs["use_node_name_sharing"] = checkpoint and _shared_name is None
        self._begin(make(empty, deleted, **attrs, name=name), name, checkpoint)

    def lookup(self, keys: Any, name: str | None = None) -> Tensor:
        """The value of each of ``keys``, one key or a row of them."""
        return self._find(keys, self._default_value, name)

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """The same as ``insert``."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Operation:
        """The same as ``remove``."""
        return self.remove(keys, name)
