"""Lookup tables: the ops that make them. What is done with them: table_lookups.py.

The first form of each op (until 2016) hands its table on as a reference to two strings, container and name; the second
form, as a resource.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats.dtypes import DType
from evergraph.graph import shape as shapes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_collections import get_collection
from evergraph.graph.operation import Operation
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops.cells import RefCell
from evergraph.ops.grouping import group
from evergraph.ops.handles import handle_origin
from evergraph.ops.passing import no_op
from evergraph.ops.shape_rules import scalar
from evergraph.ops.table_dense import DenseTable
from evergraph.ops.table_state import LookupTable, MutableTable, StaticTable, invalid


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """``"int32: float int32; string: bool"`` as pairs of the types of keys and values."""
    rows = (row.split(":") for row in text.split(";"))
    return frozenset((key.strip(), value) for key, values in rows for value in values.split())


#: The types of keys and values that TensorFlow has kernels for. (Tables of variants and of resources are left out.)
_STATIC_PAIRS = _pairs(
    "int32: float64 float32 int32 string; int64: float64 float32 int32 int64 string; "
    "string: bool float64 float32 int32 int64 string"
)
_MUTABLE_PAIRS = _pairs(
    "int32: float64 float32 int32; int64: float64 float32 int32 int64 string; "
    "string: bool float64 float32 int32 int64"
)
_DENSE_PAIRS = _pairs(
    "int32: float64 float32 int32; int64: bool float64 float32 int32 int64; "
    "string: bool float64 float32 int32 int64"
)


class TableReference(RefCell):
    """What an op of the first form gives: the table, and as a value its container and name."""

    __slots__ = ("table",)

    def __init__(self, table: LookupTable, container: str, name: str) -> None:
        super().__init__(name)
        self.table = table
        self.assign(np.array([container.encode() or b"localhost", name.encode()], object))


def table_of(handle: Any) -> LookupTable:
    """The table that a handle of either form stands for."""
    found: Any = handle.table if isinstance(handle, TableReference) else handle
    if not isinstance(found, LookupTable):
        raise invalid(f"The handle is not that of a lookup table: {type(found).__name__}")
    return found


def described(handle: Tensor) -> tuple[DType, Dims, DType, Dims] | None:
    """What is known while the graph is built of a mutable table: types and shapes of its keys and values."""
    source: Any = handle_origin(handle)
    if source.type not in _DESCRIBED:
        return None
    key_dims = source.inputs[0].dims if source.inputs else ()
    return (
        source.attrs["key_dtype"],
        key_dims,
        source.attrs["value_dtype"],
        source.attrs.get("value_shape", ()),
    )


_DESCRIBED = frozenset(
    "MutableHashTableV2 MutableHashTableOfTensorsV2 MutableDenseHashTableV2 AnonymousMutableHashTable "
    "AnonymousMutableHashTableOfTensors AnonymousMutableDenseHashTable".split()
)


def _check_pair(node: Any, pairs: frozenset[tuple[str, str]]) -> None:
    key, value = node.attrs["key_dtype"].name, node.attrs["value_dtype"].name
    if (key, value) not in pairs:
        known = ", ".join(f"{one}->{other}" for one, other in sorted(pairs))
        raise invalid(f"There is no {node.type} of {key}->{value}. There are: {known}")


def _static(node: Any) -> StaticTable:
    _check_pair(node, _STATIC_PAIRS)
    return StaticTable(node.name, node.attrs["key_dtype"], node.attrs["value_dtype"])


def _mutable(node: Any) -> MutableTable:
    _check_pair(node, _MUTABLE_PAIRS)
    return MutableTable(node.name, node.attrs["key_dtype"], node.attrs["value_dtype"])


def _of_tensors(node: Any) -> MutableTable:
    _check_pair(node, _MUTABLE_PAIRS)
    shape = node.attrs["value_shape"]
    if shape is None or len(shape) != 1 or shape[0] is None:
        raise invalid(f"Default value must be a vector, got shape {shapes.text(shape)}")
    return MutableTable(node.name, node.attrs["key_dtype"], node.attrs["value_dtype"], shape)


def _dense(node: Any, empty_key: Any, deleted_key: Any) -> DenseTable:
    _check_pair(node, _DENSE_PAIRS)
    attrs = node.attrs
    if not shapes.is_fully_defined(attrs["value_shape"]):
        raise invalid(
            f"Empty value must be a scalar or a vector, got shape {shapes.text(attrs['value_shape'])}"
        )
    return DenseTable(
        node.name,
        attrs["key_dtype"],
        attrs["value_dtype"],
        attrs["value_shape"],
        empty_key,
        deleted_key,
        attrs["initial_num_buckets"],
        attrs["max_load_factor"],
    )


def _shared(ctx: Any, make: Any, *keys: Any) -> LookupTable:
    """The session's table that this node names, made on first use."""
    attrs = ctx.op.attrs
    table: LookupTable = ctx.resource(LookupTable, lambda: make(ctx.op, *keys))
    table.check_dtypes(attrs["key_dtype"], attrs["value_dtype"])
    return table


def _reference(ctx: Any, make: Any, *keys: Any) -> TableReference:
    attrs = ctx.op.attrs
    table = _shared(ctx, make, *keys)
    return TableReference(table, attrs["container"], attrs["shared_name"] or ctx.op.name)


