"""``tf.contrib.framework``: variables by scope and name, checkpoints into variables, argument scopes."""

from typing import Any

from evergraph.contrib.framework.argument_scopes import (
    add_arg_scope,
    arg_scope,
    arg_scope_func_key,
    arg_scoped_arguments,
    current_arg_scope,
    has_arg_scope,
)
from evergraph.contrib.framework.assignment import (
    assign_from_checkpoint,
    assign_from_checkpoint_fn,
    assign_from_values,
    assign_from_values_fn,
)
from evergraph.contrib.framework.deprecation import (
    deprecated,
    deprecated_arg_values,
    deprecated_args,
)
from evergraph.contrib.framework.remapping import (
    load_linear_multiclass_bias_initializer,
    load_variable_slot_initializer,
)
from evergraph.contrib.framework.tensor_checks import (
    assert_scalar_int,
    is_tensor,
    reduce_sum_n,
    remove_squeezable_dimensions,
    with_same_shape,
    with_shape,
)
from evergraph.contrib.framework.variables import (
    VariableDeviceChooser,
    add_model_variable,
    filter_variables,
    get_local_variables,
    get_model_variables,
    get_trainable_variables,
    get_unique_variable,
    get_variable_full_name,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    global_variable,
    local_variable,
    model_variable,
    variable,
)
from evergraph.graph import nest
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.default_graph import graph_of as get_graph_from_inputs
from evergraph.nearest import no_attribute
from evergraph.ops.case import smart_case
from evergraph.ops.checks import is_non_decreasing, is_numeric_tensor, is_strictly_increasing
from evergraph.ops.cond import smart_cond, smart_constant_value
from evergraph.ops.control_flow_context import prepend_name_scope, strip_name_scope
from evergraph.ops.py_func import py_func
from evergraph.ops.shape_checks import assert_same_float_dtype, assert_scalar
from evergraph.ops.sorting import argsort, sort
from evergraph.train.checkpoint_reader import list_variables, load_checkpoint, load_variable
from evergraph.train.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)
from evergraph.train.init_from_checkpoint import init_from_checkpoint
from evergraph.train.matrix_remapping import (
    load_and_remap_matrix_initializer,
    load_embedding_initializer,
)


def assert_or_get_global_step(graph: Any = None, global_step_tensor: Any = None) -> Any:
    """``global_step_tensor``, which must be fit to be one; where there is none, that of the graph, or None."""
    if global_step_tensor is None:
        return get_global_step(graph)
    assert_global_step(global_step_tensor)
    return global_step_tensor


def get_name_scope() -> str:
    """The current name scope, without a slash at the end."""
    return get_default_graph().get_name_scope()


def get_placeholders(graph: Any) -> list[Any]:
    """The tensors of a graph's Placeholder operations."""
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]


__all__ = [
    "VariableDeviceChooser",
    "add_arg_scope",
    "add_model_variable",
    "arg_scope",
    "arg_scope_func_key",
    "arg_scoped_arguments",
    "argsort",
    "assert_global_step",
    "assert_or_get_global_step",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_scalar_int",
    "assign_from_checkpoint",
    "assign_from_checkpoint_fn",
    "assign_from_values",
    "assign_from_values_fn",
    "create_global_step",
    "current_arg_scope",
    "deprecated",
    "deprecated_arg_values",
    "deprecated_args",
    "filter_variables",
    "get_global_step",
    "get_graph_from_inputs",
    "get_local_variables",
    "get_model_variables",
    "get_name_scope",
    "get_or_create_global_step",
    "get_placeholders",
    "get_trainable_variables",
    "get_unique_variable",
    "get_variable_full_name",
    "get_variables",
    "get_variables_by_name",
    "get_variables_by_suffix",
    "get_variables_to_restore",
    "global_variable",
    "has_arg_scope",
    "init_from_checkpoint",
    "is_non_decreasing",
    "is_numeric_tensor",
    "is_strictly_increasing",
    "is_tensor",
    "list_variables",
    "load_and_remap_matrix_initializer",
    "load_checkpoint",
    "load_embedding_initializer",
    "load_linear_multiclass_bias_initializer",
    "load_variable",
    "load_variable_slot_initializer",
    "local_variable",
    "model_variable",
    "nest",
    "prepend_name_scope",
    "py_func",
    "reduce_sum_n",
    "remove_squeezable_dimensions",
    "smart_case",
    "smart_cond",
    "smart_constant_value",
    "sort",
    "strip_name_scope",
    "variable",
    "with_same_shape",
    "with_shape",
]


def __getattr__(name: str) -> Any:
    raise no_attribute("tf.contrib.framework", name, __all__)
