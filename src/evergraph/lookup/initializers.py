"""What fills a table: tensors of keys and values, or a text file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType, as_dtype
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_collections import add_to_collection
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies, device, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import table_files
from evergraph.ops.table_lookups import InitializeTableFromTextFileV2, LookupTableImportV2

if TYPE_CHECKING:
    from evergraph.lookup.interface import LookupInterface


class KeysAndValues:
    """Has keys of one type and values of another, as tables and what fills them."""

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of the values."""
        return self._value_dtype


class TableInitializerBase(KeysAndValues):
    """Something that fills a table: ``initialize(table)`` gives the operation that does."""

    def initialize(self, table: LookupInterface) -> Operation:
        """The operation that fills ``table``, which is in TABLE_INITIALIZERS from now on."""
        raise NotImplementedError

    @property
    def _shared_name(self) -> str:
        """The name under which tables filled by this are one table; "" where each is one of its own."""
        return ""

    def _check_dtypes(self, table: LookupInterface) -> None:
        for what, given, expected in (
            ("key", self.key_dtype, table.key_dtype),
            ("value", self.value_dtype, table.value_dtype),
        ):
            if given.base_dtype != expected:
                raise TypeError(
                    f"Invalid {what} dtype for table, expected {expected} but got {given}."
                )


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table with a vector of keys and one of values."""

    def __init__(
        self,
        keys: Any,
        values: Any,
        key_dtype: Any = None,
        value_dtype: Any = None,
        name: str | None = None,
    ) -> None:
        if get_default_graph()._get_control_flow_context() is not None:
            with control_dependencies(None):
                self._keys, self._values = _tensors(keys, values, key_dtype, value_dtype)
        else:
            self._keys, self._values = _tensors(keys, values, key_dtype, value_dtype)
        self._name = "key_value_init" if name is None else name
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: LookupInterface) -> Operation:
        """The operation that fills ``table``. Raises TypeError where the table has other types."""
        self._check_dtypes(table)
        handle = table.resource_handle
        with name_scope(self._name, values=[handle, self._keys, self._values]):
            node: Operation = LookupTableImportV2(handle, self._keys, self._values)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, node)
        return node


def _tensors(keys: Any, values: Any, key_dtype: Any, value_dtype: Any) -> tuple[Tensor, Tensor]:
    return (
        convert_to_tensor(keys, dtype=key_dtype, name="keys"),
        convert_to_tensor(values, dtype=value_dtype, name="values"),
    )


class TextFileIndex:
    """What a key or a value may be beside the number of a column: the whole line, or its number."""

    WHOLE_LINE = table_files.WHOLE_LINE
    LINE_NUMBER = table_files.LINE_NUMBER


class TextFileInitializer(TableInitializerBase):
    """Fills a table from a text file, a line an entry.

    Args:
        filename: path, or a scalar tensor of type string.
        key_dtype, value_dtype: types; int64 for line numbers, an integer or string for whole lines.
        key_index, value_index: a column, counted from 0, or a TextFileIndex.
        vocab_size: how many lines to read; as many must be there. None: all.
        delimiter: one character between columns.
        value_index_offset: added to line numbers.

    Raises ValueError where arguments do not fit together. Running it raises NotFoundError, or InvalidArgumentError that
    says what is wrong in which line.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        super().__init__(key_dtype, value_dtype)
        _check_index("key", key_index, self.key_dtype)
        _check_index("value", value_index, self.value_dtype)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        self._filename_arg = filename
        self._key_index = key_index
        self._value_index = value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._name = name
        self._offset = value_index_offset
        path = os.fspath(filename) if isinstance(filename, os.PathLike) else filename
        with control_dependencies(None), device("CPU"):
            self._filename = convert_to_tensor(path, dtype=dtypes.string, name="asset_path")

    def initialize(self, table: LookupInterface) -> Operation:
        """The operation that fills ``table``; a path that is a constant is in ASSET_FILEPATHS from now on."""
        self._check_dtypes(table)
        handle = table.resource_handle
        with name_scope(self._name, "text_file_init", [handle]):
            node: Operation = InitializeTableFromTextFileV2(
                handle,
                self._filename,
                key_index=self._key_index,
                value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
                offset=self._offset,
            )
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, node)
        if self._filename.op.type == "Const":
            add_to_collection(GraphKeys.ASSET_FILEPATHS, self._filename)
        return node

    @property
    def _shared_name(self) -> str:
        parts = [self._filename_arg, self._vocab_size, self._key_index, self._value_index, self._offset]  # fmt: skip
        if not self._offset:
            parts.pop()
        if not self._vocab_size:
            parts.pop(1)
        return "_".join(["hash_table", *map(str, parts)])


def _check_index(what: str, index: int, dtype: DType) -> None:
    if index < -2:
        raise ValueError(f"`{what}_index` should be >= -2, received: {index}.")
    if index == TextFileIndex.LINE_NUMBER and dtype != dtypes.int64:
        raise ValueError(
            f"`{what}_dtype` must be int64 if `{what}_index` is {index} (a line number), received: {dtype}"
        )
    if index == TextFileIndex.WHOLE_LINE and not dtype.is_integer and dtype != dtypes.string:
        raise ValueError(
            f"`{what}_dtype` should be either integer or string for `{what}_index` {index} (the whole line), "
            f"received: {dtype}"
        )


class TextFileStringTableInitializer(TextFileInitializer):
    """Fills a table from int64 ids, the line numbers, to strings, the lines."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = TextFileIndex.LINE_NUMBER,
        value_column_index: int = TextFileIndex.WHOLE_LINE,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = "text_file_string_table_init",
    ) -> None:
        super().__init__(
            filename,
            dtypes.int64,
            key_column_index,
            dtypes.string,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name=name,
        )


class TextFileIdTableInitializer(TextFileInitializer):
    """Fills a table from strings, the lines, to int64 ids, their numbers."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = TextFileIndex.WHOLE_LINE,
        value_column_index: int = TextFileIndex.LINE_NUMBER,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = "text_file_id_table_init",
        key_dtype: Any = dtypes.string,
    ) -> None:
        super().__init__(
            filename,
            key_dtype,
            key_column_index,
            dtypes.int64,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name=name,
        )
