"""The objects of SavedModels of TensorFlow 2: paths, keys, functions; and graphs that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.graph_file import read_saved_model
from evergraph.saved_model.object_graph import ObjectGraph


def linked(message: Any, *edges: tuple[int, str, int]) -> Any:
    """The graph with these (parent, name, child)."""
    for parent, name, child in edges:
        while len(message.nodes) <= max(parent, child):
            message.nodes.add()
        message.nodes[parent].children.add(local_name=name, node_id=child)
    return message


def objects() -> Any:
    """model.layer.w, the same as model.shared; model.call, which has captured w; a cycle."""
    edges = (0, "layer", 1), (1, "w", 2), (0, "shared", 2), (0, "call", 3), (1, "parent", 0)
    message = linked(protos.SavedObjectGraph(), *edges)
    message.nodes[2].variable.name = "dense/kernel"
    message.nodes[2].variable.dtype = protos.DT_FLOAT
    message.nodes[2].variable.shape.dim.add(size=2)
    message.nodes[3].function.concrete_functions.append("f_1")
    message.concrete_functions["f_1"].bound_inputs.extend([2, 3])
    return message


def checkpoint() -> dict[str, Any]:
    """A checkpoint whose nodes have other numbers."""
    stored = linked(protos.TrackableObjectGraph(), (0, "layer", 2), (2, "w", 1))
    stored.nodes[1].attributes.add(name="VARIABLE_VALUE", checkpoint_key="layer/w/.ATTRIBUTES/V")
    return {"_CHECKPOINTABLE_OBJECT_GRAPH": np.array(stored.SerializeToString(), object)}


def test_variables_and_functions() -> None:
    graph = ObjectGraph(objects(), checkpoint())
    (variable,) = graph.variables()
    # Of two paths the shorter, and the key of the one that the checkpoint has.
    assert variable.path == "shared"
    assert variable.key == "layer/w/.ATTRIBUTES/V"
    assert (variable.name, variable.dtype.name, variable.shape.as_list()) == (
        "dense/kernel", "float32", [2]
    )  # fmt: skip
    (function,) = graph.functions()
    assert function == ("call", ["f_1"])


def test_what_a_function_has_captured() -> None:
    graph = ObjectGraph(objects(), checkpoint())
    assert graph.captured_keys("f_1") == ["layer/w/.ATTRIBUTES/V", None]
    assert graph.captured_keys("other") == []


def test_without_a_checkpoint() -> None:
    assert ObjectGraph(objects()).variables()[0].key is None
    assert ObjectGraph(protos.SavedObjectGraph()).variables() == []


def test_nodes_that_are_not_there() -> None:
    message = objects()
    message.nodes[0].children.add(local_name="lost", node_id=99)
    with pytest.raises(errors.DataLossError, match="node 99 and has 4 nodes"):
        ObjectGraph(message)
    stored = linked(protos.TrackableObjectGraph(), (0, "layer", 1))
    stored.nodes[0].children[0].node_id = -5
    data = {"_CHECKPOINTABLE_OBJECT_GRAPH": np.array(stored.SerializeToString(), object)}
    with pytest.raises(errors.DataLossError, match="node -5"):
        ObjectGraph(objects(), data)


@pytest.mark.shared
def test_keras(shared: Path) -> None:
    folder = shared / "data" / "edge" / "keras_saved_model"
    (meta,) = read_saved_model(folder).meta_graphs
    with evergraph.open_checkpoint(folder) as stored:
        graph = ObjectGraph(meta.object_graph_def, stored)
        found = {variable.name: variable for variable in graph.variables()}
        kernel = found["sequential/dense/kernel"]
        assert stored[str(kernel.key)].shape == tuple(kernel.shape.as_list())
    assert len(found) == 22
    assert "signatures/serving_default" in {function.path for function in graph.functions()}
