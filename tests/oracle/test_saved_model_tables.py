"""SavedModels whose tables are filled from their assets, in both directions, with TensorFlow 1 and 2."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.ops
from evergraph import tf1
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_EXPORT = """
def main(tf, np, folder, words, how):
    path = tf.constant(words, name="words")
    tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
    keys = tf.placeholder(tf.string, [None], name="keys")
    index = tf.lookup.TextFileIndex
    initializer = tf.lookup.TextFileInitializer(
        path, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
    table = tf.lookup.StaticHashTable(initializer, -1)
    w = tf.get_variable("w", initializer=tf.constant([1, 10], tf.int64))
    y = tf.add(table.lookup(keys), w[1], name="y")
    tables = tf.tables_initializer()
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tables])
        if how == "simple_save":
            tf.saved_model.simple_save(sess, folder, {"keys": keys}, {"y": y}, legacy_init_op=tables)
            return
        builder = tf.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            sess,
            ["serve"],
            {"serving_default": tf.saved_model.predict_signature_def({"keys": keys}, {"y": y})},
            assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.saved_model.main_op.main_op(),
        )
        builder.save()
"""
_LOAD = """
def main(tf, np, folder):
    with tf.Session() as sess:
        tf.saved_model.load(sess, ["serve"], folder)
        return sess.run("y:0", {"keys:0": ["c", "other", "a"]}).tolist()
"""
_EXPORT_V2 = """
import sys
import tensorflow as tf

class Model(tf.Module):
    def __init__(self, words):
        index = tf.lookup.TextFileIndex
        from_file = tf.lookup.TextFileInitializer(
            words, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
        pairs = tf.lookup.KeyValueTensorInitializer(["a", "b"], [5, 6])
        self.words = tf.lookup.StaticHashTable(from_file, -1)
        self.pairs = tf.lookup.StaticHashTable(pairs, 0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="keys")])
    def ids(self, keys):
        return {"y": self.words.lookup(keys), "z": self.pairs.lookup(keys)}

model = Model(sys.argv[2])
tf.saved_model.save(model, sys.argv[1], signatures=model.ids)
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")
    return path


def here(text: str, **arguments: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, **arguments)


@pytest.mark.parametrize("how", ["simple_save", "main_op"])
@pytest.mark.parametrize("writer", ["evergraph", "tensorflow"])
def test_a_vocabulary(oracle: Oracle, tmp_path: Path, words: Path, writer: str, how: str) -> None:
    folder = str(tmp_path / "export")
    run = here if writer == "evergraph" else oracle.execute
    run(_EXPORT, folder=folder, words=str(words), how=how)
    words.unlink()
    assert here(_LOAD, folder=folder) == oracle.execute(_LOAD, folder=folder) == [12, 9, 10]
    # The model is a stranger's, its vocabulary its own: no permission is needed.
    with evergraph.load_model(folder) as model:
        assert model(keys=["c", "other", "a"])["y"].tolist() == [12, 9, 10]


def test_vocabularies_of_tensorflow_2(oracle: Oracle, tmp_path: Path, words: Path) -> None:
    folder = tmp_path / "export"
    subprocess.run([oracle.python, "-c", _EXPORT_V2, folder, words], check=True)
    words.unlink()
    with evergraph.load_model(folder) as model:
        found = model(keys=["c", "other", "b"])
    assert found["y"].tolist() == [2, -1, 1]
    assert found["z"].tolist() == [0, 0, 6]
