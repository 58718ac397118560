"""Main ops: what is run once when a SavedModel has been loaded (``tf.saved_model.main_op``)."""

from __future__ import annotations

from typing import Any

from evergraph.graph.operation import Operation
from evergraph.graph.scopes import control_dependencies
from evergraph.ops.grouping import group
from evergraph.ops.tables import tables_initializer
from evergraph.variables.collections import (
    global_variables_initializer,
    local_variables_initializer,
)


def main_op() -> Operation:
    """An operation that initializes variables, local variables and tables."""
    init = global_variables_initializer()
    init_local = local_variables_initializer()
    return group(init, init_local, tables_initializer())


def main_op_with_restore(restore_op_name: Any) -> Operation:
    """``main_op()``, then the restore operation."""
    with control_dependencies([main_op()]):
        return group(restore_op_name)