def _two_strings(c: Any) -> Dims:
    return (2,)


def _dense_shape(c: Any) -> Dims:
    keys = c.shape(0)
    if keys is not None and len(keys) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(keys)}")
    return ()


@op("HashTable", "-> table_handle: Ref(string)", container="string = ''", shared_name="string = ''",
    use_node_name_sharing=False, key_dtype="type", value_dtype="type", stateful=True)  # fmt: skip
class HashTable:
    shape = _two_strings

    def compute(ctx):
        return _reference(ctx, _static)

    gradient = None


@op("HashTableV2", "-> table_handle: resource", container="string = ''", shared_name="string = ''",
    use_node_name_sharing=False, key_dtype="type", value_dtype="type", stateful=True)  # fmt: skip
class HashTableV2:
    shape = scalar

    def compute(ctx):
        return _shared(ctx, _static)

    gradient = None


@op("AnonymousHashTable", "-> table_handle: resource", key_dtype="type", value_dtype="type", stateful=True)  # fmt: skip
class AnonymousHashTable:
    shape = scalar

    def compute(ctx):
        return _static(ctx.op)


@op("MutableHashTable", "-> table_handle: Ref(string)", container="string = ''", shared_name="string = ''",
    use_node_name_sharing=False, key_dtype="type", value_dtype="type", stateful=True)  # fmt: skip
class MutableHashTable:
    shape = _two_strings

    def compute(ctx):
        return _reference(ctx, _mutable)

    gradient = None


@op("MutableHashTableV2", "-> table_handle: resource", container="string = ''", shared_name="string = ''",
    use_node_name_sharing=False, key_dtype="type", value_dtype="type", stateful=True)  # fmt: skip
class MutableHashTableV2:
    shape = scalar

    def compute(ctx):
        return _shared(ctx, _mutable)

    gradient = None


@op("AnonymousMutableHashTable", "-> table_handle: resource", key_dtype="type",
    value_dtype="type", stateful=True)  # fmt: skip
class AnonymousMutableHashTable:
    shape = scalar

    def compute(ctx):
        return _mutable(ctx.op)


@op("MutableHashTableOfTensors", "-> table_handle: Ref(string)", container="string = ''",
    shared_name="string = ''", use_node_name_sharing=False, key_dtype="type", value_dtype="type",
    value_shape="shape = []", stateful=True)  # fmt: skip
class MutableHashTableOfTensors:
    shape = _two_strings

    def compute(ctx):
        return _reference(ctx, _of_tensors)

    gradient = None


@op("MutableHashTableOfTensorsV2", "-> table_handle: resource", container="string = ''",
    shared_name="string = ''", use_node_name_sharing=False, key_dtype="type", value_dtype="type",
    value_shape="shape = []", stateful=True)  # fmt: skip
class MutableHashTableOfTensorsV2:
    shape = scalar

    def compute(ctx):
        return _shared(ctx, _of_tensors)

    gradient = None


@op("AnonymousMutableHashTableOfTensors", "-> table_handle: resource", key_dtype="type",
    value_dtype="type", value_shape="shape = []", stateful=True)  # fmt: skip
class AnonymousMutableHashTableOfTensors:
    shape = scalar

    def compute(ctx):
        return _of_tensors(ctx.op)


@op("MutableDenseHashTable", "empty_key: key_dtype -> table_handle: Ref(string)",
    container="string = ''", shared_name="string = ''", use_node_name_sharing=False,
    key_dtype="type", value_dtype="type", value_shape="shape = []", initial_num_buckets=131072,
    max_load_factor=0.8, stateful=True)  # fmt: skip
class MutableDenseHashTable:
    shape = _two_strings

    def compute(ctx, empty_key):
        return _reference(ctx, _dense, empty_key, None)

    gradient = None


@op("MutableDenseHashTableV2",
    "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource",
    container="string = ''", shared_name="string = ''", use_node_name_sharing=False,
    key_dtype="type", value_dtype="type", value_shape="shape = []", initial_num_buckets=131072,
    max_load_factor=0.8, stateful=True)  # fmt: skip
class MutableDenseHashTableV2:
    shape = _dense_shape

    def compute(ctx, empty_key, deleted_key):
        return _shared(ctx, _dense, empty_key, deleted_key)

    gradient = None


@op("AnonymousMutableDenseHashTable",
    "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource", key_dtype="type",
    value_dtype="type", value_shape="shape = []", initial_num_buckets=131072, max_load_factor=0.8,
    stateful=True)  # fmt: skip
class AnonymousMutableDenseHashTable:
    shape = _dense_shape

    def compute(ctx, empty_key, deleted_key):
        return _dense(ctx.op, empty_key, deleted_key)


# ------------------------------------------------------------------------------------- initializers


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """The operation that fills all tables of the default graph; it does nothing where there are none."""
    initializers = get_collection(GraphKeys.TABLE_INITIALIZERS)
    if initializers:
        return group(*initializers, name=name)
    return no_op(name=name)


def initialize_all_tables(name: str = "init_all_tables") -> Operation:
    """The older name of ``tables_initializer``."""
    return tables_initializer(name)
