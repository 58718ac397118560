"""load_model: a file as a function of its inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.graph_file import read_meta_graph


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A checkpoint with its graph: y = 2 x + 1 over rows of three; and an unused placeholder."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        tf.placeholder(tf.float32, name="unused")
        w = tf.get_variable("w", initializer=tf.constant([2.0, 2.0, 2.0]))
        y = tf.add(x * w, 1.0, name="y")
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "model.ckpt"), global_step=7)
    return tmp_path


@pytest.fixture
def frozen(trained: Path) -> Path:
    graph_def = evergraph.freeze(trained, "y").graph_def
    tf.train.write_graph(graph_def, str(trained), "frozen.pb", as_text=False)
    tf.train.write_graph(graph_def, str(trained), "frozen.pbtxt")
    return trained


X = np.array([[1, 2, 3], [0, 0.5, -1]], np.float32)


@pytest.mark.parametrize(
    "name",
    ["", "model.ckpt-7", "model.ckpt-7.meta", "model.ckpt-7.index", "frozen.pb", "frozen.pbtxt"],
)
def test_every_form_predicts(frozen: Path, name: str) -> None:
    with evergraph.load_model(frozen / name, "y") as model:
        assert list(model.inputs) == ["x"]
        assert model.inputs["x"][0] == tf.float32
        assert model.inputs["x"][1].as_list() == [None, 3]
        assert model.outputs == ["y"]
        np.testing.assert_array_equal(model(x=X)["y"], 2 * X + 1)
        np.testing.assert_array_equal(model({"x": X})["y"], 2 * X + 1)
        np.testing.assert_array_equal(model({"x:0": X})["y"], 2 * X + 1)


def test_the_likeliest_output(frozen: Path) -> None:
    assert evergraph.load_model(frozen / "frozen.pb").outputs == ["y"]


def test_other_outputs(frozen: Path) -> None:
    model = evergraph.load_model(frozen / "frozen.pb")
    np.testing.assert_array_equal(model(x=X, outputs=["mul"])["mul"], 2 * X)
    assert repr(model) == "<evergraph Model (x: float32(?, 3)) -> y>"


def test_names_that_are_not_there(frozen: Path) -> None:
    model = evergraph.load_model(frozen / "frozen.pb")
    with pytest.raises(errors.InvalidArgumentError, match=r"no tensor 'z' \(inputs: x"):
        model(z=X)
    with pytest.raises(errors.InvalidArgumentError, match="near: mul"):
        model(x=X, outputs=["mull"])
    with pytest.raises(ValueError, match="'yy'"):
        evergraph.load_model(frozen / "frozen.pb", "yy")


def test_inputs_that_do_not_fit(frozen: Path) -> None:
    model = evergraph.load_model(frozen / "frozen.pb")
    with pytest.raises(ValueError, match="shape"):
        model(x=np.zeros((2, 4)))
    with pytest.raises(errors.InvalidArgumentError, match="'x'"):
        model()


def test_what_is_not_a_model(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError):
        evergraph.load_model(tmp_path / "nothing")
    (trained / "model.ckpt-7.meta").unlink()
    with pytest.raises(
        errors.NotFoundError, match=r"model\.ckpt-7\.meta is not there.*open_checkpoint"
    ):
        evergraph.load_model(trained)
    page = tmp_path / "page.pb"
    page.write_bytes(b"<!DOCTYPE html><html></html>")
    with pytest.raises(errors.OpError, match=r"page\.pb"):
        evergraph.load_model(page)


def endless(folder: Path) -> Path:
    with tf.Graph().as_default() as graph:
        n = tf.placeholder(tf.int32, [], name="n")
        tf.while_loop(lambda i: i < n, lambda i: i + 1, [tf.constant(0)])
        tf.identity(graph.get_tensor_by_name("while/Exit:0"), name="out")
        tf.train.write_graph(graph, str(folder), "loop.pb", as_text=False)
    return folder / "loop.pb"


def test_a_call_takes_no_longer_than_allowed(tmp_path: Path) -> None:
    path = endless(tmp_path)
    assert evergraph.load_model(path, "out", seconds=60)(n=10)["out"] == 10
    with pytest.raises(errors.DeadlineExceededError):
        evergraph.load_model(path, "out", seconds=0.2)(n=2_000_000_000)


def file_reader(folder: Path) -> Path:
    """A graph that reads a checkpoint when it is asked for its output."""
    evergraph.save_checkpoint(folder / "secret", {"key": np.array([42.0], np.float32)})
    graph_def = tf.GraphDef()
    for name, text in (("file", str(folder / "secret")), ("names", "key"), ("slices", "")):
        value = tf.make_tensor_proto(text if name == "file" else [text])
        node = graph_def.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(value)
        node.attr["dtype"].type = tf.string.as_datatype_enum
    out = graph_def.node.add(name="out", op="RestoreV2", input=["file", "names", "slices"])
    out.attr["dtypes"].list.type.append(tf.float32.as_datatype_enum)
    tf.train.write_graph(graph_def, str(folder), "reader.pb", as_text=False)
    return folder / "reader.pb"


def test_files_are_read_only_where_allowed(tmp_path: Path) -> None:
    path = file_reader(tmp_path)
    assert evergraph.load_model(path, "out", allow={"files"})()["out"] == [42.0]
    with pytest.raises(errors.PermissionDeniedError, match="'files'"):
        evergraph.load_model(path, "out")()


def test_restoring_does_nothing_else(trained: Path) -> None:
    """A .meta whose restore operation also writes a file is refused, and writes none."""
    meta = read_meta_graph(trained / "model.ckpt-7.meta")
    restore = next(
        node for node in meta.graph_def.node if node.name == meta.saver_def.restore_op_name
    )
    restore.input.append("^save/control_dependency")
    (trained / "model.ckpt-7.meta").write_bytes(meta.SerializeToString())
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    for call in (evergraph.load_model, evergraph.freeze):
        with pytest.raises(errors.PermissionDeniedError, match="SaveV2"):
            call(trained, "y")
    assert {path.name: path.stat().st_mtime_ns for path in trained.iterdir()} == before


def test_a_closed_model_says_so(frozen: Path) -> None:
    model = evergraph.load_model(frozen / "frozen.pb")
    model.close()
    with pytest.raises(RuntimeError, match="closed"):
        model(x=X)
