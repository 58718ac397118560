"""Renamed checkpoints and stock TensorFlow: it reads what evergraph renames, and evergraph renames what it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph.cli import main
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

# Partitioned variables of both kinds, a whole one, text; sharded over two devices.
SAVE = """
def main(tf, np, prefix, sharded):
    with tf.device("/cpu:0"):
        tf.get_variable("model/rows", [7, 3], partitioner=tf.fixed_size_partitioner(3),
            initializer=tf.random_normal_initializer(seed=1))
        tf.get_variable("model/whole", initializer=np.arange(5.0))
    with tf.device("/cpu:1"):
        tf.get_variable("model/columns", [2, 6], partitioner=tf.fixed_size_partitioner(2, axis=1),
            initializer=tf.random_normal_initializer(seed=2), use_resource=True)
        tf.get_variable("model/text", initializer=tf.constant(["a", "bc"]))
        tf.get_variable("step", initializer=np.int64(3))
    config = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(sharded=sharded).save(session, prefix)
"""

VALUES = """
def main(tf, np, prefix):
    reader = tf.train.NewCheckpointReader(prefix)
    return {name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}
"""

# Into other partitions, and into the same.
RESTORE = """
def main(tf, np, prefix, parts):
    partition = tf.fixed_size_partitioner(parts) if parts else None
    rows = tf.get_variable("net/rows", [7, 3], partitioner=partition)
    whole = tf.get_variable("net/whole", [5], tf.float64)
    columns = tf.get_variable("net/columns", [2, 6],
        partitioner=tf.fixed_size_partitioner(2, axis=1), use_resource=True)
    text = tf.Variable(tf.constant(["", ""]), name="net/text")
    step = tf.get_variable("step", [], tf.int64)
    rows, columns = tf.convert_to_tensor(rows), tf.convert_to_tensor(columns)
    with tf.Session() as session:
        tf.train.Saver().restore(session, prefix)
        values = session.run([rows, whole, columns, text, step])
    return dict(zip(["net/rows", "net/whole", "net/columns", "net/text", "step"], values))
"""


def same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)
        assert np.asarray(value).dtype == np.asarray(b[name]).dtype


def command(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code


@pytest.mark.parametrize("how", ["link", "copy", "drop", "stream"])
@pytest.mark.parametrize("sharded", [False, True])
def test_tensorflow_reads_what_is_renamed(
    oracle: Oracle, tmp_path: Path, sharded: bool, how: str
) -> None:
    prefix = oracle.execute(SAVE, prefix=str(tmp_path / "old"), sharded=sharded)
    target = str(tmp_path / "new")
    old = oracle.execute(VALUES, prefix=prefix)
    wanted = {name.replace("model/", "net/"): value for name, value in old.items()}
    if how == "stream":
        with evergraph.open_checkpoint(prefix) as ckpt:
            evergraph.save_checkpoint(target, ckpt.rename({"^model/": "net/"}))
    else:
        options = {"link": [], "copy": ["--copy"], "drop": ["--map", "/whole$/d"]}[how]
        command("rename", prefix, target, "--map", "s|^model/|net/|", *options)
    if how == "drop":
        del wanted["net/whole"]
    same(oracle.execute(VALUES, prefix=target), wanted)
    if how != "drop":
        for parts in (0, 2, 3):
            same(oracle.execute(RESTORE, prefix=target, parts=parts), wanted)


RESTORED = """
def main(tf, np, prefix):
    for name, shape in (("a", [2, 3]), ("b", [4])):
        tf.get_variable(name, shape, use_resource=name == "b")
    saver = tf.train.Saver()
    with tf.Session() as session:
        saver.restore(session, prefix)
        return {variable.op.name: session.run(variable) for variable in tf.global_variables()}
"""


def test_what_is_restored_in_part_is_saved_for_tensorflow(tf215: Oracle, tmp_path: Path) -> None:
    """TensorFlow writes, ``evergraph.restore`` takes what fits, TensorFlow restores what a Saver writes then."""
    save = """
def main(tf, np, prefix):
    tf.get_variable("old/a", initializer=np.float32([[1, 2, 3], [4, 5, 6]]))
    tf.get_variable("old/other", [3], use_resource=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, prefix)
"""
    prefix = tf215.execute(save, prefix=str(tmp_path / "old"))
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a", [2, 3])
        tf.get_variable("b", initializer=np.full(4, 7, np.float32), use_resource=True)
        session.run(tf.global_variables_initializer())
        report = evergraph.restore(prefix, strict=False, rename={"^old/": ""})
        assert (report.restored, report.missing) == (("a",), ("b",))
        assert report.unexpected == ("other",)
        new = tf.train.Saver().save(session, str(tmp_path / "new"))
    same(
        tf215.execute(RESTORED, prefix=new),
        {
            "a": np.arange(1, 7, dtype=np.float32).reshape(2, 3),
            "b": np.full(4, 7, np.float32),
        },
    )


MISSING = """
def main(tf, np, prefix, names):
    for name in names:
        tf.get_variable(name, [2])
    with tf.Session() as session:
        tf.train.Saver().restore(session, prefix)
"""


@pytest.mark.parametrize(
    ("names", "error"), [(["a", "lost"], "NotFoundError"), (["wide"], "InvalidArgumentError")]
)
def test_errors_are_of_tensorflows_classes(
    tf215: Oracle, tmp_path: Path, names: list[str], error: str
) -> None:
    prefix = evergraph.save_checkpoint(
        tmp_path / "m", {"a": np.ones(2, np.float32), "wide": np.ones(3, np.float32)}
    )
    with pytest.raises(Exception, match=error):
        tf215.execute(MISSING, prefix=prefix, names=names)
    program: dict[str, Any] = {}
    exec(MISSING, program)
    with tf.Graph().as_default(), pytest.raises(getattr(tf.errors, error)):
        program["main"](tf, np, prefix=prefix, names=names)
