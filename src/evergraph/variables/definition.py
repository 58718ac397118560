"""What reference and resource variables share when they are made, and how both are written as a
VariableDef.
"""

from __future__ import annotations

from typing import Any

from evergraph.formats.protos import AttrValue, VariableDef
from evergraph.graph.collection_protos import register_proto_function
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope
from evergraph.variables import distribution
from evergraph.variables.save_slice import SaveSliceInfo
from evergraph.variables.variable import Variable


def settle(
    variable: Any,
    initial_value: Any,
    trainable: bool | None,
    collections: Any,
    constraint: Any,
    synchronization: Any,
    aggregation: Any,
    name: str | None,
) -> list[Any]:
    """Checks the arguments of a new variable, sets what needs no nodes; returns the collections
    that it goes into.

    Raises ValueError.
    """
    if initial_value is None:
        raise ValueError("initial_value must be specified.")
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    if not isinstance(collections, (list, tuple, set)):
        raise ValueError(
            "collections argument to Variable constructor must be a list, tuple, or set. Got "
            f"{collections} of type {type(collections)}"
        )
    if constraint is not None and not callable(constraint):
        raise ValueError("The `constraint` argument must be a callable.")
    variable._synchronization, variable._aggregation, variable._trainable = distribution.validate(
        synchronization, aggregation, trainable, name
    )
    variable._constraint = constraint
    variable._save_slice_info = None
    found = list(collections)
    if variable._trainable and GraphKeys.TRAINABLE_VARIABLES not in found:
        found.append(GraphKeys.TRAINABLE_VARIABLES)
    return found


def location(scope: str) -> Any:
    """The attribute ``_class`` of nodes that belong beside the variable whose scope is
    ``scope``.
    """
    value = AttrValue()
    value.list.s.append(b"loc:@" + scope.rstrip("/").encode())
    return value


def fill(variable: Any, message: Any, export_scope: str | None) -> None:
    """Writes into a VariableDef what does not depend on the kind of variable."""
    if variable._initial_value is not None:
        message.initial_value_name = strip_name_scope(variable._initial_value.name, export_scope)
    message.trainable = variable.trainable
    message.synchronization = variable.synchronization.value
    message.aggregation = variable.aggregation.value
    if variable._save_slice_info is not None:
        part = variable._save_slice_info.to_proto(export_scope)
        if part is not None:
            message.save_slice_info_def.CopyFrom(part)


def restore(variable: Any, message: Any, import_scope: str | None) -> None:
    """Sets from a VariableDef what does not depend on the kind of variable."""
    variable._initial_value = None
    if message.initial_value_name:
        variable._initial_value = get_default_graph().as_graph_element(
            prepend_name_scope(message.initial_value_name, import_scope)
        )
    variable._synchronization, variable._aggregation, variable._trainable = distribution.validate(
        message.synchronization, message.aggregation, message.trainable, message.variable_name
    )
    variable._save_slice_info = None
    if message.HasField("save_slice_info_def"):
        variable._save_slice_info = SaveSliceInfo(
            save_slice_info_def=message.save_slice_info_def, import_scope=import_scope
        )
    variable._constraint = None


def _to_proto(variable: Any, export_scope: str | None = None) -> Any:
    return variable.to_proto(export_scope=export_scope)


for _key in (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.GLOBAL_STEP,
    GraphKeys.METRIC_VARIABLES,
):
    register_proto_function(_key, VariableDef, _to_proto, Variable.from_proto)
