"""Partitioned variables in checkpoints and MetaGraphs, in both directions: the bytes, any parts restored into any
others, optimizers' slots and moving averages with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors, tf1
from evergraph.formats.name_order import name_order
from evergraph.formats.protos import MetaGraphDef
from evergraph.graph.graph import Graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_RESOURCE = pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])

#: Variables in ``rows`` and ``columns`` parts (0: whole), Adam's and momentum's slots, moving averages; ``values``
#: gives the wholes by the names in the checkpoint, ``fill`` sets each to its own numbers.
_MODEL = """
import zlib

def model(tf, np, rows, columns, resource):
    def parts(count, axis):
        return tf.fixed_size_partitioner(count, axis) if count else None
    with tf.variable_scope("net", use_resource=resource):
        w = tf.get_variable("w", [7, 5], partitioner=parts(rows, 0), initializer=tf.ones_initializer())
        c = tf.get_variable("c", [5, 4], partitioner=parts(columns, 1), initializer=tf.ones_initializer())
        b = tf.get_variable("b", [4], initializer=tf.zeros_initializer())
        n = tf.get_variable("n", [9], tf.int64, trainable=False, partitioner=parts(rows, 0),
                            initializer=tf.zeros_initializer())
    x = tf.constant(np.linspace(-1, 1, 14).reshape(2, 7).astype(np.float32))
    y = tf.matmul(tf.matmul(x, w), c) + b
    loss = tf.reduce_mean(tf.square(y - 1.0), name="loss")
    average = tf.train.ExponentialMovingAverage(0.9)
    adam = tf.train.AdamOptimizer(0.01).minimize(loss)
    with tf.control_dependencies([adam]):
        momentum = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    with tf.control_dependencies([momentum]):
        train = tf.group(average.apply(), name="train")
    return tf.train.Saver()

def fill(tf, np, sess):
    for v in tf.global_variables():
        place = v._get_save_slice_info()
        name, shape = (v.op.name, v.shape.as_list()) if place is None else (place.full_name, place.full_shape)
        numbers = np.random.RandomState(zlib.crc32(name.encode()) % 1000).uniform(0.5, 9, shape)
        if place is not None:
            box = tuple(slice(o, o + n) for o, n in zip(place.var_offset, place.var_shape))
            numbers = numbers[box]
        v.load(numbers.astype(v.dtype.base_dtype.as_numpy_dtype), sess)

def values(tf, np, sess):
    found = {}
    for v in tf.global_variables():
        place, value = v._get_save_slice_info(), sess.run(v)
        if place is None:
            found[v.op.name] = value
        else:
            whole = found.setdefault(place.full_name, np.full(place.full_shape, -1, value.dtype))
            whole[tuple(slice(o, o + n) for o, n in zip(place.var_offset, place.var_shape))] = value
    return found
"""
_SAVE = (
    _MODEL
    + """
def main(tf, np, prefix, **parts):
    saver = model(tf, np, **parts)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        fill(tf, np, sess)
        saver.save(sess, prefix)
        return values(tf, np, sess)
"""
)
_RESTORE = (
    _MODEL
    + """
def main(tf, np, prefix, steps=0, **parts):
    saver = model(tf, np, **parts)
    with tf.Session() as sess:
        saver.restore(sess, prefix)
        for _ in range(steps):
            sess.run("train")
        return values(tf, np, sess)
"""
)
#: The model comes from the .meta file.
_GO_ON = (
    _MODEL
    + """
def main(tf, np, prefix, steps, again=None):
    with tf.Session() as sess:
        saver = tf.train.import_meta_graph(prefix + ".meta")
        saver.restore(sess, prefix)
        for _ in range(steps):
            sess.run("train")
        if again:
            saver.save(sess, again)
        return values(tf, np, sess)
"""
)

#: (rows, columns) of what saves and what restores.
CUTS = {
    "other parts": ((3, 2), (2, 3)),
    "to a whole": ((3, 4), (0, 0)),
    "from a whole": ((0, 0), (2, 3)),
    "one part": ((1, 1), (7, 4)),
    "to one part": ((5, 2), (1, 1)),
}


def here(source: str, **arguments: Any) -> Any:
    """The program run by evergraph."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    with Graph().as_default():
        return namespace["main"](tf1, np, **arguments)


