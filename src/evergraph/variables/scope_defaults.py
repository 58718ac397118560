"""VariableScope: the name of a scope, and what ``get_variable`` takes within it where a program
does not say.
"""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import name_scope
from evergraph.variables import distribution
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.store import VariableStore


class VariableScope:
    """The name of a scope, and the defaults of ``get_variable`` within it."""

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint

    @property
    def name(self) -> str:
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with this scope at first."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        return self._reuse

    @property
    def initializer(self) -> Any:
        return self._initializer

    @property
    def dtype(self) -> Any:
        return self._dtype

    @property
    def use_resource(self) -> bool | None:
        return self._use_resource

    @property
    def regularizer(self) -> Any:
        return self._regularizer

    @property
    def caching_device(self) -> Any:
        return self._caching_device

    @property
    def partitioner(self) -> Any:
        return self._partitioner

    @property
    def custom_getter(self) -> Any:
        return self._custom_getter

    @property
    def constraint(self) -> Any:
        return self._constraint

    def reuse_variables(self) -> None:
        """From here on, ``get_variable`` shares variables that are there; scopes within inherit
        that.
        """
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the initializer of variables for which none is given."""
        self._initializer = initializer

    def set_dtype(self, dtype: Any) -> None:
        """Sets the type of variables for which none is given."""
        self._dtype = dtype

    def set_use_resource(self, use_resource: bool | None) -> None:
        """Says whether variables are resource variables."""
        self._use_resource = use_resource

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the regularizer of variables for which none is given."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Sets the caching device of variables for which none is given."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the partitioner of variables for which none is given."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets the function that ``get_variable`` asks for variables."""
        self._custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """The items of a collection whose names lie in this scope."""
        return get_default_graph().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self) -> list[Any]:
        """The trainable variables of this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """The global variables of this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """The local variables of this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        var_store: VariableStore,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Any = None,
        constraint: Any = None,
        synchronization: Any = distribution.VariableSynchronization.AUTO,
        aggregation: Any = distribution.VariableAggregation.NONE,
    ) -> Any:
        """The variable ``name`` of this scope in ``var_store``, with the scope's defaults."""
        # A variable's name is its scope's, not that of the name scopes around.
        with name_scope(None):
            if dtype is not None and initializer is not None and not callable(initializer):
                found = convert_to_tensor(initializer).dtype.base_dtype
                if found != dtype:
                    raise ValueError(
                        f"Initializer type '{found}' and explicit dtype '{dtype}' don't match."
                    )
            return var_store.get_variable(
                f"{self._name}/{name}" if self._name else name,
                shape=shape,
                dtype=_either(dtype, self._dtype),
                initializer=_either(initializer, self._initializer),
                regularizer=_either(regularizer, self._regularizer),
                reuse=_either(reuse, self._reuse),
                trainable=trainable,
                collections=collections,
                caching_device=_either(caching_device, self._caching_device),
                partitioner=_either(partitioner, self._partitioner),
                validate_shape=validate_shape,
                use_resource=_either(use_resource, self._use_resource),
                custom_getter=_either(custom_getter, self._custom_getter),
                constraint=_either(constraint, self._constraint),
                synchronization=synchronization,
                aggregation=aggregation,
            )

    def _get_partitioned_variable(
        self,
        var_store: VariableStore,
        name: str | None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = distribution.VariableSynchronization.AUTO,
        aggregation: Any = distribution.VariableAggregation.NONE,
    ) -> PartitionedVariable:
        """The variable ``name`` (None: of the scope's own name) in parts, with the scope's
        defaults.

        Raises ValueError where there is no partitioner, or a custom getter.
        """
        if self._custom_getter is not None:
            raise ValueError(
                "Private access to _get_partitioned_variable is not allowed when a custom getter is "
                f"set.  Current custom getter: {self._custom_getter}.  It is likely that you're "
                "using create_partitioned_variables.  If so, consider instead using get_variable "
                "with a non-empty partitioner parameter instead."
            )
        partitioner = _either(partitioner, self._partitioner)
        if partitioner is None:
            raise ValueError("No partitioner was specified")
        with name_scope(None):
            return var_store.get_partitioned_variable(
                "/".join(part for part in (self._name, name) if part),
                partitioner,
                shape=shape,
                dtype=_either(dtype, self._dtype),
                initializer=_either(initializer, self._initializer),
                regularizer=_either(regularizer, self._regularizer),
                reuse=self._reuse,
                trainable=trainable,
                collections=collections,
                caching_device=_either(caching_device, self._caching_device),
                validate_shape=validate_shape,
                use_resource=_either(use_resource, self._use_resource),
                constraint=_either(constraint, self._constraint),
                synchronization=synchronization,
                aggregation=aggregation,
            )


def _either(given: Any, default: Any) -> Any:
    return default if given is None else given
