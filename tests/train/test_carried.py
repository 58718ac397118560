"""What goes through import and export: everything, as long as the graph is not changed; then what still holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1 as tf
from evergraph.formats import protos
from evergraph.formats.graph_file import read_meta_graph
from tests.manifest.entries import entries

UNKNOWN = b"\xc2\x3e\x03abc"  # field 1000, three bytes


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def model() -> Any:
    """A MetaGraph with something in every field, and fields that nobody knows at every level."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.Variable([[1.0], [2.0]], name="w")
        with tf.device("/job:ps/task:0"):
            tf.matmul(x, w, name="y")
        looped = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
        tf.cond(looped > 2, lambda: looped, lambda: -looped, name="chosen")
        tf.add_to_collection("numbers", 7)
        tf.add_to_collection("rates", 0.5)
        tf.add_to_collection("notes", "a note")
        tf.add_to_collection("outputs", x)
        message = tf.train.Saver().export_meta_graph()
    info = message.meta_info_def
    info.meta_graph_version = "third"
    info.any_info.Pack(tf.train.Int64List(value=[1, 2]))
    info.tags.extend(["serve", "gpu"])
    info.tensorflow_version = "1.4.1"
    info.tensorflow_git_version = "v1.4.0-19-ga52c8d9"
    info.function_aliases["f"] = "g"
    message.asset_file_def.add(filename="words").tensor_info.name = "x:0"
    signature = message.signature_def["serving_default"]
    signature.inputs["in"].name = "x:0"
    signature.outputs["out"].name = "y:0"
    message.object_graph_def.nodes.add()
    message.collection_def["any"].any_list.value.add().Pack(tf.train.Int64List(value=[3]))
    message.collection_def["of no kind"].SetInParent()
    message.collection_def["empty"].node_list.SetInParent()
    message.collection_def["not in the graph"].node_list.value.append("gone:0")
    graph = message.graph_def
    graph.debug_info.files.append("model.py")
    custom = graph.node.add(name="custom", op="CustomOp", input=["y"])
    custom.attr["N"].i = 2
    custom.attr["T"].type = protos.DT_DOUBLE
    custom.experimental_debug_info.original_node_names.append("before")
    op_def = info.stripped_op_list.op.add(name="CustomOp", is_stateful=True)
    op_def.input_arg.add(name="x", type=protos.DT_FLOAT)
    op_def.output_arg.add(name="z", type_attr="T", number_attr="N")
    op_def.attr.add(name="N", type="int")
    op_def.attr.add(name="T", type="type")
    function = graph.library.function.add()
    function.signature.name = "f"
    graph.library.gradient.add(function_name="f", gradient_func="f_grad")
    graph.library.registered_gradients.add(gradient_func="f_grad", registered_op_type="f")
    for part in (
        message, info, op_def, graph, graph.versions, graph.library, function, function.signature,
        custom, custom.attr["N"], graph.node[0], graph.node[0].attr["dtype"],
        graph.node[0].attr["shape"].shape, message.saver_def, message.signature_def["serving_default"],
        message.collection_def["notes"], message.collection_def["variables"], message.asset_file_def[0],
    ):  # fmt: skip
        part.MergeFromString(UNKNOWN)
    return message


def imported_and_exported(message: Any, **arguments: Any) -> Any:
    with tf.Graph().as_default():
        tf.train.import_meta_graph(message)
        return tf.train.export_meta_graph(**arguments)


def in_order(message: Any) -> Any:
    """The same with nodes sorted by name: an import makes what is needed first first."""
    nodes = sorted(message.graph_def.node, key=lambda node: node.name)
    del message.graph_def.node[:]
    message.graph_def.node.extend(nodes)
    return message


def test_everything_survives() -> None:
    message = in_order(model())
    exported = in_order(imported_and_exported(message))
    (custom,) = (node for node in exported.graph_def.node if node.op == "CustomOp")
    # Every node with outputs is exported with their shapes.
    shapes = custom.attr.pop("_output_shapes").list.shape
    assert [shape.unknown_rank for shape in shapes] == [True, True]
    assert exported == message
    as_bytes = [each.SerializeToString(deterministic=True) for each in (exported, message)]
    assert as_bytes[0] == as_bytes[1]
    assert as_bytes[0].count(UNKNOWN) == 18


def test_a_checkpoint_saved_from_it_says_the_same(tmp_path: Path) -> None:
    message = model()
    saver = tf.train.import_meta_graph(message)
    with tf.Session() as session:
        session.run("w/Assign")
        path = saver.save(session, str(tmp_path / "model"))
    saved = read_meta_graph(path + ".meta")
    assert saved.meta_info_def == message.meta_info_def
    assert saved.signature_def == message.signature_def


def test_outputs_of_an_op_nobody_declared() -> None:
    tf.train.import_meta_graph(model())
    op = tf.get_default_graph().get_operation_by_name("custom")
    assert [tensor.dtype for tensor in op.outputs] == [tf.float64, tf.float64]
    assert op.op_def.is_stateful
    total = tf.add(op.outputs[0], op.outputs[1])
    exported = tf.train.export_meta_graph()
    assert "CustomOp" in {op.name for op in exported.meta_info_def.stripped_op_list.op}
    with tf.Session() as session, pytest.raises(tf.errors.UnimplementedError, match="CustomOp"):
        session.run(total)


