"""The nodes and collections that layers, losses, metrics and tf.nn make, against TensorFlow's."""

from __future__ import annotations

import importlib
import textwrap
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.formats.protos import GraphDef
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import name_scope
from evergraph.nn import layers, losses
from evergraph.nn.confusion_matrix import confusion_matrix
from evergraph.ops import array, checks, shape_checks
from evergraph.ops.constant import constant
from evergraph.variables.initializers import zeros_initializer
from evergraph.variables.scope import AUTO_REUSE, get_variable, variable_scope
from tests.oracle.client import Oracle
from tests.oracle.nn_programs import FUNCTIONS, LAYERS

pytestmark = pytest.mark.oracle


def namespace(*modules: str) -> SimpleNamespace:
    """What those modules offer, under one name."""
    found: dict[str, Any] = {}
    for module in modules:
        found.update(vars(importlib.import_module(f"evergraph.{module}")))
    return SimpleNamespace(**found)


TF = SimpleNamespace(
    **{n: getattr(m, n) for m in (checks, shape_checks) for n in dir(m) if n.startswith("assert_")},
    float32=dtypes.float32,
    int32=dtypes.int32,
    int64=dtypes.int64,
    bool=dtypes.bool,
    AUTO_REUSE=AUTO_REUSE,
    confusion_matrix=confusion_matrix,
    constant=constant,
    get_default_graph=get_default_graph,
    get_variable=get_variable,
    layers=layers,
    losses=losses,
    metrics=namespace("nn.metrics", "nn.metrics_curves"),
    name_scope=name_scope,
    nn=namespace(
        "ops.activations", "ops.batch_norm", "ops.bias", "ops.cross_entropy", "ops.dropout",
        "ops.embedding", "ops.moments", "ops.normalization", "ops.softmax", "ops.swish",
        "ops.zero_fraction",
    ),
    placeholder=array.placeholder,
    variable_scope=variable_scope,
    zeros_initializer=zeros_initializer,
)  # fmt: skip

COLLECTIONS = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.UPDATE_OPS,
    GraphKeys.REGULARIZATION_LOSSES,
    GraphKeys.LOSSES,
)

BUILD = """
def main(tf, np, program, collections):
    exec(program, {"tf": tf, "np": np})
    graph = tf.get_default_graph()
    return graph.as_graph_def().SerializeToString(), {
        name: [one.name for one in graph.get_collection(name)] for name in collections
    }
"""


def nodes(graph_def: bytes) -> list[Any]:
    found = list(GraphDef.FromString(graph_def).node)
    for node in found:
        # Made up anew in each process.
        node.attr.pop("_gradient_op_type", None)
        # TensorFlow's own inference of types, a note for its optimizer.
        node.ClearField("experimental_type")
        if node.op == "Const":
            # An encoding of a tensor is free; its value is not.
            value = node.attr["value"].tensor
            value.CopyFrom(_plain(value))
    return found


def _plain(value: Any) -> Any:
    from evergraph.formats.tensor_proto import make_ndarray, make_tensor_proto

    return make_tensor_proto(make_ndarray(value), dtype=dtypes.as_dtype(value.dtype))


PROGRAMS = {**LAYERS, **FUNCTIONS}


@pytest.mark.parametrize("name", PROGRAMS)
def test_nodes_are_tensorflows(tf215: Oracle, name: str) -> None:
    program = textwrap.dedent(PROGRAMS[name])
    theirs, their_collections = tf215.execute(BUILD, program=program, collections=list(COLLECTIONS))
    graph = Graph()
    with graph.as_default():
        exec(program, {"tf": TF, "np": np})
    ours = nodes(graph.as_graph_def().SerializeToString())
    expected = nodes(theirs)
    assert [node.name for node in ours] == [node.name for node in expected]
    for mine, stock in zip(ours, expected, strict=True):
        assert mine == stock
    for key in COLLECTIONS:
        found = [one.name for one in graph.get_collection(key)]
        assert found == their_collections[key], key
