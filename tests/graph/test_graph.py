"""Graph, Operation, Tensor: finding, changing, refusing, exporting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evergraph import tf1 as tf
from evergraph.formats.protos import AttrValue, GraphDef


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as fresh:
        yield fresh


def test_printing() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    assert str(x) == 'Tensor("x:0", shape=(?, 2), dtype=float32)'
    assert repr(x) == "<tf.Tensor 'x:0' shape=(?, 2) dtype=float32>"
    assert repr(x.op) == "<tf.Operation 'x' type=Placeholder>"
    assert x.op.values() == (x,)
    assert 'op: "Placeholder"' in str(x.op)


def test_finding(graph: tf.Graph) -> None:
    x = tf.constant([1.0, 2.0], name="layer/x")
    assert graph.get_tensor_by_name("layer/x:0") is x
    assert graph.get_operation_by_name("layer/x") is x.op
    assert graph.as_graph_element(b"layer/x:0") is x
    assert graph.get_operations() == [x.op]


@pytest.mark.parametrize(
    ("name", "kind", "phrase"),
    [
        ("layer/y:0", KeyError, "'layer/x:0'"),
        ("layer/x:1", KeyError, "only has 1 outputs"),
        ("layer/x", ValueError, "its first output is 'layer/x:0'"),
        ("layer/x:zero", ValueError, "op_name"),
        ("input:0", KeyError, "pass name=''|Pass name=''"),
    ],
)
def test_what_is_not_found(graph: tf.Graph, name: str, kind: type, phrase: str) -> None:
    tf.constant(1.0, name="layer/x")
    tf.constant(1.0, name="import/input")
    with pytest.raises(kind, match=phrase):
        graph.get_tensor_by_name(name)


def test_a_tensor_is_no_value() -> None:
    x = tf.constant([1.0])
    with pytest.raises(TypeError, match="Python `bool`"):
        bool(x)
    with pytest.raises(TypeError, match="iterating"):
        list(x)
    with pytest.raises(TypeError, match="len"):
        len(x)
    assert len({x, tf.constant([1.0])}) == 2


def test_tensors_of_two_graphs_do_not_mix() -> None:
    x = tf.constant(1.0)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="same graph"):
        tf.add(tf.constant(1.0), x)


def test_types_are_checked() -> None:
    with pytest.raises(
        TypeError, match=r"Input 'b' of 'MatMul' Op has type int32 .* float32 of argument 'a'"
    ):
        tf.matmul(tf.zeros([2, 2]), tf.zeros([2, 2], tf.int32))
    with pytest.raises(TypeError, match="not in list of allowed values"):
        tf.sqrt(tf.constant(1))


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"Dimensions must be equal.*'MatMul'.*\(2, 3\), \(2, 3\)"):
        tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))
    x = tf.placeholder(tf.float32, [None, 2])
    x.set_shape([4, None])
    assert x.shape.as_list() == [4, 2]
    with pytest.raises(ValueError, match="not compatible"):
        x.set_shape([5, 2])


def test_a_refused_node_leaves_nothing(graph: tf.Graph) -> None:
    a, b = tf.zeros([2, 3]), tf.zeros([2, 3])
    before = [op.name for op in graph.get_operations()]
    with pytest.raises(ValueError, match="Dimensions"):
        tf.matmul(a, b)
    assert [op.name for op in graph.get_operations()] == before
    assert a.consumers() == []


def test_attributes() -> None:
    op = tf.placeholder(tf.float32, [2, None]).op
    assert op.get_attr("dtype") == tf.float32
    assert [d.size for d in op.get_attr("shape").dim] == [2, -1]
    op._set_attr("_note", AttrValue(s=b"mine"))
    assert op.get_attr("_note") == b"mine"
    assert op.node_def.attr["_note"].s == b"mine"
    with pytest.raises(ValueError, match="no attr named 'other'"):
        op.get_attr("other")


def test_traceback_names_this_file() -> None:
    frames = tf.constant(1.0).op.traceback
    assert any(frame.filename == __file__ and "tf.constant(1.0)" in frame.line for frame in frames)


def test_collections(graph: tf.Graph) -> None:
    x = tf.constant(1.0, name="scope/x")
    tf.add_to_collection("mine", x)
    graph.add_to_collections(["mine", "yours"], 3)
    assert tf.get_collection("mine") == [x, 3]
    assert tf.get_collection("mine", "scope") == [x]
    tf.get_collection_ref("mine").clear()
    assert tf.get_collection("mine") == []
    assert set(graph.get_all_collection_keys()) == {"mine", "yours"}


def test_default_graphs() -> None:
    inner = tf.Graph()
    with inner.as_default():
        assert tf.get_default_graph() is inner
        with pytest.raises(AssertionError, match="nested"):
            tf.reset_default_graph()
    assert tf.get_default_graph() is not inner


def test_an_undeclared_op_goes_through_unchanged(graph: tf.Graph) -> None:
    message = GraphDef()
    node = message.node.add(name="odd", op="NobodyKnowsThis", device="/device:GPU:0")
    node.attr["T"].type = 1
    node.attr["list"].list.i.extend([1, 2])
    node.attr["empty"].list.SetInParent()
    node.experimental_debug_info.original_node_names.append("from")
    user = message.node.add(name="user", op="Identity", input=["odd:2"])
    user.attr["T"].type = 1
    message.versions.producer = 21
    tf.import_graph_def(message, name="")
    assert graph.get_tensor_by_name("odd:2").dtype == tf.float32
    assert list(graph.as_graph_def().node) == list(message.node)
    with tf.Session() as session:
        with pytest.raises(tf.errors.UnimplementedError, match=r"NobodyKnowsThis.*node 'odd'"):
            session.run("user:0")
        assert session.run("user:0", {"odd:2": 3.0}) == 3.0


def test_unknown_attributes_are_kept(graph: tf.Graph) -> None:
    message = GraphDef()
    node = message.node.add(name="c", op="NoOp")
    node.attr["from_the_future"].i = 7
    tf.import_graph_def(message, name="")
    assert graph.get_operation_by_name("c").get_attr("from_the_future") == 7
    assert graph.as_graph_def().node[0] == message.node[0]


@pytest.mark.parametrize(
    ("nodes", "phrase"),
    [
        ([("a", "NoOp", []), ("a", "NoOp", [])], "'a' is not unique"),
        ([("a", "Identity", ["bb"]), ("b", "NoOp", [])], "Unknown input node 'bb'.*near: b"),
        ([("a", "Identity", ["b"]), ("b", "Identity", ["a"])], "cycle"),
        ([("a", "Identity", ["b:3"]), ("b", "Placeholder", [])], "invalid output 3"),
        ([("a", "MatMul", [])], "missing attr|inputs"),
    ],
)
def test_graphs_that_are_not_well_formed(
    nodes: list[tuple[str, str, list[str]]], phrase: str
) -> None:
    message = GraphDef()
    for name, op, inputs in nodes:
        node = message.node.add(name=name, op=op, input=inputs)
        if op == "Identity":
            node.attr["T"].type = 1
        if op == "Placeholder":
            node.attr["dtype"].type = 1
    with pytest.raises(ValueError, match=phrase):
        tf.import_graph_def(message)


def test_import_returns_and_maps() -> None:
    with tf.Graph().as_default() as other:
        x = tf.placeholder(tf.float32, [], name="x")
        tf.add(x, 1.0, name="y")
    message = other.as_graph_def()
    op, tensor = tf.import_graph_def(
        message, input_map={"x": tf.constant(2.0)}, return_elements=["y", "y:0"]
    )
    assert op.outputs == [tensor]
    with tf.Session() as session:
        assert session.run(tensor) == 3.0
    with pytest.raises(ValueError, match="not found in graph_def: \\[z:0\\]"):
        tf.import_graph_def(message, input_map={"z:0": tf.constant(2.0)})
    with pytest.raises(ValueError, match="'why' not found"):
        tf.import_graph_def(message, return_elements=["why"])
    with pytest.raises(TypeError, match="GraphDef"):
        tf.import_graph_def(3)


def test_a_gradient_may_be_overridden(graph: tf.Graph) -> None:
    @tf.RegisterGradient("TimesHundred")
    def _gradient(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
        return grad * 100.0

    x = tf.constant(1.0)
    with graph.gradient_override_map({"Identity": "TimesHundred"}):
        y = tf.identity(x)
    with tf.Session() as session:
        assert session.run(tf.gradients(y, x)[0]) == 100.0
