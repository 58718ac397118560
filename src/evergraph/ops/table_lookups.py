"""What is done with lookup tables: finding, inserting, removing, listing, filling.

The ops of the first form are not stateful to TensorFlow; they change tables all the same, so they see the run's context
(``calls``) and are never folded or left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph import shape as shapes
from evergraph.graph.attributes import to_text
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.ops.shape_rules import unknown
from evergraph.ops.table_files import TextFile
from evergraph.ops.table_state import StaticTable, invalid
from evergraph.ops.tables import described, table_of


def _check_handle(c: Any) -> None:
    """A resource is a scalar, a reference two strings."""
    if c.tensor(0).dtype._is_ref_dtype:
        shapes.merge(shapes.with_rank(c.shape(0), 1), (2,))
    else:
        shapes.with_rank(c.shape(0), 0)


def _check_types(c: Any, key: str, value: str) -> tuple[Dims, Dims] | None:
    """The shapes of a key and of a value, where they are known. Raises ValueError for another type."""
    known = described(c.tensor(0))
    if known is None:
        return None
    key_dtype, key_dims, value_dtype, value_dims = known
    for expected, got in ((key_dtype, c[key]), (value_dtype, c[value])):
        if expected != got:
            raise ValueError(
                f"Trying to read value with wrong dtype. Expected {expected.name} got {got.name}"
            )
    return key_dims, value_dims


def _nothing(c: Any) -> list[Dims]:
    _check_handle(c)
    return []


def _rows_of_both(c: Any) -> list[Dims]:
    """Keys are a vector, and values have as many rows."""
    _check_handle(c)
    keys, values = shapes.with_rank(c.shape(1), 1), c.shape(2)
    if values is not None:
        shapes.merge(keys, values[:1])
    return []


def _vectors(c: Any) -> list[Dims]:
    _check_handle(c)
    shapes.merge(shapes.with_rank(c.shape(1), 1), c.shape(2))
    return []


# ------------------------------------------------------------------------------------------ finding


def _find(ctx, table_handle, keys, default_value, *, Tin, Tout):
    table = table_of(table_handle)
    table.check_dtypes(Tin, Tout)
    return table.find(keys, default_value)


@op("LookupTableFind", "table_handle: Ref(string), keys: Tin, default_value: Tout -> values: Tout",
    Tin="type", Tout="type", calls=True)  # fmt: skip
class LookupTableFind:
    def shape(c):
        _check_handle(c)
        default = c.shape(2)
        if default is not None and len(default) > 1:
            raise ValueError(f"Shape must be at most rank 1 but is rank {len(default)}")
        return unknown(c)

    compute = _find
    gradient = None


@op("LookupTableFindV2", "table_handle: resource, keys: Tin, default_value: Tout -> values: Tout",
    Tin="type", Tout="type", stateful=True)  # fmt: skip
class LookupTableFindV2:
    def shape(c):
        _check_handle(c)
        known, keys = _check_types(c, "Tin", "Tout"), c.shape(1)
        if known is None or keys is None or known[0] is None or known[1] is None:
            return None
        key, value = known
        outer = len(keys) - len(key)
        if outer < 0:
            raise ValueError(
                f"Expected keys to have suffix {shapes.text(key)} but saw shape: {shapes.text(keys)}"
            )
        return keys[:outer] + value

    compute = _find
    gradient = None


def _only_handle(c: Any) -> Dims:
    _check_handle(c)
    return ()


def _size(ctx, table_handle):
    return np.int64(len(table_of(table_handle)))


@op("LookupTableSize", "table_handle: Ref(string) -> size: int64", calls=True)
class LookupTableSize:
    shape = _only_handle
    compute = _size
    gradient = None


@op("LookupTableSizeV2", "table_handle: resource -> size: int64", stateful=True)
class LookupTableSizeV2:
    shape = _only_handle
    compute = _size
    gradient = None


def _export(ctx, table_handle, *, Tkeys, Tvalues):
    table = table_of(table_handle)
    table.check_dtypes(Tkeys, Tvalues)
    return table.export()


@op("LookupTableExport", "table_handle: Ref(string) -> keys: Tkeys, values: Tvalues", Tkeys="type",
    Tvalues="type", calls=True)  # fmt: skip
class LookupTableExport:
    def shape(c):
        _check_handle(c)
        return [(None,), None]

    compute = _export


@op("LookupTableExportV2", "table_handle: resource -> keys: Tkeys, values: Tvalues", Tkeys="type",
    Tvalues="type", stateful=True)  # fmt: skip
class LookupTableExportV2:
    def shape(c):
        _check_handle(c)
        _check_types(c, "Tkeys", "Tvalues")
        return unknown(c)

    compute = _export


# ----------------------------------------------------------------------------------------- changing


def _insert(ctx, table_handle, keys, values, *, Tin, Tout):
    table = table_of(table_handle)
    table.check_dtypes(Tin, Tout)
    table.insert(keys, values)


@op("LookupTableInsert", "table_handle: Ref(string), keys: Tin, values: Tout ->", Tin="type",
    Tout="type", calls=True)  # fmt: skip
class LookupTableInsert:
    shape = _nothing
    compute = _insert
    gradient = None


@op("LookupTableInsertV2", "table_handle: resource, keys: Tin, values: Tout ->", Tin="type",
    Tout="type", stateful=True)  # fmt: skip
class LookupTableInsertV2:
    shape = _nothing
    compute = _insert
    gradient = None


@op("LookupTableRemoveV2", "table_handle: resource, keys: Tin ->", Tin="type", stateful=True)
class LookupTableRemoveV2:
    def shape(c):
        _check_handle(c)
        if c.shape(1) == ():
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        return []

    def compute(ctx, table_handle, keys, *, Tin):
        table = table_of(table_handle)
        table.check_dtypes(Tin)
        table.remove(keys)


def _import(ctx, table_handle, keys, values, *, Tin, Tout):
    table = table_of(table_handle)
    table.check_dtypes(Tin, Tout)
    table.import_(keys, values)


@op("LookupTableImport", "table_handle: Ref(string), keys: Tin, values: Tout ->", Tin="type",
    Tout="type", calls=True)  # fmt: skip
class LookupTableImport:
    shape = _nothing
    compute = _import


@op("LookupTableImportV2", "table_handle: resource, keys: Tin, values: Tout ->", Tin="type",
    Tout="type", stateful=True)  # fmt: skip
class LookupTableImportV2:
    shape = _rows_of_both
    compute = _import


# ------------------------------------------------------------------------------------------ filling


def _static(handle: Any) -> StaticTable:
    table = table_of(handle)
    if not isinstance(table, StaticTable):
        raise invalid(
            f"Table '{table.name}' is not initializable: it begins empty, insert or import instead"
        )
    return table


def _initialize(ctx, table_handle, keys, values, *, Tkey, Tval):
    table = _static(table_handle)
    table.check_dtypes(Tkey, Tval)
    if np.ndim(keys) != 1:
        raise invalid(f"Keys must be a vector, but received shape {shapes.text(np.shape(keys))}")
    table.initialize(keys, values)


@op("InitializeTable", "table_handle: Ref(string), keys: Tkey, values: Tval ->", Tkey="type",
    Tval="type", calls=True)  # fmt: skip
class InitializeTable:
    shape = _vectors
    compute = _initialize
    gradient = None


@op("InitializeTableV2", "table_handle: resource, keys: Tkey, values: Tval ->", Tkey="type",
    Tval="type", stateful=True)  # fmt: skip
class InitializeTableV2:
    shape = _vectors
    compute = _initialize
    gradient = None


def _file_name(c: Any) -> list[Dims]:
    _check_handle(c)
    shapes.with_rank(c.shape(1), 0)
    return []


def _initialize_from_file(ctx, table_handle, filename):
    """Fills a table from a file; one that is full already stays as it is."""
    ctx.require("files")
    table, attrs = _static(table_handle), ctx.op.attrs
    if table.initialized:
        return
    path = to_text(np.asarray(filename, object).item())
    file = TextFile(path, attrs["vocab_size"], attrs["delimiter"], attrs["offset"])
    keys = file.column(attrs["key_index"], table.key_dtype, "Key")
    values = file.column(attrs["value_index"], table.value_dtype, "Value")
    table.initialize(keys, values)


@op("InitializeTableFromTextFile", "table_handle: Ref(string), filename: string ->",
    key_index="int >= -2", value_index="int >= -2", vocab_size="int >= -1 = -1",
    delimiter="string = '\\t'", offset=0, calls=True)  # fmt: skip
class InitializeTableFromTextFile:
    shape = _file_name
    compute = _initialize_from_file
    gradient = None


@op("InitializeTableFromTextFileV2", "table_handle: resource, filename: string ->",
    key_index="int >= -2", value_index="int >= -2", vocab_size="int >= -1 = -1",
    delimiter="string = '\\t'", offset=0, stateful=True)  # fmt: skip
class InitializeTableFromTextFileV2:
    shape = _file_name
    compute = _initialize_from_file
    gradient = None
