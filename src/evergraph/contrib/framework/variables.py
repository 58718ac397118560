"""``tf.contrib.framework``'s variables: made, and found by scope, name or pattern."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evergraph.contrib.framework.argument_scopes import add_arg_scope
from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.device import DeviceSpec
from evergraph.graph.scopes import device as device_scope
from evergraph.nearest import did_you_mean
from evergraph.variables.distribution import VariableAggregation, VariableSynchronization
from evergraph.variables.scope import VariableScope, get_variable, get_variable_scope
from evergraph.variables.variable import make_variable

# Made


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Iterable[str] | None = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """``tf.get_variable`` on ``device`` (a string or a device function).

    ``custom_getter`` is called in place of ``tf.get_variable``, with its arguments and the scope's ``reuse``.
    """
    getter: Callable[..., Any] = get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=get_variable_scope().reuse)
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    with device_scope(device or ""):
        return getter(
            name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
            collections=list(dict.fromkeys(collections)),
            caching_device=caching_device,
            partitioner=partitioner,
            use_resource=use_resource,
            synchronization=synchronization,
            aggregation=aggregation,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = dtypes.float32,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Iterable[str] | None = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """``variable``, which is also in GLOBAL_VARIABLES and MODEL_VARIABLES."""
    own = [GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=[*(collections or ()), *own],
        caching_device=caching_device,
        device=device,
        partitioner=partitioner,
        custom_getter=custom_getter,
        use_resource=use_resource,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def local_variable(
    initial_value: Any,
    validate_shape: bool = True,
    name: str | None = None,
    use_resource: bool | None = None,
) -> Any:
    """A ``tf.Variable`` in LOCAL_VARIABLES, not trained."""
    return _plain(initial_value, validate_shape, name, use_resource, GraphKeys.LOCAL_VARIABLES)


def global_variable(
    initial_value: Any,
    validate_shape: bool = True,
    name: str | None = None,
    use_resource: bool | None = None,
) -> Any:
    """A ``tf.Variable`` in GLOBAL_VARIABLES, not trained."""
    return _plain(initial_value, validate_shape, name, use_resource, GraphKeys.GLOBAL_VARIABLES)


def _plain(
    initial_value: Any,
    validate_shape: bool,
    name: str | None,
    use_resource: bool | None,
    collection: str,
) -> Any:
    return make_variable(
        initial_value,
        trainable=False,
        collections=[collection],
        validate_shape=validate_shape,
        name=name,
        use_resource=use_resource,
    )


def add_model_variable(var: Any) -> None:
    """Adds a variable to MODEL_VARIABLES, once."""
    found = get_default_graph().get_collection_ref(GraphKeys.MODEL_VARIABLES)
    if not any(other is var for other in found):
        get_default_graph().add_to_collection(GraphKeys.MODEL_VARIABLES, var)


class VariableDeviceChooser:
    """A device function for variables: in turn on the tasks of parameter servers, or all on one kind of device.

    Args:
      num_tasks: how many parameter servers there are; 0: none.
      job_name: the job that they are tasks of.
      device_type, device_index: the device.
      replica: the replica, where there are several.
    """

    def __init__(
        self,
        num_tasks: int = 0,
        job_name: str = "ps",
        device_type: str = "CPU",
        device_index: int = 0,
        replica: int | None = None,
    ) -> None:
        self._job_name = job_name
        self._device_type = device_type
        self._device_index = device_index
        self._replica = replica
        self._num_tasks = num_tasks
        self._next_task_id = 0

    def __call__(self, op: Any) -> str:
        spec = DeviceSpec(
            replica=self._replica, device_type=self._device_type, device_index=self._device_index
        )
        if self._num_tasks > 0:
            spec.job, spec.task = self._job_name, self._next_task_id
            self._next_task_id = (self._next_task_id + 1) % self._num_tasks
        return spec.to_string()


# Found


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: Any = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """The variables of a collection under a scope (a VariableScope, or a regular expression for the beginning of
    their names), whose names end with ``suffix``.
    """
    if isinstance(scope, VariableScope):
        scope = scope.name
    if suffix is not None:
        scope = f"{scope or ''}.*{suffix if ':' in suffix else suffix + ':'}"
    return get_default_graph().get_collection(collection, scope)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """``get_variables`` of MODEL_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """``get_variables`` of LOCAL_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """``get_variables`` of TRAINABLE_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The global variables whose names end with ``suffix``."""
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The global variables that have this name in a scope below ``scope``, or in none.

    As in TensorFlow, one that is in no scope is among them whatever ``scope`` is.
    """
    return get_variables(scope, f"/{given_name}:|^{given_name}:")


def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[Any]:
    """The global variables under the scopes ``include`` (None: all), without those under ``exclude``.

    Raises TypeError where these are no lists or tuples.
    """
    for what, scopes in (("include", include), ("exclude", exclude)):
        if not (scopes is None or isinstance(scopes, (list, tuple))):
            raise TypeError(f"{what} is provided but is not a list or a tuple.")
    found = (
        get_variables()
        if include is None
        else [v for scope in include for v in get_variables(scope)]
    )
    excluded = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in found if id(v) not in excluded]


def get_unique_variable(var_op_name: str) -> Any:
    """The global variable of this full name. Raises ValueError, with the nearest names, where there is none."""
    candidates = get_variables(var_op_name)
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    if candidates:
        raise ValueError(
            f"Variable {var_op_name} does not uniquely identify a variable: it is the beginning of "
            f"{', '.join(candidate.op.name for candidate in candidates)}"
        )
    raise ValueError(f"Couldn't find variable {var_op_name}.{near_variables(var_op_name)}")


def near_variables(name: str) -> str:
    """The sentence that names the global variables nearest to ``name``, or nothing."""
    return did_you_mean(name, (variable.op.name for variable in get_variables()))


def get_variable_full_name(var: Any) -> str:
    """The name under which a variable is saved: that of the whole for a part of one."""
    part = var._get_save_slice_info()
    name: str = var.op.name if part is None else part.full_name
    return name


def filter_variables(
    var_list: Iterable[Any],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """The variables whose names match one of ``include_patterns`` (None: all) and none of ``exclude_patterns``:
    anywhere in the name, or with ``reg_search`` False from its beginning.
    """
    match = re.search if reg_search else re.match

    def matches(var: Any, patterns: Sequence[str]) -> bool:
        return any(match(pattern, var.name) for pattern in patterns)

    return [
        var
        for var in var_list
        if (include_patterns is None or matches(var, include_patterns))
        and not (exclude_patterns is not None and matches(var, exclude_patterns))
    ]
