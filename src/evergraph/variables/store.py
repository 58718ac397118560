"""The variables that ``get_variable`` has made in a graph, by name: it makes each once, and shares
it; with a partitioner, in parts (``w/part_0``), each a variable of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.collections import GraphKeys
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.scopes import colocate_with, name_scope
from evergraph.graph.shape import as_shape, known_sizes
from evergraph.graph.tensor import Tensor
from evergraph.ops.slicing import slice_
from evergraph.variables import distribution, initializers, partitioning, sharing
from evergraph.variables.lazy_tensor import LazyTensor
from evergraph.variables.partitioned_variable import PartitionedVariable
from evergraph.variables.partitioning import Partitioner, PartitionInfo
from evergraph.variables.save_slice import SaveSliceInfo
from evergraph.variables.variable import make_variable


class _Reuse:
    """The value of ``reuse`` that makes a variable where there is none of its name."""

    def __repr__(self) -> str:
        return "<AUTO_REUSE>"


AUTO_REUSE = _Reuse()

_defaults = SimpleNamespace(use_resource=False)


def enable_resource_variables() -> None:
    """Makes variables resource variables where nothing else is asked for."""
    _defaults.use_resource = True


def disable_resource_variables() -> None:
    """Makes variables reference variables where nothing else is asked for (the default)."""
    _defaults.use_resource = False


def resource_variables_enabled() -> bool:
    """True where variables are resource variables if nothing else is asked for."""
    enabled: bool = _defaults.use_resource
    return enabled


class VariableStore:
    """A graph's variables by name."""

    def __init__(self) -> None:
        self._vars: dict[str, Any] = {}
        self._partitioned_vars: dict[str, PartitionedVariable] = {}

    def get_variable(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
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
        """The variable of that full name, or what ``custom_getter`` makes of the request.

        ``reuse``: True: it must be there; False or None: it must not; AUTO_REUSE: it is made where
        it is not there. Raises ValueError where that does not hold, or shape, type or initializer
        do not fit.
        """
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        synchronization, aggregation, trainable = distribution.validate(
            synchronization, aggregation, trainable, name
        )
        request = {
            "name": name,
            "shape": shape,
            "dtype": getattr(dtype, "base_dtype", dtype),
            "initializer": initializer,
            "regularizer": regularizer,
            "reuse": reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        if custom_getter is None:
            return self._get(**request, constraint=constraint)
        if _accepts(custom_getter, "constraint"):
            request["constraint"] = constraint
        return custom_getter(getter=self._get, **request)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = distribution.VariableSynchronization.AUTO,
        aggregation: Any = distribution.VariableAggregation.NONE,
    ) -> Any:
        request = {
            "shape": shape,
            "dtype": dtype,
            "initializer": initializer,
            "regularizer": regularizer,
            "reuse": reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "constraint": constraint,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        is_scalar = isinstance(shape, Sequence) and not shape
        if partitioner is not None and not is_scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            with name_scope(None):
                return self.get_partitioned_variable(name, partitioner, **request)
        if reuse is True and partitioner is None and name in self._partitioned_vars:
            return self.get_partitioned_variable(name, None, **request)
        if f"{name}/part_0" in self._vars:
            raise ValueError(
                "No partitioner was provided, but a partitioned version of the variable was found: "
                f"{name}/part_0. Perhaps a variable of the same name was already created with "
                "partitioning? It is shared with reuse=True, or with the partitioner given again."
            )
        return self._get_single(name, **request)

    def get_partitioned_variable(
        self,
        name: str,
        partitioner: Partitioner | None,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        reuse: Any = None,
        **request: Any,
    ) -> PartitionedVariable:
        """The variable of that full name in the parts that ``partitioner`` says.

        An initializer that is a function is asked for each part, a value is cut. Raises ValueError
        where the partitioner's answer does not fit, or sharing is not as ``get_variable`` says.
        """
        if name in self._vars:
            raise ValueError(
                "A partitioner was provided, but an unpartitioned version of the variable was "
                f"found: {name}.  Perhaps a variable of the same name was already created without "
                "partitioning?"
            )
        dtype = dtypes.as_dtype(dtype)
        whole = as_shape(shape)
        if isinstance(initializer, Tensor):
            whole = whole.merge_with(initializer.shape)
        parts = partitioner and partitioning.partitions(partitioner, whole, dtype)
        found = self._partitioned_vars.get(name)
        if found is not None:
            sharing.check_parts(found, reuse, whole, dtype, parts)
            return found
        if reuse is True or parts is None:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with "
                "tf.get_variable(). Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in "
                "VarScope?"
            )
        axis, count = partitioning.axis_and_count(parts)
        self._check_parts(name, count)
        sizes = known_sizes(whole)
        made = []
        for number, (offset, part) in enumerate(partitioning.slices(sizes, axis, count)):
            info = PartitionInfo(sizes, offset)
            part_name = f"{name}/part_{number}"
            with name_scope(f"{part_name}/PartitionedInitializer"):
                first = _initializer_of_part(initializer, name, dtype, offset, part)
            if isinstance(first, Tensor):
                dtype = first.dtype.base_dtype
            variable = self._get_single(
                part_name,
                shape=None if isinstance(first, Tensor) else part,
                dtype=dtype,
                initializer=first,
                reuse=reuse,
                partition_info=info,
                **request,
            )
            variable._set_save_slice_info(SaveSliceInfo(name, sizes, offset, part))
            made.append(variable)
        result = PartitionedVariable(name, whole, dtype, made, parts)
        self._partitioned_vars[name] = result
        return result

    def _check_parts(self, name: str, count: int) -> None:
        """Raises ValueError where some parts of ``name`` are there, and not ``count``."""
        if f"{name}/part_0" not in self._vars:
            return
        found = (
            "Partitioner returned a different partitioning than what was already found.  "
            f"Partitioner returned {count} shards, and shard {name}/part_0 was found, but"
        )
        if f"{name}/part_{count - 1}" not in self._vars:
            raise ValueError(f"{found} {name}/part_{count - 1} was not.")
        if f"{name}/part_{count}" in self._vars:
            raise ValueError(f"{found} so was the extra shard {name}/part_{count}.")

    def _get_single(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        trainable: bool | None,
        collections: Any,
        caching_device: Any,
        validate_shape: bool,
        use_resource: bool | None,
        constraint: Any,
        synchronization: Any,
        aggregation: Any,
        partition_info: PartitionInfo | None = None,
    ) -> Any:
        initializing_from_value = initializer is not None and not callable(initializer)
        if shape is not None and initializing_from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = dtypes.as_dtype(dtype)
        shape = None if shape is None else as_shape(shape)
        found = self._vars.get(name)
        if found is not None:
            sharing.check(name, found, reuse, shape, dtype)
            return found
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            if shape is None:
                raise ValueError(
                    f"Variable {name} did not get an initializer, so its `shape` argument must be "
                    "specified."
                )
            initializer = default_initializer(name, dtype)
        variable = make_variable(
            initial_value=_initial_value(initializer, shape, dtype, partition_info),
            name=name,
            trainable=trainable,
            collections=collections,
            caching_device=caching_device,
            dtype=dtype if _takes_shape(initializer, shape) else None,
            validate_shape=validate_shape,
            constraint=constraint,
            use_resource=resource_variables_enabled() if use_resource is None else use_resource,
            synchronization=synchronization,
            aggregation=aggregation,
            shape=shape,
        )
        self._vars[name] = variable
        if regularizer:
            _add_loss(variable, name, regularizer)
        return variable


def default_initializer(name: str, dtype: DType) -> Callable[..., Any]:
    """What initializes a variable for which nothing is said: Glorot's uniform, zeros for what is
    not floating.

    Raises ValueError for a type that has no default.
    """
    if dtype.is_floating:
        return initializers.glorot_uniform_initializer()
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool or dtype == dtypes.string:
        return initializers.zeros_initializer()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype} is required")