def parts(cut: tuple[int, int], resource: bool) -> dict[str, Any]:
    return {"rows": cut[0], "columns": cut[1], "resource": resource}


def files(prefix: Path) -> list[bytes]:
    return [Path(f"{prefix}{ending}").read_bytes() for ending in (".index", ".data-00000-of-00001")]


def assert_equal(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)


@_RESOURCE
@pytest.mark.parametrize("case", CUTS)
def test_the_same_bytes(tf215: Oracle, tmp_path: Path, case: str, resource: bool) -> None:
    arguments = parts(CUTS[case][0], resource)
    ours = here(_SAVE, prefix=str(tmp_path / "ours"), **arguments)
    theirs = tf215.execute(_SAVE, prefix=str(tmp_path / "theirs"), **arguments)
    assert_equal(ours, theirs)
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")
    with evergraph.open_checkpoint(tmp_path / "theirs") as checkpoint:
        assert_equal(dict(checkpoint), theirs)


@_RESOURCE
@pytest.mark.parametrize("case", CUTS)
def test_any_parts_into_any_others(
    oracle: Oracle, tmp_path: Path, case: str, resource: bool
) -> None:
    saved, restored = CUTS[case]
    prefix = str(tmp_path / "m")
    wanted = here(_SAVE, prefix=prefix, **parts(saved, resource))
    assert "net/w/Adam" in wanted
    assert "net/c/Momentum" in wanted
    assert "net/w/ExponentialMovingAverage" in wanted
    assert_equal(oracle.execute(_RESTORE, prefix=prefix, **parts(restored, resource)), wanted)
    prefix = str(tmp_path / "theirs")
    wanted = oracle.execute(_SAVE, prefix=prefix, **parts(saved, resource))
    assert_equal(here(_RESTORE, prefix=prefix, **parts(restored, not resource)), wanted)


def in_v1(source: str) -> str:
    return source.replace("tf.train.Saver()", "tf.train.Saver(write_version=tf.train.SaverDef.V1)")


@_RESOURCE
@pytest.mark.parametrize("case", CUTS)
def test_format_v1(tf215: Oracle, tmp_path: Path, case: str, resource: bool) -> None:
    saved, restored = CUTS[case]
    save, restore = in_v1(_SAVE), in_v1(_RESTORE)
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    wanted = here(save, prefix=ours, **parts(saved, resource))
    assert_equal(tf215.execute(save, prefix=theirs, **parts(saved, resource)), wanted)
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert_equal(tf215.execute(restore, prefix=ours, **parts(restored, resource)), wanted)
    assert_equal(here(restore, prefix=theirs, **parts(restored, resource)), wanted)


@_RESOURCE
def test_training_goes_on_in_other_parts(tf215: Oracle, tmp_path: Path, resource: bool) -> None:
    prefix = str(tmp_path / "m")
    tf215.execute(_SAVE, prefix=prefix, **parts((3, 2), resource))
    ours = here(_RESTORE, prefix=prefix, steps=3, **parts((2, 4), resource))
    theirs = tf215.execute(_RESTORE, prefix=prefix, steps=3, **parts((2, 4), resource))
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@_RESOURCE
def test_meta_graphs(tf215: Oracle, tmp_path: Path, resource: bool) -> None:
    arguments = parts((3, 2), resource)
    here(_SAVE, prefix=str(tmp_path / "ours"), **arguments)
    tf215.execute(_SAVE, prefix=str(tmp_path / "theirs"), **arguments)
    ours, theirs = (
        MetaGraphDef.FromString((tmp_path / f"{side}.meta").read_bytes())
        for side in ("ours", "theirs")
    )
    assert ours.saver_def == theirs.saver_def
    for key in ("variables", "trainable_variables", "moving_average_variables"):
        assert ours.collection_def[key] == theirs.collection_def[key]
    # Each goes on with the other's.
    found = here(_GO_ON, prefix=str(tmp_path / "theirs"), steps=2, again=str(tmp_path / "again"))
    wanted = tf215.execute(_GO_ON, prefix=str(tmp_path / "ours"), steps=2)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    assert_equal(tf215.execute(_GO_ON, prefix=str(tmp_path / "again"), steps=0), found)


