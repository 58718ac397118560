"""Functions of a graph's library: calls, branches, loops, gradients, and what goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from evergraph import tf1 as tf
from evergraph.formats.protos import FunctionDef, GraphDef
from evergraph.graph.functions import instantiate
from evergraph.graph.graph import Graph
from evergraph.ops import functional
from evergraph.runtime.session import Session

SQUARE = """
signature { name: "square" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
node_def { name: "late" op: "Identity" input: "mul:z:0" attr { key: "T" value { type: DT_FLOAT } } }
node_def { name: "mul" op: "Mul" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
ret { key: "y" value: "late:output:0" }
"""
PAIR = """
signature {
  name: "pair" input_arg { name: "xs" type_attr: "T" number_attr: "N" }
  output_arg { name: "first" type_attr: "T" } output_arg { name: "all" type_attr: "T" number_attr: "N" }
  attr { name: "T" type: "type" } attr { name: "N" type: "int" }
}
node_def {
  name: "copies" op: "IdentityN" input: "xs"
  attr { key: "T" value { list { type: DT_FLOAT type: DT_FLOAT } } }
}
ret { key: "first" value: "xs:0" } ret { key: "all" value: "copies:output" }
"""
AGAIN = """
signature { name: "again" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
node_def { name: "call" op: "again" input: "x" }
ret { key: "y" value: "call:y:0" }
"""


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        for text in (SQUARE, PAIR, AGAIN):
            graph._add_function(text_format.Parse(text, FunctionDef()))
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


def test_nodes_in_any_order(graph: Graph) -> None:
    body = instantiate(graph, "square", {})
    assert [tensor.dtype for tensor in body.inputs + body.outputs] == [tf.float32, tf.float32]
    (called,) = functional.PartitionedCall([3.0], Tout=[tf.float32], f="square")
    assert run(called) == 9.0


def test_a_node_may_be_a_call(graph: Graph) -> None:
    definition = GraphDef(library=graph.as_graph_def().library)
    definition.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    definition.node.add(name="twice", op="square", input=["x"])
    definition.node.add(name="again", op="square", input=["twice"])
    definition.node.add(name="out", op="Identity", input=["again"]).attr["T"].type = 1
    with Graph().as_default() as copy:
        tf.import_graph_def(definition, name="")
        x, out = copy.get_tensor_by_name("x:0"), copy.get_tensor_by_name("out:0")
        assert out.dtype == tf.float32
        grad = tf.gradients(out, x)[0]
        assert run([out, grad], {x: 3.0}) == [81.0, 108.0]
        assert copy.as_graph_def().node[1] == definition.node[1]


def test_arguments_that_are_lists(graph: Graph) -> None:
    made = graph.create_op(
        "pair", [tf.constant(1.0), tf.constant(2.0)], attrs={"T": tf.float32, "N": 2}
    )
    assert run(made.outputs) == [1.0, 1.0, 2.0]


def test_a_gradient_function_of_the_library(graph: Graph) -> None:
    gradient = SQUARE.replace('"square"', '"square_grad"').replace(
        'name: "x" type: DT_FLOAT }',
        'name: "x" type: DT_FLOAT } input_arg { name: "dy" type: DT_FLOAT }',
    )
    graph._add_function(text_format.Parse(gradient, FunctionDef()))
    (called,) = functional.PartitionedCall([3.0], Tout=[tf.float32], f="square")
    own = tf.gradients(called, called.op.inputs[0])[0]
    assert run(own) == 6.0
    graph.function_gradients["square"] = "square_grad"
    assert run(own) == 9.0


def test_what_counts_as_true() -> None:
    for value in (1, -0.5, "text", [0], True):
        assert functional.holds(np.asarray(value, object if isinstance(value, str) else None))
    for value in (0, 0.0, "", [], False):
        assert not functional.holds(np.asarray(value, object if isinstance(value, str) else None))


def test_what_goes_wrong_is_said(graph: Graph) -> None:
    (missing,) = functional.PartitionedCall([1.0], Tout=[tf.float32], f="nothing")
    with pytest.raises(
        tf.errors.NotFoundError, match="Function 'nothing' is not in the graph's library"
    ):
        run(missing)
    (few,) = functional.PartitionedCall([1.0, 2.0], Tout=[tf.float32], f="square")
    with pytest.raises(tf.errors.InvalidArgumentError, match="takes 1 arguments, got 2"):
        run(few)
    (deep,) = functional.PartitionedCall([1.0], Tout=[tf.float32], f="again")
    with pytest.raises(tf.errors.ResourceExhaustedError, match="'again' is nested more than"):
        run(deep)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ('input: "x" input: "x"', 'input: "x" input: "gone:z:0"'),
            "inputs of late, mul cannot be found",
        ),
        (("mul:z:0", "mul:q:0"), "node 'late' .* takes 'mul:q:0', which there is not"),
        (('"late:output:0"', '"late:output:7"'), "does not compute its result 'y'"),
    ],
)
def test_a_body_that_is_not_well_formed(
    graph: Graph, change: tuple[str, str], sentence: str
) -> None:
    text = SQUARE.replace(*change).replace('"square"', '"broken"')
    graph._add_function(text_format.Parse(text, FunctionDef()))
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        instantiate(graph, "broken", {})


def test_static_shapes_of_branches_and_loops() -> None:
    x = tf.placeholder(tf.float32, [2])
    settings = {"then_branch": "square", "else_branch": "square", "Tout": [tf.float32]}
    assert functional.If(True, [x], **settings)[0].shape.dims is None
    assert functional.If(True, [x], output_shapes=[[2]], **settings)[0].shape == [2]
    assert functional.While([x], cond="square", body="square")[0].shape == [2]
    with pytest.raises(ValueError, match="same length as num outputs"):
        functional.If(True, [x], output_shapes=[[2], [3]], **settings)
