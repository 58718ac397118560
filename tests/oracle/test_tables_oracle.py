"""Tables against TensorFlow's: what they hold after any history, checkpoints byte for byte, MetaGraphs, both forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.protos import MetaGraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

MUTABLE_PAIRS = (
    "int32-float64 int32-float32 int32-int32 int64-float64 int64-float32 int64-int32 int64-int64 int64-string "
    "string-bool string-float64 string-float32 string-int32 string-int64"
).split()
STATIC_PAIRS = [*MUTABLE_PAIRS, "int32-string", "string-string"]
DENSE_PAIRS = [pair for pair in MUTABLE_PAIRS if pair != "int64-string"] + ["int64-bool"]

VALUES = """
def sample(np, kind, seed, count):
    random = np.random.RandomState(seed)
    numbers = random.randint(-50, 50, count)
    if kind == "string":
        return [b"\\x01" * (number % 21) + str(number).encode() for number in numbers]
    if kind == "bool":
        return (numbers % 2 == 0).tolist()
    return [int(number) if "int" in kind else number / 4 for number in numbers.tolist()]
"""

HISTORY = (
    VALUES
    + """
def main(tf, np, kind, pair, steps, prefix):
    key_type, value_type = pair.split("-")
    key_dtype, value_dtype = getattr(tf, key_type), getattr(tf, value_type)
    tables = tf.lookup.experimental
    default = sample(np, value_type, 0, 1)[0]
    if kind == "dense":
        ends = (b"", b"$") if key_type == "string" else (1000, 1001)
        table = tables.DenseHashTable(key_dtype, value_dtype, default, *ends, 16, name="t")
    elif kind == "vectors":
        table = tables.MutableHashTable(key_dtype, value_dtype, [default, default], name="t")
    else:
        table = tables.MutableHashTable(key_dtype, value_dtype, default, name="t")
    keys, values = tf.placeholder(key_dtype, [None]), tf.placeholder(value_dtype)
    insert, remove = table.insert(keys, values), table.remove(keys)
    export, size, found = table.export(), table.size(), table.lookup(keys)
    saver = tf.train.Saver()
    seen = []
    with tf.Session() as session:
        for step, count in enumerate(steps):
            some = sample(np, key_type, step + 1, abs(count))
            if count > 0:
                given = sample(np, value_type, step + 7, count * 2)
                given = np.array(given, object if value_type == "string" else value_dtype.as_numpy_dtype)
                given = given.reshape(count, 2) if kind == "vectors" else given[:count]
                session.run(insert, {keys: some, values: given})
            else:
                session.run(remove, {keys: some})
            seen.append([*session.run([*export, size]), session.run(found, {keys: some})])
        saver.save(session, prefix)
        saver.restore(session, prefix)
        seen.append(session.run([*export, size]))
        saver.save(session, prefix + "-again")
        return seen
"""
)

CASES = [
    *(("scalars", pair, [5, 3, 9]) for pair in MUTABLE_PAIRS),
    ("scalars", "int64-int64", [1, 12, -4, 30, 60, -80, 70]),
    ("scalars", "string-int64", [1, 12, -4, 30, 60, -80, 70]),
    *(("vectors", pair, [5, -3, 9]) for pair in ("int32-float32", "string-bool", "int64-string")),
    *(("dense", pair, [5, 3, 40]) for pair in DENSE_PAIRS),
    ("dense", "string-int64", [3, 20, 60, -30]),
    ("dense", "int64-float32", [3, 20, 60, -30]),
]


def here(source: str, **arguments: Any) -> Any:
    """The program run by evergraph."""
    names: dict[str, Any] = {}
    exec(source, names)
    with Graph().as_default():
        return names["main"](tf1, np, **arguments)


@pytest.mark.parametrize(("kind", "pair", "steps"), CASES, ids=str)
def test_history(oracle: Oracle, tmp_path: Path, kind: str, pair: str, steps: list[int]) -> None:
    """The same keys in the same order after every step, and the same files."""
    arguments = {"kind": kind, "pair": pair, "steps": steps}
    theirs = oracle.execute(HISTORY, prefix=str(tmp_path / "theirs"), **arguments)
    ours = here(HISTORY, prefix=str(tmp_path / "ours"), **arguments)
    for one, other in zip(ours, theirs, strict=True):
        for mine, stock in zip(one, other, strict=True):
            assert np.asarray(mine).dtype == np.asarray(stock).dtype
            np.testing.assert_array_equal(mine, stock)
    for end in ("", "-again"):
        for part in (".index", ".data-00000-of-00001"):
            files = [tmp_path / f"{who}{end}{part}" for who in ("ours", "theirs")]
            assert files[0].read_bytes() == files[1].read_bytes()


RESTORE = """
def main(tf, np, prefix):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="words")
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, [0., 0.], 0, -1, 8, name="rows")
    found = table.lookup(tf.constant(["a", "zz", "c"])), dense.lookup(tf.constant([1, 5], tf.int64))
    fill = [table.insert(["a", "b", "c"], [1, 2, 3]), dense.insert([1, 2, 3, 4, 5, 6, 7],
            [[i, i + 0.5] for i in range(7)])]
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    saver = tf.train.Saver()
    with tf.Session() as session:
        if MODE == "save":
            session.run([fill, w.initializer])
            return saver.save(session, prefix)
        saver.restore(session, prefix)
        return session.run([*found, table.size(), dense.size(), w])
