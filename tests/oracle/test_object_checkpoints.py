"""Object-based checkpoints that stock TensorFlow 2 writes: what evergraph finds in them, and what a Saver restores."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY, ObjectGraph
from tests.oracle.client import HERE, Oracle, _environment

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module", params=["tf215", "tf221"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of checkpoints that a TensorFlow 2 program wrote."""
    oracle: Oracle = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    done = subprocess.run(
        [oracle.python, HERE / "tf2_checkpoints.py", folder],
        env=_environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def facts_of(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def test_every_path_leads_to_its_tensor(written: Path) -> None:
    names = set()
    for name, facts in facts_of(written):
        names.add(name)
        with evergraph.open_checkpoint(facts["prefix"]) as ckpt:
            for path, value in facts["values"].items():
                assert path in ckpt, (name, path, list(ckpt.object_graph.by_path))
                np.testing.assert_array_equal(ckpt[path], value, err_msg=f"{name} {path}")
    assert {"modules", "adam", "table"} <= names


def test_the_graph_is_what_tensorflow_reads(written: Path) -> None:
    for _, facts in facts_of(written):
        with evergraph.open_checkpoint(facts["prefix"]) as ckpt:
            graph = ckpt.object_graph
            assert isinstance(graph, ObjectGraph)
            own = [
                {
                    "children": node.children,
                    "attributes": [[a.name, a.full_name, a.key] for a in node.attributes],
                    "slots": [[s.variable, s.name, s.node] for s in node.slot_variables],
                    "saver": list(node.registered_saver or ("", "")),
                }
                for node in graph.nodes
            ]
            assert own == facts["nodes"]
            # Every tensor is somebody's, and each by a path that leads back to it; a table's key begins two.
            here = [tensor for tensor in graph.tensors if tensor.key in ckpt]
            others = set(ckpt) - {tensor.key for tensor in here} - {OBJECT_GRAPH_KEY}
            assert others in (
                set(),
                {"table/.ATTRIBUTES/table-keys", "table/.ATTRIBUTES/table-values"},
            )
            for tensor in here:
                assert ckpt.info(tensor.path).name == tensor.key
                assert graph.path(tensor.key) == tensor.path


def test_slots_have_words(written: Path) -> None:
    for name, facts in facts_of(written):
        if name == "slots":
            with evergraph.open_checkpoint(facts["prefix"]) as ckpt:
                words = {tensor.description for tensor in ckpt.object_graph.tensors}
            assert "optimizer slot m of hidden/kernel" in words


# -------------------------------------------------------------- into a graph, by variables' names

SAVE = """
def main(tf, np, prefix):
    # Written from a graph: the variables' names in the file are the graph's.
    with tf.variable_scope("dense"):
        kernel = tf.get_variable("kernel", initializer=np.float32([[1, 2], [3, 4]]), use_resource=True)
        bias = tf.get_variable("bias", initializer=np.float32([5, 6]), use_resource=True)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(0.1)
    loss = tf.reduce_sum(kernel.read_value() ** 2) + tf.reduce_sum(bias.read_value() ** 2)
    train = optimizer.minimize(loss, global_step=step)
    layer = tf.Module()
    layer.kernel, layer.bias = kernel, bias
    checkpoint = tf.train.Checkpoint(layer=layer, optimizer=optimizer, step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([checkpoint.save_counter.initializer])
        session.run(train)
        return checkpoint.save(prefix, session=session), {
            variable.op.name: session.run(variable) for variable in tf.global_variables()
        }
"""

RESTORE = """
def main(tf, np, prefix, scope):
    with tf.variable_scope(scope, reuse=False) if scope else tf.name_scope(None):
        with tf.variable_scope("dense"):
            kernel = tf.get_variable("kernel", [2, 2])
            bias = tf.get_variable("bias", [2])
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(kernel ** 2) + tf.reduce_sum(bias ** 2)
    if not scope:
        tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
    saver = tf.train.Saver()
    with tf.Session() as session:
        saver.restore(session, prefix)
        return {variable.op.name: session.run(variable) for variable in tf.global_variables()}
"""


def own(source: str, **arguments: Any) -> Any:
    """``main`` of a program, run by evergraph."""
    names: dict[str, Any] = {}
    exec(source, names)
    with tf.Graph().as_default():
        return names["main"](tf, np, **arguments)


def same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


def test_a_name_based_saver_restores_by_full_names(tf215: Oracle, tmp_path: Path) -> None:
    prefix, values = tf215.execute(SAVE, prefix=str(tmp_path / "m"))
    restored = own(RESTORE, prefix=prefix, scope="")
    same(restored, tf215.execute(RESTORE, prefix=prefix, scope=""))
    assert len(restored) == 9
    same(restored, {name: values[name] for name in restored})


def test_what_fits_neither_way_is_one_error(tf215: Oracle, tmp_path: Path) -> None:
    prefix, _ = tf215.execute(SAVE, prefix=str(tmp_path / "m"))
    with pytest.raises(Exception, match="NotFoundError"):
        tf215.execute(RESTORE, prefix=prefix, scope="net")
    with pytest.raises(errors.NotFoundError) as caught:
        own(RESTORE, prefix=prefix, scope="net")
    message = caught.value.message
    assert OBJECT_GRAPH_KEY not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "net/dense/kernel  (near: dense/kernel" in message
    assert "object-based" in message
    assert "without 'net/' in front" in message


def test_the_files_other_names_are_a_checkpoint_for_tensorflow(
    tf215: Oracle, tmp_path: Path
) -> None:
    prefix, values = tf215.execute(SAVE, prefix=str(tmp_path / "m"))
    with evergraph.open_checkpoint(prefix) as ckpt:
        named = ckpt.rename(ckpt.object_graph.full_name)
        evergraph.save_checkpoint(tmp_path / "named", named)
    same(
        tf215.execute(RESTORE, prefix=str(tmp_path / "named"), scope=""),
        own(RESTORE, prefix=prefix, scope=""),
    )
    assert (
        values["dense/bias"].tolist()
        == evergraph.open_checkpoint(tmp_path / "named")["dense/bias"].tolist()
    )


TF2_RESTORE = """
def main(tf, np, prefix):
    # An object-based Checkpoint reads a name-based file by the variables' names.
    with tf.variable_scope("dense"):
        kernel = tf.get_variable("kernel", [2, 2], use_resource=True)
        bias = tf.get_variable("bias", [2], use_resource=True)
    layer = tf.Module()
    layer.kernel, layer.bias = kernel, bias
    import tensorflow

    status = tensorflow.train.Checkpoint(layer=layer).read(prefix)
    with tf.Session() as session:
        status.initialize_or_restore(session)
        return {variable.op.name: session.run(variable) for variable in (kernel, bias)}
"""


def test_there_and_back(tf215: Oracle, tmp_path: Path) -> None:
    """Objects of TensorFlow, a graph here, a name-based file, objects of TensorFlow again."""
    prefix, values = tf215.execute(SAVE, prefix=str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("dense"):
            tf.get_variable("kernel", [2, 2])
            tf.get_variable("bias", [2], use_resource=True)
        report = evergraph.restore(prefix)
        assert report.complete
        assert "layer/kernel/.OPTIMIZER_SLOT/optimizer/m" in report.unexpected
        saved = tf.train.Saver().save(session, str(tmp_path / "named"))
    same(
        tf215.execute(TF2_RESTORE, prefix=saved),
        {name: values[name] for name in ("dense/kernel", "dense/bias")},
    )
