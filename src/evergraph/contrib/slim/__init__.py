"""``tf.contrib.slim``: its variables, checkpoints and argument scopes. Its layers are not there yet."""

from typing import Any

from evergraph.contrib.framework import (
    VariableDeviceChooser,
    add_arg_scope,
    add_model_variable,
    arg_scope,
    arg_scope_func_key,
    arg_scoped_arguments,
    assert_global_step,
    assert_or_get_global_step,
    assign_from_checkpoint,
    assign_from_checkpoint_fn,
    assign_from_values,
    assign_from_values_fn,
    create_global_step,
    current_arg_scope,
    filter_variables,
    get_global_step,
    get_local_variables,
    get_model_variables,
    get_or_create_global_step,
    get_trainable_variables,
    get_unique_variable,
    get_variable_full_name,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    global_variable,
    has_arg_scope,
    local_variable,
    model_variable,
    variable,
)
from evergraph.contrib.slim import evaluation, model_analyzer
from evergraph.nearest import no_attribute

#: Layers of slim, and what is nearest to them here.
_LAYERS = {
    "avg_pool2d": "tf.layers.average_pooling2d",
    "batch_norm": "tf.layers.batch_normalization",
    "conv2d": "tf.layers.conv2d",
    "conv2d_transpose": "tf.layers.conv2d_transpose",
    "conv3d": "tf.layers.conv3d",
    "convolution2d": "tf.layers.conv2d",
    "convolution2d_transpose": "tf.layers.conv2d_transpose",
    "dropout": "tf.layers.dropout",
    "embed_sequence": "tf.nn.embedding_lookup",
    "flatten": "tf.layers.flatten",
    "fully_connected": "tf.layers.dense",
    "l1_regularizer": "tf.reduce_sum(tf.abs(...))",
    "l2_regularizer": "tf.nn.l2_loss",
    "linear": "tf.layers.dense",
    "max_pool2d": "tf.layers.max_pooling2d",
    "one_hot_encoding": "tf.one_hot",
    "separable_conv2d": "tf.layers.separable_conv2d",
    "separable_convolution2d": "tf.layers.separable_conv2d",
    "softmax": "tf.nn.softmax",
    "variance_scaling_initializer": "tf.variance_scaling_initializer",
    "xavier_initializer": "tf.glorot_uniform_initializer",
}

__all__ = [
    "VariableDeviceChooser",
    "add_arg_scope",
    "add_model_variable",
    "arg_scope",
    "arg_scope_func_key",
    "arg_scoped_arguments",
    "assert_global_step",
    "assert_or_get_global_step",
    "assign_from_checkpoint",
    "assign_from_checkpoint_fn",
    "assign_from_values",
    "assign_from_values_fn",
    "create_global_step",
    "current_arg_scope",
    "evaluation",
    "filter_variables",
    "get_global_step",
    "get_local_variables",
    "get_model_variables",
    "get_or_create_global_step",
    "get_trainable_variables",
    "get_unique_variable",
    "get_variable_full_name",
    "get_variables",
    "get_variables_by_name",
    "get_variables_by_suffix",
    "get_variables_to_restore",
    "global_variable",
    "has_arg_scope",
    "local_variable",
    "model_analyzer",
    "model_variable",
    "variable",
]


def __getattr__(name: str) -> Any:
    hint = ""
    if name in _LAYERS:
        hint = (
            f" slim's layers are not there yet; the nearest is {_LAYERS[name]}, whose variables may have other names. "
            "A model that slim has built and saved runs without slim, from its MetaGraph: "
            "tf.train.import_meta_graph."
        )
    raise no_attribute("tf.contrib.slim", name, __all__, hint)
