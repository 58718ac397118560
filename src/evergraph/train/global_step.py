"""The global step: the variable that counts training steps, found through its collection or its name."""

from __future__ import annotations

import logging
from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.variables.distribution import VariableAggregation
from evergraph.variables.initializers import zeros_initializer
from evergraph.variables.scope import get_variable

_LOG = logging.getLogger("evergraph")


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of the global step in a session."""
    return int(sess.run(global_step_tensor))


def get_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph: the one in its collection, or the tensor called ``global_step:0``; None
    where there is none.

    Raises TypeError where it is not a whole number, or has a shape.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) == 1:
        step = found[0]
    elif not found:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        _LOG.error("Multiple tensors in global_step collection.")
        return None
    assert_global_step(step)
    return step


def create_global_step(graph: Graph | None = None) -> Any:
    """A new global step variable. Raises ValueError where the graph has one."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=dtypes.int64,
            initializer=zeros_initializer(),
            trainable=False,
            aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph, made where there is none."""
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


def assert_global_step(global_step_tensor: Any) -> None:
    """Raises TypeError unless this is a single whole number."""
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(
            f"Existing 'global_step' does not have integer type: {global_step_tensor.dtype}"
        )
    shape = global_step_tensor.get_shape()
    if shape.ndims not in (0, None) and shape.is_fully_defined():
        raise TypeError(f"Existing 'global_step' is not scalar: {shape}")
