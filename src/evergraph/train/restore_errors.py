"""Why a restore failed: everything that does not fit between a graph and a checkpoint, in one error.

Stock TensorFlow names the first missing key, then what happened when it tried something else. Here the error lists all
missing keys with the nearest names that the checkpoint has, all shapes and types that differ, by the variables' names,
and what to do about it; its ``report`` is the same as an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.tensor_slice import parse_shape_and_slice
from evergraph.graph.attributes import to_text
from evergraph.graph.constant_value import constant_value
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.graph.shape import Dims
from evergraph.train.restore_report import Wanted, compare

_RESTORES = frozenset(("RestoreV2", "Restore", "RestoreSlice"))


def explain(error: errors.OpError, prefix: str, graph: Graph, saver_def: Any) -> errors.OpError:
    """An error of the same class as ``error`` that says all that does not fit; ``error`` itself where
    nothing is found.
    """
    try:
        with open_checkpoint(prefix) as checkpoint:
            report = compare(list(_wanted(graph, saver_def)), checkpoint)
    except errors.OpError:
        return error
    return error if report.complete else report.error(error.node_def, error.op)


def _wanted(graph: Graph, saver_def: Any) -> Iterator[Wanted]:
    """What the restore operation reads, and the variables that it sets with it."""
    stack = [graph.as_graph_element(saver_def.restore_op_name)]
    seen: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        stack.extend(op.control_inputs)
        stack.extend(tensor.op for tensor in op.inputs)
        if op.type not in _RESTORES:
            continue
        names = _texts(op, 1)
        specs = _texts(op, 2) if op.type != "Restore" else [""]
        for name, spec, output in zip(names, specs, op.outputs, strict=False):
            variable, dims = _variable_set_by(output) or ("", None)
            if spec:  # a part: what it must fit is the whole
                variable, dims = name, parse_shape_and_slice(spec)[0]
            yield Wanted(name, output.dtype, dims, variable)


def _texts(op: Operation, index: int) -> list[str]:
    """The strings of a constant input; none where they are not known."""
    value = constant_value(op.inputs[index])
    return [] if value is None else [to_text(text) for text in np.asarray(value).reshape(-1)]


def _variable_set_by(tensor: Any) -> tuple[str, Dims] | None:
    """The name and shape of the variable that a restored tensor is assigned to."""
    for op in tensor.consumers():
        if op.type == "Assign":
            return op.inputs[0].op.name, op.inputs[0].dims
        if op.type == "AssignVariableOp":
            return op.inputs[0].op.name, op.inputs[0].op.attrs.get("shape")
        if op.type == "Identity":
            return _variable_set_by(op.outputs[0])
    return None
