"""GraphDefs that no honest program writes: what fuzzing has found, and what it might."""

from __future__ import annotations

import pytest

import evergraph.ops  # noqa: F401  # declares the ops
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.tensor_proto import make_tensor_proto
from evergraph.graph.constant_value import constant_value, constant_value_as_shape
from evergraph.graph.importer import import_graph_def


def constant(graph, name: str, value, dtype: int | None = None):
    node = graph.node.add(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value))
    node.attr["dtype"].type = dtype or node.attr["value"].tensor.dtype
    return node


def imported(graph) -> tf.Graph:
    with tf.Graph().as_default() as made:
        import_graph_def(graph, name="")
    return made


@pytest.mark.parametrize(
    "fill",
    [
        lambda attr: attr.__setattr__("b", True),
        lambda attr: attr.__setattr__("i", 1),
        lambda attr: attr.list.type.append(1),
        lambda attr: attr.shape.SetInParent(),
        lambda attr: attr.__setattr__("placeholder", "T"),
        lambda attr: None,
    ],
)
def test_attribute_of_another_kind(fill) -> None:
    graph = protos.GraphDef()
    constant(graph, "c", 1.0)
    node = graph.node.add(name="n", op="Identity", input=["c"])
    fill(node.attr["T"])
    with pytest.raises(ValueError, match=r"'T' has .* where 'type' is expected .*node 'n'"):
        imported(graph)


def test_list_of_another_kind() -> None:
    graph = protos.GraphDef()
    node = graph.node.add(name="n", op="Placeholder")
    node.attr["dtype"].list.i.append(1)
    with pytest.raises(ValueError, match="where 'type' is expected"):
        imported(graph)


def test_list_without_elements_tells_no_kind() -> None:
    graph = protos.GraphDef()
    node = graph.node.add(name="n", op="NoOp")
    node.attr["_output_shapes"].list.SetInParent()
    assert imported(graph).get_operation_by_name("n").outputs == []


def test_recorded_shapes_of_another_kind() -> None:
    graph = protos.GraphDef()
    node = graph.node.add(name="n", op="NobodyKnows")
    node.attr["_output_shapes"].i = 3
    with pytest.raises(ValueError, match="_output_shapes"):
        imported(graph)


def test_constant_that_is_of_another_type() -> None:
    graph = protos.GraphDef()
    constant(graph, "c", b"text", dtype=1)
    made = imported(graph)
    tensor = made.get_tensor_by_name("c:0")
    assert constant_value(tensor) is None
    with tf.Session(graph=made) as sess, pytest.raises(errors.InvalidArgumentError, match="Type"):
        sess.run(tensor)


def test_shapes_of_shapes_take_linear_time() -> None:
    with tf.Graph().as_default():
        shape = tf.shape(tf.placeholder(tf.float32, [None]))
        empty = shape[1:]
        for _ in range(100):
            empty = tf.concat([empty, empty], 0)
        assert constant_value_as_shape(empty) == ()


def test_a_long_vector_is_no_shape() -> None:
    with tf.Graph().as_default():
        assert constant_value_as_shape(tf.placeholder(tf.int32, [1 << 40])) is None
        assert constant_value_as_shape(tf.placeholder(tf.int32, [3])) == (None, None, None)


def test_strings_are_not_joined_while_a_graph_is_built() -> None:
    with tf.Graph().as_default():
        text = tf.constant("a")
        for _ in range(60):
            text = tf.string_join([text, text])
        assert constant_value(text) is None


def test_variable_whose_value_goes_around() -> None:
    """A MetaGraph may say that a loop is the value of a variable."""
    with tf.Graph().as_default() as graph:
        variable = tf.get_variable("v", initializer=1.0, use_resource=True)
        looped = tf.while_loop(lambda x: x < 3.0, lambda x: x + 1, [tf.constant(1.0)])
        message = variable.to_proto()
        meta = tf.train.export_meta_graph(graph=graph)
    message.snapshot_name = looped.op.inputs[0].op.inputs[0].name  # the Merge
    definition = meta.collection_def["variables"].bytes_list
    definition.value[:] = [message.SerializeToString()]
    with tf.Graph().as_default(), pytest.raises((ValueError, errors.OpError)):
        tf.train.import_meta_graph(meta)


def test_collection_that_cannot_be_read() -> None:
    meta = protos.MetaGraphDef()
    meta.graph_def.SetInParent()
    meta.collection_def["variables"].bytes_list.value.append(b"\xff")
    with tf.Graph().as_default(), pytest.raises(errors.DataLossError, match="'variables'"):
        tf.train.import_meta_graph(meta)


def test_function_with_any_number_of_arguments() -> None:
    graph = protos.GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.attr.add(name="N", type="int")
    function.signature.input_arg.add(name="x", type=1, number_attr="N")
    node = graph.node.add(name="call", op="f")
    node.attr["N"].i = (1 << 31) - 1
    with pytest.raises(ValueError, match="2147483647 inputs"):
        imported(graph)