_LISTS = """
def main(tf, np, prefix, resource):
    thirds = tf.fixed_size_partitioner(3)
    with tf.variable_scope("a", use_resource=resource):
        w = tf.get_variable("w", initializer=tf.reshape(tf.range(14.0), [7, 2]), partitioner=thirds)
        t = tf.get_variable("text", initializer=tf.constant(["x", "", "long text"]), partitioner=thirds)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tf.train.Saver([w, list(t)]).save(sess, prefix + "list")
        tf.train.Saver({"other": w, "w/part_0": list(w)[0], "x": list(t)}).save(sess, prefix + "dict")
        tf.train.Saver(list(w)[1:]).save(sess, prefix + "some")
        tf.train.Saver(sharded=True).save(sess, prefix + "sharded")
"""


@_RESOURCE
def test_savers_of_parts(tf215: Oracle, tmp_path: Path, resource: bool) -> None:
    for side in ("ours", "theirs"):
        (tmp_path / side).mkdir()
    here(_LISTS, prefix=f"{tmp_path}/ours/", resource=resource)
    tf215.execute(_LISTS, prefix=f"{tmp_path}/theirs/", resource=resource)
    for name in ("list", "dict", "some", "sharded"):
        assert files(tmp_path / "ours" / name) == files(tmp_path / "theirs" / name), name


_SLICES_IN_V1 = """
def main(tf, np, prefix, count):
    w = tf.get_variable("w", [count], partitioner=tf.fixed_size_partitioner(count))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=tf.train.SaverDef.V1).save(sess, prefix)
"""


@pytest.mark.parametrize("count", [2, 16, 17, 33, 100])
def test_order_of_slices_in_v1(tf215: Oracle, tmp_path: Path, count: int) -> None:
    tf215.execute(_SLICES_IN_V1, prefix=str(tmp_path / "m"), count=count)
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        found = [box.extents[0][0] for box in checkpoint.info("w").slices]
    # The Saver takes them by the names of the parts.
    parts = sorted(range(count), key=lambda i: f"w/part_{i}:0")
    assert found == [parts[i] for i in name_order(["w"] * count)]


#: Variables that begin with a checkpoint, in other parts than it has.
_BEGIN = """
def main(tf, np, prefix, count, resource):
    partitioner = tf.fixed_size_partitioner(count) if count else None
    with tf.variable_scope("mine", use_resource=resource):
        w = tf.get_variable("w", [7, 5], partitioner=partitioner)
        c = tf.get_variable("c", [5, 4], partitioner=partitioner)
    tf.train.init_from_checkpoint(prefix, {"net/w": "mine/w", "net/c": list(c) if count else c})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return [sess.run(tf.identity(w)), sess.run(tf.identity(c))]
"""


@_RESOURCE
@pytest.mark.parametrize("count", [0, 1, 4])
def test_variables_begin_with_parts(
    tf215: Oracle, tmp_path: Path, count: int, resource: bool
) -> None:
    prefix = str(tmp_path / "m")
    wanted = here(_SAVE, prefix=prefix, **parts((3, 2), False))
    arguments = {"prefix": prefix, "count": count, "resource": resource}
    ours, theirs = here(_BEGIN, **arguments), tf215.execute(_BEGIN, **arguments)
    for found in (ours, theirs):
        np.testing.assert_array_equal(found[0], wanted["net/w"])
        np.testing.assert_array_equal(found[1], wanted["net/c"])


_RESHAPE = """
def main(tf, np, prefix):
    w = tf.get_variable("w", [4, 3], partitioner=tf.fixed_size_partitioner(2))
    saver = tf.train.Saver(reshape=True)
    with tf.Session() as sess:
        try:
            saver.restore(sess, prefix)
        except Exception as error:
            return type(error).__name__
"""


