"""MetaGraphs that went through evergraph, in the hands of TensorFlow: they import and run as the files they came from,
and contexts of control flow that came out of a file serve in both as they do there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.graph_file import read_meta_graph
from evergraph.formats.protos import CondContextDef, MetaGraphDef, WhileContextDef
from evergraph.graph.graph import Graph
from tests.manifest.entries import entries, feed
from tests.oracle.client import Oracle, OracleError

pytestmark = pytest.mark.oracle

_AGAIN = """
def main(tf, np, path):
    with tf.Graph().as_default():
        tf.train.import_meta_graph(path)
        return tf.train.export_meta_graph().SerializeToString(deterministic=True)
"""
_RUN = """
def main(tf, np, path, checkpoint, feeds, fetches):
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path, clear_devices=True)
        if checkpoint:
            saver.restore(session, checkpoint)
        return session.run(fetches, feeds)
"""


@pytest.mark.shared
def test_files_as_they_were(tf215: Oracle, shared: Path, tmp_path: Path) -> None:
    imported, ran = 0, 0
    for entry in entries(shared / "data").values():
        if entry.kind != "meta":
            continue
        ours = str(tmp_path / "ours.meta")
        with Graph().as_default():
            tf1.train.import_meta_graph(str(entry.path))
            tf1.train.export_meta_graph(ours)
        found = [again(tf215, path) for path in (str(entry.path), ours)]
        assert found[0] == found[1], entry.id
        if isinstance(found[0], str) or "run" not in entry.facts:
            continue
        imported += 1
        run = entry.facts["run"]
        arguments = {
            "checkpoint": str(entry.checkpoint) if entry.facts["restored"] else None,
            "feeds": {name: feed(entry, fact) for name, fact in run["feeds"].items()},
            "fetches": [fact["name"] for fact in run["outputs"] if fact["deterministic"]],
        }
        values = [tf215.execute(_RUN, path=path, **arguments) for path in (str(entry.path), ours)]
        for one, other in zip(*values, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=entry.id)
            ran += 1
    assert imported >= 15
    assert ran >= 20


def again(oracle: Oracle, path: str) -> Any:
    """What TensorFlow makes of a file, its nodes in order of their names; or how it refuses it."""
    try:
        message = MetaGraphDef.FromString(oracle.execute(_AGAIN, path=path))
    except OracleError as error:
        return error.message.replace(path, "")
    nodes = sorted(message.graph_def.node, key=lambda node: node.name)
    del message.graph_def.node[:]
    message.graph_def.node.extend(nodes)
    return message


# --------------------------------------------------------------------------------- control flow

_LOOPS = """
def main(tf, np, path):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name="x")
        w = tf.Variable(1.5, name="w")
        _, product = tf.while_loop(
            lambda i, p: i < 4, lambda i, p: (i + 1, p * x * w), [0, tf.ones([])], name="power"
        )
        chosen = tf.cond(product > 3.0, lambda: product * product, lambda: -product * w, name="branch")
        tf.identity(chosen, name="y")
        tf.train.export_meta_graph(path)
"""
_GROW = """
def main(tf, np, path, grown):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(path)
        y, x = graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0")
        w = tf.trainable_variables()[0]
        # Gradients go through the imported loop and branches; an op made inside one joins it.
        slopes = tf.gradients(y, [x, w])
        (context,) = [c for c in tf.get_collection("while_context") if c.name.startswith("power")]
        session.run("w/Assign")
        feeds = [{x: value} for value in (0.5, 2.0)]
        found = [session.run([y, *slopes], each) for each in feeds]
        message = tf.train.export_meta_graph(grown)
        kinds = {key: len(d.bytes_list.value) for key, d in message.collection_def.items()}
        return found, sorted(kinds.items()), len(context._values)
"""


def here(source: str, **arguments: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["main"](tf1, np, **arguments)


@pytest.mark.parametrize("writer", ["evergraph", "tensorflow"])
def test_contexts_from_a_file(tf215: Oracle, tmp_path: Path, writer: str) -> None:
    path = str(tmp_path / "loops.meta")
    if writer == "evergraph":
        here(_LOOPS, path=path)
    else:
        tf215.execute(_LOOPS, path=path)
    ours = here(_GROW, path=path, grown=str(tmp_path / "ours.meta"))
    theirs = tf215.execute(_GROW, path=path, grown=str(tmp_path / "theirs.meta"))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert [tuple(each) for each in theirs[1]] == ours[1]
    assert ours[2] == theirs[2]
    for key, kind in (("cond_context", CondContextDef), ("while_context", WhileContextDef)):
        contexts = [
            sorted(
                (context.context_name, values(context))
                for context in map(kind.FromString, message.collection_def[key].bytes_list.value)
            )
            for message in (
                read_meta_graph(str(tmp_path / name)) for name in ("ours.meta", "theirs.meta")
            )
        ]
        assert contexts[0] == contexts[1]


def values(context: Any) -> list[str]:
    """What lies in a context, without what gradients added: their names are our own."""
    return sorted(v for v in context.values_def.values if not v.startswith("gradients/"))


@pytest.mark.parametrize("scope", [None, "inner"])
def test_grown_here_goes_on_there(tf215: Oracle, tmp_path: Path, scope: str | None) -> None:
    """Gradients made here within imported contexts run in TensorFlow, which can go through them again."""
    path, grown = str(tmp_path / "loops.meta"), str(tmp_path / "grown.meta")
    tf215.execute(_LOOPS, path=path)
    prefix = f"{scope}/" if scope else ""
    with Graph().as_default() as graph:
        tf1.train.import_meta_graph(path, import_scope=scope)
        y, x = (graph.get_tensor_by_name(f"{prefix}{name}:0") for name in "yx")
        tf1.identity(tf1.gradients(y, x)[0], name="slope")
        tf1.train.export_meta_graph(grown)
    source = f"""
def main(tf, np, path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(path)
        x = graph.get_tensor_by_name("{prefix}x:0")
        again = tf.gradients(graph.get_tensor_by_name("{prefix}y:0"), x, name="again")[0]
        session.run("{prefix}w/Assign")
        return [session.run(["slope:0", again], {{x: value}}) for value in (0.5, 2.0)]
"""
    for made_here, made_there in tf215.execute(source, path=grown):
        np.testing.assert_allclose(made_here, made_there, rtol=1e-6)
