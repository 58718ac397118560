"""What all lookup tables have, and those that are filled once."""

from __future__ import annotations

from typing import Any

from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.lookup.initializers import KeysAndValues, TableInitializerBase
from evergraph.ops.sparse_tensor import SparseTensor
from evergraph.ops.table_lookups import LookupTableFindV2, LookupTableSizeV2


class LookupInterface(KeysAndValues):
    """A table from keys to values that keeps what it holds from run to run."""

    _resource_handle: Tensor | None = None

    @property
    def resource_handle(self) -> Tensor | None:
        """The tensor that stands for the table in ops; None where there are only buckets."""
        return self._resource_handle

    @property
    def name(self) -> str | None:
        """The last part of the name of the table's node."""
        raise NotImplementedError

    def size(self, name: str | None = None) -> Tensor:
        """How many entries there are, as a scalar of type int64."""
        raise NotImplementedError

    def lookup(self, keys: Any, name: str | None = None) -> Tensor:
        """The values of ``keys``."""
        raise NotImplementedError

    def __getitem__(self, keys: Any) -> Tensor:
        return self.lookup(keys)


def checked_keys(keys: Any, dtype: DType) -> Any:
    """``keys`` as a tensor (a variable stays one). Raises TypeError unless they are of type ``dtype``."""
    if not hasattr(getattr(keys, "dtype", None), "base_dtype"):
        keys = convert_to_tensor(keys, dtype=dtype, name="keys")
    if keys.dtype.base_dtype != dtype:
        raise TypeError(
            f"Dtype of argument `keys` must be {dtype}, received: {keys.dtype}; tf.cast and tf.as_string convert"
        )
    return keys


class InitializableLookupTableBase(LookupInterface):
    """A table that its ``initializer`` fills, once; what is not in it has ``default_value``."""

    def __init__(self, default_value: Any, initializer: TableInitializerBase) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
        self._default_value.shape.merge_with(())
        self._initializer = initializer
        # A table outlives whatever branch or loop it is first named in.
        with control_dependencies(None):
            self._resource_handle = self._create_resource()
        if get_default_graph()._get_control_flow_context() is not None:
            with control_dependencies(None):
                self._init_op = self._initialize()
        else:
            self._init_op = self._initialize()

    def _create_resource(self) -> Tensor:
        raise NotImplementedError

    def _initialize(self) -> Operation:
        return self._initializer.initialize(self)

    @property
    def default_value(self) -> Tensor:
        """The value of keys that are not in the table."""
        return self._default_value

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table; ``tf.tables_initializer()`` runs those of all tables."""
        return self._init_op

    @property
    def init(self) -> Operation:
        """The older name of ``initializer``."""
        return self._init_op

    def size(self, name: str | None = None) -> Tensor:
        """How many entries there are, as a scalar of type int64; 0 before the table is initialized."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            result: Tensor = LookupTableSizeV2(self.resource_handle)
            return result

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The value of each of ``keys``, in a tensor of the same shape; of a SparseTensor in a SparseTensor.

        Running it raises FailedPreconditionError before the table is initialized. Raises TypeError for keys of another
        type than the table's.
        """
        if isinstance(keys, SparseTensor):
            return keys.with_values(self.lookup(keys.values, name))
        keys = checked_keys(keys, self._key_dtype)
        with name_scope(
            name, f"{self.name}_Lookup", [self.resource_handle, keys, self._default_value]
        ):
            values: Tensor = LookupTableFindV2(self.resource_handle, keys, self._default_value)
        values.set_shape(keys.shape)
        return values