def _initializer_of_part(
    initializer: Any, name: str, dtype: DType, offset: Sequence[int], shape: Sequence[int]
) -> Any:
    """What initializes one part: the function that initializes all, or the part of a value."""
    if initializer is None:
        return default_initializer(name, dtype)
    if callable(initializer):
        return initializer
    if not isinstance(initializer, Tensor):
        initializer = convert_to_tensor(initializer, dtype=dtype)
    return slice_(initializer, offset, shape)


def _takes_shape(initializer: Any, shape: Any) -> bool:
    return callable(initializer) and shape is not None and shape.is_fully_defined()


def _initial_value(
    initializer: Any, shape: Any, dtype: DType, partition_info: PartitionInfo | None
) -> Any:
    """A tensor, or a function without arguments. Raises ValueError where the initializer cannot be
    called.
    """
    if not callable(initializer):
        return initializer
    if inspect.isclass(initializer):
        initializer = initializer()
    if _takes_shape(initializer, shape):
        given: dict[str, Any] = {"dtype": dtype.base_dtype}
        if _accepts(initializer, "partition_info", by_name=True):
            given["partition_info"] = partition_info
        return functools.partial(initializer, shape.as_list(), **given)
    if _needs_no_arguments(initializer):
        return initializer
    raise ValueError(
        "The initializer passed is not valid. It should be a callable with no arguments and the "
        "shape should not be provided or an instance of `tf.keras.initializers.*' and `shape` "
        "should be fully defined."
    )


def _accepts(function: Any, name: str, by_name: bool = False) -> bool:
    parameters = inspect.signature(function).parameters
    several = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return name in parameters or (several and not by_name)


def _needs_no_arguments(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters
    )


def _add_loss(variable: Any, name: str, regularizer: Callable[[Any], Any]) -> None:
    def make() -> Any:
        with colocate_with(variable), name_scope(f"{name}/Regularizer/"):
            return regularizer(variable)

    if regularizer(variable) is not None:
        get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, LazyTensor(make))
