"""MetaGraphs: out, in, under a scope, with their collections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evergraph import tf1 as tf
from evergraph.formats import protos
from evergraph.train.meta_graph import copy_scoped_meta_graph


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def regression() -> None:
    x = tf.placeholder(tf.float32, [None, 1], name="x")
    w = tf.Variable([[0.0]], name="w")
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 3.0 * x), name="loss")
    tf.train.MomentumOptimizer(0.1, 0.5).minimize(loss)


def test_training_goes_on(tmp_path: Path) -> None:
    regression()
    feed = {"x:0": np.ones((2, 1), np.float32)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        (step,) = tf.get_collection("train_op")
        session.run(step, feed)
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
        session.run(step, feed)
        expected = session.run("w:0")
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path + ".meta")
        saver.restore(session, path)
        (step,) = tf.get_collection("train_op")
        session.run(step, feed)
        np.testing.assert_array_equal(session.run("w:0"), expected)


def test_collections_survive() -> None:
    regression()
    graph = tf.get_default_graph()
    tf.add_to_collection("names", "a name")
    tf.add_to_collection("numbers", 7)
    tf.add_to_collection("rates", 0.5)
    tf.add_to_collection("nodes", graph.get_tensor_by_name("loss:0"))
    tf.add_to_collection(("not", "text"), 1)
    message = tf.train.export_meta_graph()
    with tf.Graph().as_default() as other:
        assert tf.train.import_meta_graph(message) is not None
        assert tf.get_collection("names") == [b"a name"]
        assert tf.get_collection("numbers") == [7]
        assert tf.get_collection("rates") == [0.5]
        assert tf.get_collection("nodes") == [other.get_tensor_by_name("loss:0")]
        assert [v.name for v in tf.global_variables()] == ["w:0", "w/Momentum:0"]
        assert [v.name for v in tf.trainable_variables()] == ["w:0"]


def test_import_under_a_scope() -> None:
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    message = saver.export_meta_graph()
    with tf.Graph().as_default():
        restored = tf.train.import_meta_graph(message, import_scope="copy")
        assert [v.name for v in tf.global_variables()] == ["copy/v:0"]
        assert restored.saver_def.restore_op_name == "copy/save/restore_all"
        again = tf.train.import_meta_graph(message, import_scope="copy")
        assert again.saver_def.restore_op_name == "copy_1/save/restore_all"
        assert [v.name for v in tf.global_variables()] == ["copy/v:0", "copy_1/v:0"]


def test_export_of_a_scope() -> None:
    with tf.name_scope("inner"):
        tf.Variable(1.0, name="v")
    tf.Variable(1.0, name="outside")
    message = tf.train.export_meta_graph(export_scope="inner")
    assert {node.name for node in message.graph_def.node} == {
        "v",
        "v/initial_value",
        "v/Assign",
        "v/read",
    }
    with tf.Graph().as_default():
        tf.train.import_meta_graph(message)
        assert [v.name for v in tf.global_variables()] == ["v:0"]


def test_devices_are_cleared_where_asked(tmp_path: Path) -> None:
    with tf.device("/job:ps/task:1/gpu:0"):
        tf.Variable(1.0, name="v")
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    for clear, device in ((False, "/job:ps/task:1/device:GPU:0"), (True, "")):
        with tf.Graph().as_default() as graph:
            tf.train.import_meta_graph(str(tmp_path / "m.meta"), clear_devices=clear)
            assert graph.get_operation_by_name("v").device == device


def test_what_the_file_says_of_itself() -> None:
    regression()
    message = tf.train.export_meta_graph(strip_default_attrs=True)
    info = message.meta_info_def
    assert info.tensorflow_version
    assert info.stripped_default_attrs
    assert {op.name for op in info.stripped_op_list.op} == {
        node.op for node in message.graph_def.node
    }
    (matmul,) = [node for node in message.graph_def.node if node.name == "MatMul"]
    assert set(matmul.attr) == {"T", "_output_shapes"}


@pytest.mark.parametrize("as_text", [True, False])
def test_write_graph(tmp_path: Path, as_text: bool) -> None:
    regression()
    graph = tf.get_default_graph()
    path = tf.train.write_graph(graph, str(tmp_path / "new"), "graph", as_text=as_text)
    assert path == str(tmp_path / "new" / "graph")
    from evergraph.formats.graph_file import read_graph_def

    assert read_graph_def(path) == graph.as_graph_def()


def test_only_the_own_saver_stays_where_others_are_cleared() -> None:
    v = tf.Variable(1.0, name="v")
    savers = [tf.train.Saver([v], name=name) for name in ("one", "two")]
    for saver in savers:
        tf.add_to_collection(tf.GraphKeys.SAVERS, saver)
    meta = savers[1].export_meta_graph(clear_extraneous_savers=True)
    assert not [node.name for node in meta.graph_def.node if node.name.startswith("one/")]
    with tf.Graph().as_default():
        saver = tf.train.import_meta_graph(meta)
        (kept,) = tf.get_collection(tf.GraphKeys.SAVERS)
        assert kept.as_saver_def() == saver.as_saver_def() == savers[1].as_saver_def()
    meta = tf.train.export_meta_graph(clear_extraneous_savers=True)
    assert "savers" not in meta.collection_def
    assert {node.name.partition("/")[0] for node in meta.graph_def.node} == {"v"}


def test_a_scope_is_copied() -> None:
    with tf.variable_scope("from"):
        tf.get_variable("v", initializer=[1.0, 2.0])
    variables = copy_scoped_meta_graph("from", "to")
    assert list(variables) == ["v:0"]
    assert variables["v:0"].name == "to/v:0"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run("to/v:0").tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="need to be different"):
        copy_scoped_meta_graph("from", "from")


def test_what_is_colocated_has_its_groups_device() -> None:
    with tf.device("/cpu:1"):
        tf.get_variable("v", initializer=1.0, use_resource=True)
    message = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        initial = graph.get_operation_by_name("v/Initializer/initial_value")
        assert initial.colocation_groups() == [b"loc:@v"]
        assert initial.device == graph.get_operation_by_name("v").device == "/device:CPU:1"


def test_where_the_nodes_were_made(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.name_scope("inner"):
        for i in range(2):
            tf.identity(x, name=f"y{i}")
    tf.train.export_meta_graph(str(tmp_path / "m.meta"), save_debug_info=True)
    message = protos.GraphDebugInfo.FromString((tmp_path / "m.debug").read_bytes())
    assert set(message.name_to_trace_id) == {"x@", "inner/y0@", "inner/y1@"}
    assert message.name_to_trace_id["inner/y0@"] == message.name_to_trace_id["inner/y1@"]
    trace = message.traces_by_id[message.name_to_trace_id["x@"]]
    frames = [message.frames_by_id[number] for number in trace.frame_id]
    places = [(message.files[frame.file_index], frame.func) for frame in frames]
    assert (__file__, "test_where_the_nodes_were_made") in places
    tf.train.export_meta_graph(
        str(tmp_path / "m.meta"), save_debug_info=True, export_scope="inner", as_text=True
    )
    assert '"y0@"' in (tmp_path / "m.debug").read_text()


def test_a_checkpoint_with_debug_info(tmp_path: Path) -> None:
    tf.Variable(1.0, name="v")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "m"), save_debug_info=True)
    assert Path(path + ".debug").exists()
    assert tf.train.latest_checkpoint(str(tmp_path)) == path
