"""Small programs with tables, run by both: the same results, the same classes of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.graph import registry
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

SETUP = """
i64, raw = tf.int64, tf.raw_ops
look, new = tf.lookup, tf.lookup.experimental
def c(value, dtype=tf.int64):
    return tf.constant(value, dtype)
def hidden(value):
    return tf.placeholder_with_default(c(value), None)
def dense(empty=0, deleted=-1, buckets=8):
    return new.DenseHashTable(i64, i64, -1, empty, deleted, buckets)
def mutable(default=-1):
    return new.MutableHashTable(i64, i64, default)
def static(keys=(1, 2), values=(3, 4)):
    return look.StaticHashTable(look.KeyValueTensorInitializer(c(list(keys)), c(list(values))), -1)
def handle(name="x", key=tf.int64):
    return raw.HashTableV2(key_dtype=key, value_dtype=i64, shared_name=name)
def other():
    return raw.MutableHashTableV2(key_dtype=i64, value_dtype=i64, shared_name="x")
def fill(at, keys, values):
    return raw.InitializeTableV2(table_handle=at, keys=hidden(keys), values=hidden(values))
def size(at):
    return raw.LookupTableSizeV2(table_handle=at)
def find(at, keys, default):
    return raw.LookupTableFindV2(table_handle=at, keys=keys, default_value=default)
def load(at, keys, values):
    return raw.LookupTableImportV2(table_handle=at, keys=hidden(keys), values=hidden(values))
def lines(text, kt, ki, vt, vi, size=None, delimiter="\\t", offset=0):
    with open(path, "wb") as file:
        file.write(text)
    return look.StaticHashTable(
        look.TextFileInitializer(path, kt, ki, vt, vi, size, delimiter, value_index_offset=offset),
        "?" if vt == tf.string else -1)
def of_size(lines):
    return raw.InitializeTableFromTextFileV2(
        table_handle=handle("x", tf.string), filename=path, key_index=-2, value_index=-1, vocab_size=lines)
def listed(table):
    session.run(table.initializer)
    return sorted(zip(*(part.tolist() for part in session.run(table.export()))))
"""

MAIN = """
def main(tf, np, setup, programs, path):
    found = []
    for number, program in enumerate(programs):
        with tf.Graph().as_default(), tf.Session() as session:
            names = {"tf": tf, "np": np, "path": path + str(number), "session": session}
            exec(setup, names)
            names["run"] = session.run
            *before, last = program.split("; ")
            try:
                for line in before:
                    exec(line, names)
                value = eval(last, names)
                found.append(repr([part.tolist() if hasattr(part, "tolist") else part for part in value]
                    if isinstance(value, (list, tuple)) else np.asarray(value).tolist()))
            except Exception as error:
                found.append([kind.__name__ for kind in type(error).__mro__])
    return found