"""


def test_checkpoints_change_hands(oracle: Oracle, tmp_path: Path) -> None:
    save, restore = (RESTORE.replace("MODE", repr(mode)) for mode in ("save", "restore"))
    here(save, prefix=str(tmp_path / "ours"))
    oracle.execute(save, prefix=str(tmp_path / "theirs"))
    wanted: list[Any] = [[1, -1, 3], [[0, 0.5], [4, 4.5]], 3, 7, [0, 0]]
    for prefix in (str(tmp_path / "ours"), str(tmp_path / "theirs")):
        for found in (here(restore, prefix=prefix), oracle.execute(restore, prefix=prefix)):
            assert [np.asarray(value).tolist() for value in found] == wanted


# -------------------------------------------------------------------------------------- MetaGraphs

META = """
import os

def main(tf, np, prefix, vocabulary):
    words = tf.placeholder(tf.string, [None], name="words")
    file = tf.lookup.TextFileInitializer(vocabulary, tf.string, -2, tf.int64, -1)
    table = tf.lookup.StaticVocabularyTable(file, 3)
    tf.identity(table.lookup(words), name="ids")
    back = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(vocabulary, tf.int64, -1, tf.string, -2), "?")
    tf.identity(back.lookup(table.lookup(words)), name="again")
    counts = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0, name="counts")
    put = counts.insert(words, tf.ones_like(words, tf.int64) * 7)
    tf.identity(counts.lookup(words), name="counted")
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        session.run(put, {words: ["b", "q"]})
        return tf.train.Saver().save(session, prefix)
"""
USE = """
def main(tf, np, prefix):
    saver = tf.train.import_meta_graph(prefix + ".meta")
    with tf.Session() as session:
        saver.restore(session, prefix)
        session.run(tf.tables_initializer())
        fetches = ["ids:0", "again:0", "counted:0"]
        return session.run(fetches, {"words:0": ["b", "a", "q", "zebra", ""]})
"""


def test_meta_graphs_change_hands(oracle: Oracle, tmp_path: Path) -> None:
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("a\nb\nc\n")
    arguments = {"vocabulary": str(vocabulary)}
    here(META, prefix=str(tmp_path / "ours"), **arguments)
    oracle.execute(META, prefix=str(tmp_path / "theirs"), **arguments)
    results = []
    for prefix in (str(tmp_path / "ours"), str(tmp_path / "theirs")):
        results += [here(USE, prefix=prefix), oracle.execute(USE, prefix=prefix)]
    for ids, again, counted in results:
        assert ids.tolist() == results[0][0].tolist()
        assert ids.tolist()[:2] == [1, 0]
        assert set(ids.tolist()[2:]) <= {3, 4, 5}
        assert again.tolist() == [b"b", b"a", b"?", b"?", b"?"]
        assert counted.tolist() == [7, 0, 7, 0, 0]
    ours, theirs = (
        MetaGraphDef.FromString((tmp_path / f"{who}.meta").read_bytes())
        for who in ("ours", "theirs")
    )
    for key in ("table_initializer", "asset_filepaths", "variables"):
        assert ours.collection_def[key] == theirs.collection_def[key]
    assert set(ours.collection_def) == set(theirs.collection_def)


# --------------------------------------------------------------------------------- the first form

FIRST_FORM = """
def main(tf, np, path):
    raw = tf.raw_ops
    keys, values = tf.constant(["a", "b"], name="k"), tf.constant([1, 2], tf.int64, name="v")
    static = raw.HashTable(key_dtype=tf.string, value_dtype=tf.int64, shared_name="s", name="static")
    raw.InitializeTable(table_handle=static, keys=keys, values=values, name="fill")
    raw.LookupTableFind(table_handle=static, keys=keys, default_value=tf.constant(-1, tf.int64), name="found")
    raw.LookupTableSize(table_handle=static, name="size")
    file = raw.HashTable(key_dtype=tf.string, value_dtype=tf.int64, name="file")
    raw.InitializeTableFromTextFile(table_handle=file, filename=path, key_index=-2, value_index=-1, name="read")
    raw.LookupTableFind(table_handle=file, keys=keys, default_value=tf.constant(-1, tf.int64), name="line")
    mutable = raw.MutableHashTable(key_dtype=tf.string, value_dtype=tf.int64, name="mutable")
    raw.LookupTableInsert(table_handle=mutable, keys=keys, values=values, name="insert")
    raw.LookupTableExport(table_handle=mutable, Tkeys=tf.string, Tvalues=tf.int64, name="export")
    vectors = raw.MutableHashTableOfTensors(key_dtype=tf.string, value_dtype=tf.int64, value_shape=[1], name="rows")
    raw.LookupTableImport(table_handle=vectors, keys=keys, values=tf.constant([[5], [6]], tf.int64), name="import")
    raw.LookupTableExport(table_handle=vectors, Tkeys=tf.string, Tvalues=tf.int64, name="export_rows")
    return tf.get_default_graph().as_graph_def().SerializeToString()
"""
RUN_FIRST_FORM = """
def main(tf, np, graph_def):
    tf.import_graph_def(tf.GraphDef.FromString(graph_def), name="")
    fetches = ["found:0", "size:0", "line:0", "export:0", "export:1", "export_rows:0", "export_rows:1"]
    with tf.Session() as session:
        session.run(["fill", "read", "insert", "import"])
        return session.run(fetches)
"""


def test_first_form(tf215: Oracle, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("x\nb\n")
    graph_def = tf215.execute(FIRST_FORM, path=str(tmp_path / "lines"))
    theirs = tf215.execute(RUN_FIRST_FORM, graph_def=graph_def)
    ours = here(RUN_FIRST_FORM, graph_def=graph_def)
    assert [np.asarray(value).tolist() for value in ours] == [
        np.asarray(value).tolist() for value in theirs
    ]
    assert ours[2].tolist() == [-1, 1]
