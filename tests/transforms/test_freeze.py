"""Freezing: variables become constants, in every form that variables have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf
from evergraph.transforms.freeze_checkpoint import freeze
from evergraph.transforms.subgraph import candidate_outputs


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def frozen_value(graph_def: Any, fetch: str, feed: dict[str, Any]) -> Any:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        kinds = {op.type for op in graph.get_operations()}
        assert not any("Variable" in kind or kind == "VarHandleOp" for kind in kinds)
        with tf.Session() as session:
            return session.run(fetch, feed)


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_a_frozen_graph_gives_the_same(resource: bool) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2], use_resource=resource)
    y = tf.nn.relu(tf.matmul(x, w) + 1.0, name="y")
    tf.train.AdamOptimizer().minimize(tf.reduce_sum(y))
    feed = {"x:0": np.arange(6.0).reshape(2, 3)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        expected = session.run(y, feed)
        graph_def = tf.graph_util.convert_variables_to_constants(
            session, tf.get_default_graph().as_graph_def(), ["y"]
        )
    assert {node.name for node in graph_def.node} <= {
        op.name for op in tf.get_default_graph().get_operations()
    }
    np.testing.assert_array_equal(frozen_value(graph_def, "y:0", feed), expected)


def test_gather_from_a_resource() -> None:
    table = tf.get_variable("table", initializer=np.arange(8.0).reshape(4, 2), use_resource=True)
    tf.gather(table, tf.constant([2, 0]), name="rows")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        graph_def = tf.graph_util.convert_variables_to_constants(
            session, session.graph_def, ["rows"]
        )
    assert frozen_value(graph_def, "rows:0", {}).tolist() == [[4.0, 5.0], [0.0, 1.0]]


def test_updates_on_the_way_become_values() -> None:
    mean = tf.Variable([2.0], name="mean", use_resource=False)
    updated = tf.assign_sub(mean, [0.5])
    tf.identity(updated, name="y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        graph_def = tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["y"])
    assert {node.op for node in graph_def.node} == {"Const", "Sub", "Identity"}
    assert frozen_value(graph_def, "y:0", {}).tolist() == [1.5]


def test_some_variables_may_be_left() -> None:
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    tf.add(a, b, name="y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for options in ({"variable_names_whitelist": ["a"]}, {"variable_names_blacklist": ["b"]}):
            graph_def = tf.graph_util.convert_variables_to_constants(
                session, session.graph_def, ["y"], **options
            )
            kinds = {node.name: node.op for node in graph_def.node}
            assert (kinds["a"], kinds["b"]) == ("Const", "VariableV2")


def test_names_are_taken_in_any_form() -> None:
    tf.identity(tf.Variable(1.0, name="a"), name="scope/out")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        graph_def = tf.graph_util.convert_variables_to_constants(
            session, session.graph_def, ["scope/out:0"]
        )
        assert [node.name for node in graph_def.node] == ["a", "a/read", "scope/out"]
        with pytest.raises(AssertionError, match=r"out is not in graph.*scope/out"):
            tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["out"])


def test_an_uninitialized_variable_is_refused() -> None:
    tf.identity(tf.Variable(1.0, name="a"), name="y")
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError):
        tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["y"])


def test_extract_sub_graph() -> None:
    a = tf.constant(1.0, name="a")
    b = tf.identity(a, name="b")
    with tf.control_dependencies([b]):
        tf.identity(a, name="c")
    tf.identity(a, name="d")
    part = tf.graph_util.extract_sub_graph(tf.get_default_graph().as_graph_def(), ["c"])
    assert [node.name for node in part.node] == ["a", "b", "c"]
    with pytest.raises(TypeError):
        tf.graph_util.extract_sub_graph(tf.get_default_graph().as_graph_def(), "c")


def test_remove_training_nodes() -> None:
    a = tf.constant([1.0], name="a")
    checked = tf.check_numerics(tf.identity(a, name="b"), "bad", name="check")
    tf.negative(checked, name="c")
    graph_def = tf.graph_util.remove_training_nodes(tf.get_default_graph().as_graph_def())
    assert [(node.name, list(node.input)) for node in graph_def.node] == [("a", []), ("c", ["a"])]
    kept = tf.graph_util.remove_training_nodes(tf.get_default_graph().as_graph_def(), ["b"])
    assert [node.name for node in kept.node] == ["a", "b", "c"]


def test_outputs_are_worked_out(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    labels = tf.placeholder(tf.float32, [None, 2], name="labels")
    w = tf.Variable(tf.ones([2, 2]), name="w")
    logits = tf.matmul(x, w)
    tf.nn.softmax(logits, name="probabilities")
    loss = tf.reduce_mean(tf.square(logits - labels))
    tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "model"))
        candidates = candidate_outputs(session.graph_def.node)
    assert candidates[0] == "probabilities"
    assert not any(name.startswith(("save", "gradients", "w")) for name in candidates)
    result = freeze(tmp_path)
    assert result.outputs == ["probabilities"]
    assert result.inputs == ["x"]
    feed = {"x:0": [[1.0, 1.0]]}
    assert frozen_value(result.graph_def, "probabilities:0", feed).tolist() == [[0.5, 0.5]]