@pytest.mark.parametrize(("number", "kind"), [(-1, "DT_FLOAT"), (1 << 40, "DT_FLOAT"), (None, "")])
def test_an_op_def_that_does_not_fit_its_node(number: int | None, kind: str) -> None:
    message = model()
    (node,) = (node for node in message.graph_def.node if node.op == "CustomOp")
    node.attr.clear()
    if number is not None:
        node.attr["N"].i = number
    tf.train.import_meta_graph(message)
    assert tf.get_default_graph().get_operation_by_name("custom").outputs == []


def test_a_changed_graph_keeps_what_still_holds() -> None:
    message = model()
    tf.train.import_meta_graph(message)
    tf.constant(1, name="new")
    tf.get_collection_ref("notes").append("another")
    exported = tf.train.export_meta_graph()
    info = exported.meta_info_def
    assert info.tensorflow_version == "2.15.1"
    assert not info.tensorflow_git_version
    assert not exported.HasField("saver_def")  # it would not save what is new
    assert list(info.tags) == ["serve", "gpu"]
    assert info.any_info == message.meta_info_def.any_info
    assert exported.signature_def == message.signature_def
    assert exported.asset_file_def == message.asset_file_def
    assert exported.graph_def.debug_info == message.graph_def.debug_info
    assert exported.collection_def["any"] == message.collection_def["any"]
    assert exported.collection_def["of no kind"] == message.collection_def["of no kind"]
    assert list(exported.collection_def["notes"].bytes_list.value) == [b"a note", b"another"]
    assert {op.name for op in info.stripped_op_list.op} == {
        node.op for node in exported.graph_def.node
    }


def test_what_the_caller_gives_takes_its_place() -> None:
    message = model()
    info = type(message.meta_info_def)(tags=["train"])
    saver = tf.train.SaverDef(save_tensor_name="s", max_to_keep=2)
    exported = imported_and_exported(
        message, meta_info_def=info, saver_def=saver, collection_list=["numbers"]
    )
    assert list(exported.meta_info_def.tags) == ["train"]
    assert exported.saver_def == saver
    assert list(exported.collection_def) == ["numbers"]
    cleared = imported_and_exported(message, clear_devices=True, clear_extraneous_savers=True)
    assert not cleared.HasField("saver_def")
    assert not any(node.device or node.op == "SaveV2" for node in cleared.graph_def.node)
    given = imported_and_exported(message, graph_def=tf.GraphDef())
    assert not given.signature_def


def test_a_cleared_collection_stays_away() -> None:
    tf.train.import_meta_graph(model())
    tf.get_default_graph().clear_collection("notes")
    exported = tf.train.export_meta_graph()
    assert "notes" not in exported.collection_def
    assert "numbers" in exported.collection_def


def test_only_a_whole_graph_carries() -> None:
    message = model()
    tf.train.import_meta_graph(message, import_scope="a")
    assert not tf.train.export_meta_graph().signature_def
    with tf.Graph().as_default():
        tf.constant(1)
        tf.train.import_meta_graph(message)
        assert not tf.train.export_meta_graph().signature_def


def test_what_the_import_worked_out_goes_out_as_it_was() -> None:
    message = model()
    (node,) = (node for node in message.graph_def.node if node.name == "y")
    del node.attr["transpose_a"]  # the default; files of old versions lack what is newer
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(message)
        assert graph.get_operation_by_name("y").get_attr("transpose_a") is False
        exported = {node.name: node for node in tf.train.export_meta_graph().graph_def.node}
        assert exported["y"] == node
        graph.get_operation_by_name("y")._set_attr("transpose_a", True)
        (changed,) = (n for n in tf.train.export_meta_graph().graph_def.node if n.name == "y")
        assert changed.attr["transpose_a"].b


def test_graph_def_alone() -> None:
    message = model().graph_def
    tf.import_graph_def(message, name="")
    exported = tf.get_default_graph().as_graph_def()
    assert exported.debug_info == message.debug_info
    assert exported.library == message.library
    with pytest.raises(TypeError, match="OpList"):
        tf.import_graph_def(message, name="b", producer_op_list="ops")


# ------------------------------------------------------------------------------------- real files


@pytest.mark.shared
def test_real_files(shared: Path) -> None:
    metas = [each for each in entries(shared / "data").values() if each.kind == "meta"]
    assert len(metas) >= 20
    for entry in metas:
        message = read_meta_graph(str(entry.path))
        assert list(differences(message, imported_and_exported(message))) == [], entry.id


def differences(message: Any, exported: Any) -> Iterator[str]:
    """The fields in which two MetaGraphs differ, those of nodes with the node's name."""
    pairs = [("", message, exported), ("graph_def: ", message.graph_def, exported.graph_def)]
    nodes = {node.name: node for node in exported.graph_def.node}
    assert nodes.keys() == {node.name for node in message.graph_def.node}
    for node in message.graph_def.node:
        other = nodes[node.name]
        if "_output_shapes" not in node.attr:
            other.attr.pop("_output_shapes", None)  # written for every node with outputs
        for each in (node, other):
            # "x:0" is "x", and dependencies have no order.
            data = [text.removesuffix(":0") for text in each.input if not text.startswith("^")]
            each.input[:] = data + sorted(text for text in each.input if text.startswith("^"))
        pairs.append((f"{node.name}: ", node, other))
    for prefix, one, two in pairs:
        for field in one.DESCRIPTOR.fields:
            is_same = getattr(one, field.name) == getattr(two, field.name)
            if not is_same and field.name not in ("graph_def", "node"):
                yield prefix + field.name
