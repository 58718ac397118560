"""Graphs in remote stores: written, exported, imported and frozen, as a program does it with a disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.graph_file import read_graph_def, read_meta_graph
from evergraph.storage import gfile


@pytest.fixture
def session() -> Iterator[Any]:
    """A session of y = x w, with w = 2."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.get_variable("w", initializer=2.0)
        tf.multiply(x, w, name="y")
        session.run(w.initializer)
        yield session


def restored(meta: Any, prefix: str) -> Any:
    """What y is of 3, in a graph that has been imported."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta).restore(session, prefix)
        return session.run("y:0", {"x:0": [3.0]}).tolist()


@pytest.mark.parametrize("as_text", [False, True])
def test_a_graph_written_and_read(session: Any, remote: str, as_text: bool) -> None:
    folder, name = f"{remote}/new/folder", "g.pbtxt" if as_text else "g.pb"
    for graph in (session.graph, session.graph.as_graph_def()):
        assert tf.train.write_graph(graph, folder, name, as_text) == f"{folder}/{name}"
        assert gfile.ListDirectory(folder) == [name]
        assert read_graph_def(f"{folder}/{name}") == session.graph.as_graph_def()
    assert tf.io.write_graph(session.graph, folder + "/", name, as_text) == f"{folder}/{name}"
    with gfile.GFile(f"{folder}/{name}", "r" if as_text else "rb") as file:
        contents = file.read()
    definition = tf.GraphDef()
    if as_text:
        from google.protobuf import text_format

        text_format.Parse(contents, definition)
    else:
        definition.ParseFromString(contents)
    with tf.Graph().as_default(), tf.Session() as other:
        tf.import_graph_def(definition, name="")
        assert other.run("y:0", {"x:0": [3.0], "w/read:0": 5.0}).tolist() == [15.0]
    with pytest.raises(errors.NotFoundError, match=f"Nearest names there: '{name}'"):
        read_graph_def(f"{folder}/h{name[1:]}")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_meta_graph_exported_and_imported(session: Any, remote: str, as_text: bool) -> None:
    saver = tf.train.Saver()
    saver.save(session, f"{remote}/model", write_meta_graph=False)
    tf.train.export_meta_graph(f"{remote}/deep/all.meta", as_text=as_text)
    message = saver.export_meta_graph(f"{remote}/deep/own.meta", as_text=as_text)
    assert gfile.ListDirectory(f"{remote}/deep") == ["all.meta", "own.meta"]
    assert read_meta_graph(f"{remote}/deep/own.meta") == message
    for meta in (f"{remote}/deep/own.meta", message):
        assert restored(meta, f"{remote}/model") == [6.0]
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(f"{remote}/deep/all.meta", import_scope="again")
        assert graph.get_tensor_by_name("again/y:0").op.inputs[0].name == "again/x:0"
    with pytest.raises(errors.NotFoundError, match=r"Nearest names there: 'own\.meta'"):
        tf.train.import_meta_graph(f"{remote}/deep/on.meta")


def test_a_graph_comes_back_from_any_file_of_its_checkpoint(session: Any, remote: str) -> None:
    prefix = tf.train.Saver().save(session, f"{remote}/model", global_step=7)
    assert prefix == f"{remote}/model-7"
    for path in (f"{prefix}.meta", f"{prefix}.index", prefix):
        assert restored(path, prefix) == [6.0]
    for path in (remote, prefix, f"{prefix}.meta"):
        with evergraph.load_model(path, outputs="y") as model:
            assert model(x=[3])["y"].tolist() == [6.0]


def test_frozen_by_a_program_and_by_evergraph(session: Any, remote: str) -> None:
    prefix = tf.train.Saver().save(session, f"{remote}/model")
    definition = session.graph.as_graph_def()
    constant = tf.graph_util.convert_variables_to_constants(session, definition, ["y"])
    with tf.gfile.GFile(f"{remote}/out/mine.pb", "wb") as file:
        file.write(constant.SerializeToString())
    frozen = evergraph.freeze(prefix, "y")
    tf.train.write_graph(frozen.graph_def, f"{remote}/out", "ours.pb", as_text=False)
    for name in ("mine.pb", "ours.pb"):
        with evergraph.load_model(f"{remote}/out/{name}") as model:
            assert model(x=[3])["y"].tolist() == [6.0]
