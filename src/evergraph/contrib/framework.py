"""``tf.contrib.framework``: global steps, and checkpoints without a graph."""

from evergraph.train.checkpoint_reader import list_variables, load_checkpoint, load_variable
from evergraph.train.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)
from evergraph.variables.collections import (
    global_variables as get_variables,
)
from evergraph.variables.collections import (
    local_variables as get_local_variables,
)
from evergraph.variables.collections import (
    model_variables as get_model_variables,
)
from evergraph.variables.collections import (
    trainable_variables as get_trainable_variables,
)

__all__ = [
    "assert_global_step",
    "create_global_step",
    "get_global_step",
    "get_local_variables",
    "get_model_variables",
    "get_or_create_global_step",
    "get_trainable_variables",
    "get_variables",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
