"""``tf.lookup`` and ``tf.contrib.lookup`` as programs use them: vocabularies, buckets, tables in checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.checkpoint import open_checkpoint


@pytest.fixture
def session() -> Iterator[Any]:
    with tf.Graph().as_default(), tf.Session() as opened:
        yield opened


@pytest.fixture
def vocabulary(tmp_path: Path) -> str:
    path = tmp_path / "words.txt"
    path.write_text("emerson\nlake\npalmer\n")
    return str(path)


# ------------------------------------------------------------------------------------ vocabularies


def test_words_to_ids_and_back(session: Any, vocabulary: str) -> None:
    words = tf.constant(["lake", "king", "emerson"])
    lookup = tf.contrib.lookup
    plain = lookup.index_table_from_file(vocabulary)
    bucketed = lookup.index_table_from_file(vocabulary_file=vocabulary, num_oov_buckets=5)
    names = lookup.index_to_string_table_from_file(vocabulary, default_value="?")
    session.run(tf.tables_initializer())
    assert session.run(plain.lookup(words)).tolist() == [1, -1, 0]
    ids = session.run(bucketed.lookup(words))
    # 6 is what TensorFlow's own documentation gives for "king".
    assert ids.tolist() == [1, 6, 0]
    assert session.run(bucketed.size()) == 8
    assert session.run(names.lookup(tf.constant([2, 7], tf.int64))).tolist() == [b"palmer", b"?"]


def test_lists(session: Any) -> None:
    lookup = tf.contrib.lookup
    ids = lookup.index_table_from_tensor(tf.constant([7, 5]), num_oov_buckets=1, dtype=tf.int32)
    words = tf.constant(["b", "z"])
    found = (
        lookup.string_to_index(words, mapping=["a", "b"]),
        lookup.index_to_string(tf.constant([1, 5], tf.int64), mapping=["a", "b"]),
    )
    session.run(tf.tables_initializer())
    assert session.run(ids.lookup(tf.constant([5, 6, 7]))).tolist() == [1, 2, 0]
    assert [value.tolist() for value in session.run(found)] == [[1, -1], [b"b", b"UNK"]]


def test_hashers(session: Any) -> None:
    lookup = tf.contrib.lookup
    words = tf.constant(["a", "b", "c", "d"])
    specs = (
        lookup.FastHashSpec,
        lookup.StrongHashSpec([1, 2]),
        lookup.HasherSpec("legacy", None),
    )
    found = [
        session.run(lookup.IdTableWithHashBuckets(None, 1000, spec).lookup(words)) for spec in specs
    ]
    assert len({tuple(ids) for ids in found}) == 3
    with pytest.raises(ValueError, match="there are fasthash, stronghash, legacy"):
        lookup.IdTableWithHashBuckets(None, 2, lookup.HasherSpec("md5", None)).lookup(words)
    with pytest.raises(ValueError, match="must have size 2"):
        lookup.StrongHashSpec([1])
    with pytest.raises(TypeError, match="integer values"):
        lookup.StrongHashSpec(["1", 2])


def test_a_table_made_inside_of_a_branch(session: Any) -> None:
    def branch() -> Any:
        pairs = tf.lookup.KeyValueTensorInitializer(["a"], [5])
        return tf.lookup.StaticHashTable(pairs, -1).lookup(tf.constant("a"))

    found = tf.cond(tf.constant(True), branch, lambda: tf.constant(0))
    session.run(tf.tables_initializer())
    assert session.run(found) == 5


def test_in_a_loop(session: Any) -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)

    def body(i: Any) -> Any:
        with tf.control_dependencies([table.insert(i, i * i)]):
            return i + 1

    limit = tf.constant(5, tf.int64)
    session.run(tf.while_loop(lambda i: i < limit, body, [tf.constant(0, tf.int64)]))
    assert session.run(table.lookup([3, 4, 5])).tolist() == [9, 16, 0]


def test_keys_may_be_a_list(session: Any) -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [5]), -1)
    session.run(table.initializer)
    assert session.run(table.lookup(["a", "b"])).tolist() == [5, -1]
    assert session.run(table[tf.constant([["a"]])]).tolist() == [[5]]
    with pytest.raises(TypeError, match=r"tf\.as_string"):
        table.lookup(tf.constant([1.0]))


def test_before_initializing(session: Any) -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [5]), -1)
    session.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.FailedPreconditionError, match="does not fill tables"):
        session.run(table.lookup(["a"]))


def test_old_arguments_of_contrib(session: Any) -> None:
    lookup = tf.contrib.lookup
    one = lookup.MutableHashTable(tf.string, tf.int64, -1, shared_name="s", checkpoint=False)
    other = lookup.MutableHashTable(tf.string, tf.int64, -1, shared_name="s", checkpoint=False)
    session.run(one.insert(["a"], [1]))
    assert session.run(other.lookup(["a"])).tolist() == [1]
    for empty, dtype in ((0, tf.int64), ("", tf.string), (-(2**63), tf.int64)):
        dense = lookup.MutableDenseHashTable(
            key_dtype=dtype, value_dtype=tf.int64, default_value=-1, empty_key=empty
        )
        key = ["a"] if dtype == tf.string else [5]
        session.run(dense.insert(key, [1]))
        assert session.run(dense.lookup(key)).tolist() == [1]
    pairs = lookup.KeyValueTensorInitializer(["a"], [5])
    table = lookup.HashTable(pairs, -1, shared_name="mine")
    table.init.run()
    assert table.lookup(tf.constant("a")).eval() == 5


# ------------------------------------------------------------------------------------- checkpoints


def model() -> tuple[Any, Any, Any]:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.0], name="words")
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, -1, 8, name="ids")
    tf.get_variable("w", [2])
    return table, dense, tf.train.Saver()


def saved(folder: Path) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        table, dense, saver = model()
        words = tf.placeholder(tf.string, [None], name="x")
        tf.identity(table.lookup(words), name="y")
        session.run(
            [
                tf.global_variables_initializer(),
                table.insert(["a", "b"], [[1, 2], [3, 4]]),
                dense.insert([5, 6], [7, 8]),
            ]
        )
        prefix: str = saver.save(session, str(folder / "model"))
        return prefix


def test_tables_are_saved_and_restored(session: Any, tmp_path: Path) -> None:
    prefix = saved(tmp_path)
    with open_checkpoint(prefix) as checkpoint:
        assert sorted(checkpoint) == ["ids-keys", "ids-values", "w", "words-keys", "words-values"]
        assert checkpoint["words-values"].shape == (2, 2)
    table, dense, saver = model()
    session.run(table.insert(["gone"], [[9, 9]]))
    saver.restore(session, prefix)
    found = session.run([table.lookup(["b", "gone"]), dense.lookup([5, 4]), table.size()])
    assert [value.tolist() for value in found] == [[[3, 4], [0, 0]], [7, -1], 2]


def test_a_model_with_a_table_is_served(tmp_path: Path) -> None:
    model = evergraph.load_model(saved(tmp_path), outputs="y")
    np.testing.assert_array_equal(model(x=[b"b"])["y"], [[3, 4]])


def test_a_table_that_is_not_saved(session: Any) -> None:
    tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0, checkpoint=False)
    assert tf.get_collection(tf.GraphKeys.SAVEABLE_OBJECTS) == []


@pytest.mark.parametrize("wrong", ["keys", "values"])
def test_a_checkpoint_of_something_else(session: Any, tmp_path: Path, wrong: str) -> None:
    """Keys and values that are no table's are refused, and nothing is taken over."""
    prefix = str(tmp_path / "other")
    with tf.Graph().as_default(), tf.Session() as writer:
        sizes = {"keys": 3, "values": 3, wrong: 2}
        tf.get_variable("t-keys", initializer=tf.constant(["a", "b", "c"][: sizes["keys"]]))
        tf.get_variable("t-values", initializer=np.arange(sizes["values"], dtype=np.int64))
        writer.run(tf.global_variables_initializer())
        tf.train.Saver().save(writer, prefix)
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0, name="t")
    session.run(table.insert(["mine"], [1]))
    with pytest.raises(errors.InvalidArgumentError, match="for value, got"):
        tf.train.Saver().restore(session, prefix)
    assert session.run(table.size()) == 1


def test_sparse_keys() -> None:
    keys = tf.SparseTensor([[0, 1], [2, 0]], ["b", "new"], [3, 2])
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"], num_oov_buckets=1)
    ids = table.lookup(keys)
    words = tf.contrib.lookup.index_to_string_table_from_tensor(["a", "b"], default_value="?")
    back = words.lookup(ids)
    with tf.Session() as sess:
        sess.run(tf.tables_initializer())
        found, text = sess.run([ids, back])
    assert found.values.tolist() == [1, 2]
    assert found.indices.tolist() == [[0, 1], [2, 0]]
    assert found.dense_shape.tolist() == [3, 2]
    assert text.values.tolist() == [b"b", b"?"]
