"""A graph's variables, by the collections that they are in, and the operations that initialize them
all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.operation import Operation
from evergraph.graph.scopes import colocate_with, device, name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import state
from evergraph.ops.array import no_op, rank
from evergraph.ops.constant import constant
from evergraph.ops.grouping import group
from evergraph.ops.joining import stack
from evergraph.ops.logical import logical_not
from evergraph.ops.selection import boolean_mask

_REFERENCES = ("Variable", "VariableV2", "AutoReloadVariable")


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that are saved and shared; with ``scope`` those whose names match it (a regex,
    from the start).
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def all_saveable_objects(scope: str | None = None) -> list[Any]:
    """What a Saver saves if nothing else is said."""
    graph = get_default_graph()
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope) + graph.get_collection(
        GraphKeys.SAVEABLE_OBJECTS, scope
    )


def local_variables(scope: str | None = None) -> list[Any]:
    """The variables that are this process's own, and not saved."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that are needed to predict."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers train."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables of which moving averages are kept."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Sequence[Any], name: str = "init") -> Operation:
    """An operation that initializes the variables of ``var_list``."""
    if var_list:
        return group(*[variable.initializer for variable in var_list], name=name)
    empty: Operation = no_op(name=name)
    return empty


initialize_variables = variables_initializer


def global_variables_initializer() -> Operation:
    """An operation that initializes all global variables."""
    return variables_initializer(global_variables())


initialize_all_variables = global_variables_initializer


def local_variables_initializer() -> Operation:
    """An operation that initializes all local variables."""
    return variables_initializer(local_variables())


initialize_local_variables = local_variables_initializer


def is_variable_initialized(variable: Any) -> Tensor:
    """A bool: has ``variable`` been initialized?"""
    return state.is_variable_initialized(variable)


def _all_variables() -> list[Any]:
    """Global and local variables; in a graph without, the references of its variable nodes."""
    found = global_variables() + local_variables()
    return found or [
        op.outputs[0] for op in get_default_graph().get_operations() if op.type in _REFERENCES
    ]


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Tensor | None:
    """A tensor whose evaluation raises FailedPreconditionError where one of the variables is not
    initialized.
    """
    found = _all_variables() if var_list is None else var_list
    if not found:
        return None
    ranks = []
    for variable in found:
        with colocate_with(variable.op):
            ranks.append(rank(variable, optimize=False))
    return ranks[0] if len(ranks) == 1 else stack(ranks)


def report_uninitialized_variables(
    var_list: Sequence[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """A vector of the names of those variables (default: global and local ones) that are not
    initialized.
    """
    found = _all_variables() if var_list is None else var_list
    with name_scope(name):
        flags = [state.is_variable_initialized(variable) for variable in found]
        place = os.environ.get("TF_DEVICE_FOR_UNINITIALIZED_VARIABLE_REPORTING", "/cpu:0")
        with device(place):
            if not found:
                return constant([], dtype=dtypes.string)
            mask = logical_not(stack(flags))
            names = constant([variable.op.name for variable in found])
            return boolean_mask(names, mask)