_HOLES = """
def main(tf, np, prefix):
    w = tf.get_variable("w", [7, 3], partitioner=tf.fixed_size_partitioner(3))
    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(list(w)[:2]).save(sess, prefix)
        for read in (lambda: tf.train.Saver([w]).restore(sess, prefix),
                     lambda: tf.train.NewCheckpointReader(prefix).get_tensor("w")):
            try:
                found.append(read())
            except Exception as error:
                found.append([kind.__name__ for kind in type(error).__mro__])
    return found
"""


def test_a_part_that_is_not_there(oracle: Oracle, tmp_path: Path) -> None:
    ours = here(_HOLES, prefix=str(tmp_path / "ours"))
    theirs = oracle.execute(_HOLES, prefix=str(tmp_path / "theirs"))
    assert [kinds[0] for kinds in theirs] == ["InvalidArgumentError", "ValueError"]
    for kinds, wanted in zip(ours, theirs, strict=True):
        assert wanted[0] in kinds


def test_another_whole_shape_is_refused(tf215: Oracle, tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"w": np.zeros((6, 2), np.float32)})
    theirs = tf215.execute(_RESHAPE, prefix=str(tmp_path / "m"))
    assert theirs == "InvalidArgumentError"
    # The class for it here inherits from TensorFlow's.
    assert here(_RESHAPE, prefix=str(tmp_path / "m")) == errors.InvalidValueError.__name__


#: Embeddings in parts, learned by rows.
_EMBEDDINGS = """
def main(tf, np, strategy, resource, count):
    rows = np.arange(21, dtype=np.float32).reshape(7, 3) / 10
    w = tf.get_variable("w", [7, 3], initializer=rows, use_resource=resource,
                        partitioner=tf.fixed_size_partitioner(count))
    ids = tf.constant([[6, 0], [3, 3], [1, 5]], tf.int64)
    found = tf.nn.embedding_lookup(w, ids, partition_strategy=strategy)
    clipped = tf.nn.embedding_lookup(w, ids, partition_strategy=strategy, max_norm=1.0)
    loss = tf.reduce_sum(tf.square(found))
    train = tf.group(tf.train.AdamOptimizer(0.1).minimize(loss),
                     tf.train.AdagradOptimizer(0.1).minimize(loss))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        results = sess.run([found, clipped])
        sess.run(train)
        return results + [sess.run(w.as_tensor())]
"""


@_RESOURCE
@pytest.mark.parametrize("strategy", ["mod", "div"])
@pytest.mark.parametrize("count", [1, 3, 7])
def test_embeddings(tf215: Oracle, strategy: str, resource: bool, count: int) -> None:
    arguments = {"strategy": strategy, "resource": resource, "count": count}
    theirs = tf215.execute(_EMBEDDINGS, **arguments)
    for ours, wanted in zip(here(_EMBEDDINGS, **arguments), theirs, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


_SCOPES = """
def main(tf, np, resource):
    with tf.variable_scope("net", use_resource=resource, partitioner=tf.fixed_size_partitioner(3)):
        w = tf.get_variable("w", [7, 5])
        tf.get_variable("b", [4], trainable=False)
        tf.get_variable("c", [])
        tf.add_to_collection("mine", w)
    tf.train.Saver()
    meta = tf.train.export_meta_graph(export_scope="net")
    keys = ["variables", "trainable_variables", "mine"]
    found = [meta.collection_def[key].SerializeToString(deterministic=True) for key in keys]
    with tf.Graph().as_default():
        tf.train.import_meta_graph(meta, import_scope="other/scope")
        found += [v.to_proto().SerializeToString(deterministic=True) for v in tf.global_variables()]
    return found
"""


@_RESOURCE
def test_scopes(tf215: Oracle, resource: bool) -> None:
    """Variables that are exported from a scope and imported into another, with what they are parts of."""
    assert here(_SCOPES, resource=resource) == tf215.execute(_SCOPES, resource=resource)