"""

PROGRAMS = """
t = dense(); run(t.insert([1, 9, 17], [1, 2, 3])); run(t.remove(c([9]))); run([*t.export(), t.lookup([17, 9])])
run(dense().lookup(c([[1, 2], [3, 4]])))
run(dense().lookup(c(5)))
run(dense().lookup(c([0])))
run(dense().lookup(c([-1])))
run(dense().insert(c([0]), c([1])))
run(dense().remove(c([0])))
run(dense().insert(c([3, 4]), c([1])))
run(dense(0, 0).size())
run(dense(buckets=3).size())
run(dense(buckets=12).size())
run(tf.shape(dense(buckets=None).export()[0]))
t = dense([0, 0], [-1, -1], 4); run(t.insert([[1, 2], [3, 4]], [5, 6])); run([*t.export(), t.lookup([[3, 4], [4, 3]])])
run(dense([0, 0], [-1, -1], 4).lookup([3, 4]))
run(dense([0, 0], [-1], 4).size())
t = dense([0], [-1], 4); run(t.insert([[1], [5]], [5, 6])); run([*t.export(), t.lookup([[5], [6]])])
run(new.DenseHashTable(tf.string, tf.string, "", "", "$", 4).size())
t = dense(); run(load(t.resource_handle, [[1], [0], [3], [-1]], [[1], [2], [3], [4]])); run([*t.export(), t.size()])
run(load(dense().resource_handle, [1, 0], [1, 2]))
run([*mutable().export(), mutable().size()])
run(mutable().insert([3, 4], [1]))
t = mutable(); run(t.insert(3, 1)); run(t.lookup([[3, 4]]))
t = mutable(); run(t.insert([3, 4, 3], [1, 2, 5])); run([*t.export(), t.lookup([3, 5], c([7, 8]))])
run(mutable().lookup([3, 4], c([7, 8, 9])))
t = mutable([-1, -2]); run(t.insert([3], [[1, 2]])); run([t.lookup([[3, 4]]), *t.export()])
run(mutable([-1, -2]).lookup([3, 4], c([[5, 6], [7, 8]])))
run(mutable([[-1, -2]]).size())
run(new.MutableHashTable(tf.string, tf.string, "").size())
t = mutable(); run(t.insert([3, 4, 5], [1, 2, 3])); run(t.remove(c([4, 9, 4]))); run([t.size(), *t.export()])
t = mutable(); h = t.resource_handle; run(load(h, [3, 4], [1, 2])); run(load(h, [5], [6])); run([t.size(), *t.export()])
run(find(handle(), tf.constant([3]), c(1)))
run(static().lookup(c([1])))
run(static().size())
run(static().export())
t = static(); run(tf.tables_initializer()); run(tf.tables_initializer()); run([t.lookup(c([[1, 5]])), t.size()])
listed(static([1, 1], [3, 3]))
listed(static([1, 1], [3, 4]))
run(raw.LookupTableInsertV2(table_handle=static().resource_handle, keys=c([1]), values=c([1])))
run(raw.LookupTableRemoveV2(table_handle=static().resource_handle, keys=c([1])))
run(fill(mutable().resource_handle, [1], [1]))
h = handle(); run(fill(h, [1], [1])); run(fill(h, [1, 2], [1, 5]))
h = handle(); run(fill(h, [1], [1])); run(load(h, [7, 8], [1, 5]))
h = handle(); run(fill(h, [1], [1])); run(load(h, [7], [1])); run([find(handle(), c([1, 7]), c(0)), size(handle("y"))])
run(fill(handle(), [1, 2], [1]))
run(fill(handle(), 1, 1))
run(raw.InitializeTableV2(table_handle=handle(), keys=tf.constant([1]), values=c([1])))
run(handle().op); run(handle("x", tf.string).op)
run(handle().op); h = other(); run(raw.LookupTableInsertV2(table_handle=h, keys=c([1]), values=c([1])))
run(find(mutable().resource_handle, c([3]), c([1])))
run(find(mutable().resource_handle, c([3]), c([1, 2])))
t = static(); run(t.initializer); run(find(t.resource_handle, c([3, 1, 4]), c([1, 2])))
t = static(); run(t.initializer); run(find(t.resource_handle, c([3, 1, 4]), c([10, 20, 30])))
run(raw.MutableHashTable(key_dtype=i64, value_dtype=i64, shared_name="shared", container="C"))
run(size(raw.AnonymousMutableHashTable(key_dtype=i64, value_dtype=i64)))
listed(lines(b"a\\r\\nb\\r\\r\\nc\\rd\\r\\n\\re", tf.string, -2, i64, -1))
listed(lines(b"a\\n\\nb\\n", tf.string, -2, i64, -1))
listed(lines(b"a\\n\\r\\nb\\n", tf.string, -2, i64, -1))
listed(lines(b"a\\nb\\nc\\n", tf.string, -2, i64, -1, 2))
listed(lines(b"a\\nb\\n\\n", tf.string, -2, i64, -1, 2))
listed(lines(b"a\\nb\\nc\\n", tf.string, -2, i64, -1, 5))
listed(lines(b"", tf.string, -2, i64, -1))
listed(lines(b"a\\n\\nb\\n", tf.string, -2, i64, -1, 5))
listed(lines(b"", tf.string, -2, i64, -1, 5))
listed(lines(b"a\\t1\\nb\\n\\n", tf.string, 0, i64, 1))
lines(b"a\\n", tf.string, -2, i64, -1); run(of_size(0))
lines(b"a\\n", tf.string, -2, i64, -1); run(of_size(1))
run(raw.InitializeTableFromTextFileV2(table_handle=handle(), filename="/not/there", key_index=-2, value_index=-1))
listed(lines(b"a\\t1\\nb\\t2\\tx\\n", tf.string, 0, i64, 1))
listed(lines(b"a\\t1\\nb\\n", tf.string, 0, i64, 1))
listed(lines(b"a\\t1\\nb\\tx\\n", tf.string, 0, i64, 1))
listed(lines(b"b\\t+2\\n", tf.string, 0, i64, 1))
listed(lines(b"a\\t 1 \\nb\\t-2\\n", tf.string, 0, i64, 1, None, "\\t", 100))
listed(lines(b"a\\t 1 \\nb\\t-2\\n", tf.string, 0, tf.int32, 1, None, "\\t", 100))
listed(lines(b"a\\t3000000000\\n", tf.string, 0, tf.int32, 1))
listed(lines(b"a\\t1.5\\nb\\t 2e3\\nc\\t0x10\\n", tf.string, 0, tf.float32, 1, None, "\\t", 3))
listed(lines(b"a b\\nc d\\n", i64, -1, tf.string, 1, None, " ", 5))
listed(lines(b"a\\na\\n", tf.string, -2, i64, -1))
listed(lines(b"a 1\\na 1\\n", tf.string, 0, i64, 1, None, " "))
listed(lines(b"a b\\n", tf.string, 0, i64, -1, None, ""))
listed(lines(b"a b\\n", tf.string, 0, i64, -1, None, ", "))
listed(lines(b"5\\n7\\n", tf.int32, -2, tf.string, -2))
listed(lines(b"\\t1\\n", tf.string, 0, i64, 1))
run(raw.InitializeTableFromTextFileV2(table_handle=handle(), filename=path, key_index=-2, value_index=0))
""".strip().splitlines()


class _Raw:
    """``tf.raw_ops``: the ops, by the names of their arguments."""

    def __getattr__(self, name: str) -> Any:
        declaration = registry.lookup(name)
        assert declaration is not None

        def build(**arguments: Any) -> Any:
            inputs = [arguments.pop(arg.name) for arg in declaration.inputs]
            return declaration(*inputs, **arguments)

        return build


class _Here:
    raw_ops = _Raw()

    def __getattr__(self, name: str) -> Any:
        return getattr(tf1, name)


def test_programs(tf215: Oracle, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"setup": SETUP, "programs": PROGRAMS}
    theirs = tf215.execute(MAIN, path=str(tmp_path / "theirs"), **arguments)
    names: dict[str, Any] = {}
    exec(MAIN, names)
    with Graph().as_default():
        ours = names["main"](_Here(), np, path=str(tmp_path / "ours"), **arguments)
    different = [
        f"{program}\n  evergraph:  {mine}\n  TensorFlow: {stock}"
        for program, mine, stock in zip(PROGRAMS, ours, theirs, strict=True)
        if (mine != stock if isinstance(stock, str) else stock[0] not in mine)
    ]
    assert not different, "\n".join(different)
    assert sum(isinstance(stock, str) for stock in theirs) > 30  # the others are refused
