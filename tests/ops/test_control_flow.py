"""Building conds and loops: what is refused, what programs may ask for."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf
from evergraph.graph.graph import Graph
from evergraph.ops.cond import smart_cond
from evergraph.ops.control_flow import merge, switch
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def test_cond_refuses() -> None:
    x = tf.placeholder(tf.bool, [])
    one, number = (lambda: tf.constant(1.0)), (lambda: tf.constant(1))
    with pytest.raises(TypeError, match="must not be a Python bool"):
        tf.cond(True, one, one)
    with pytest.raises(TypeError, match="'false_fn' argument required"):
        tf.cond(x, one)
    with pytest.raises(TypeError, match="'true_fn' must be callable"):
        tf.cond(x, tf.constant(1.0), one)
    with pytest.raises(TypeError, match="'true_fn' and 'fn1' may not be set"):
        tf.cond(x, one, one, fn1=one)
    with pytest.raises(ValueError, match="'true_fn' must have a return value"):
        tf.cond(x, lambda: None, one)
    with pytest.raises(ValueError, match=r"must have the same type.*float32.*int32"):
        tf.cond(x, one, number)
    with pytest.raises(ValueError, match="Incompatible return values"):
        tf.cond(x, lambda: [one(), one()], lambda: [one()], strict=True)
    with pytest.raises(TypeError, match="Incompatible return types"):
        tf.cond(x, lambda: [one(), one()], lambda: (one(), one()), strict=True)


def test_cond_gives_back_the_structure() -> None:
    Point = namedtuple("Point", "x y")
    p = tf.placeholder(tf.bool, [])
    make = lambda v: lambda: {"point": Point(tf.constant(v), [tf.constant(2 * v)])}  # noqa: E731
    found = tf.cond(p, make(1), make(10))
    with Session() as session:
        assert session.run(found, {p: False}) == {"point": Point(10, [20])}


def test_only_the_branch_that_is_known_is_built(graph: Graph) -> None:
    assert smart_cond(True, lambda: 1, lambda: 2) == 1
    assert smart_cond(0, lambda: 1, lambda: 2) == 2
    assert smart_cond(tf.constant(False), lambda: 1, lambda: 2) == 2
    assert not any(op.type == "Switch" for op in graph.get_operations())
    smart_cond(tf.placeholder(tf.bool, []), lambda: tf.constant(1), lambda: tf.constant(2))
    assert any(op.type == "Switch" for op in graph.get_operations())
    with pytest.raises(TypeError, match="must be a Tensor, or a Python bool"):
        smart_cond("yes", lambda: 1, lambda: 2)


def test_what_is_in_a_branch_is_not_to_be_fetched_but_its_result_is(graph: Graph) -> None:
    p = tf.placeholder(tf.bool, [])
    inside: list[Any] = []

    def branch() -> Any:
        inside.append(tf.constant(1.0) * 2.0)
        return inside[0]

    result = tf.cond(p, branch, lambda: tf.constant(0.0))
    assert not graph.is_fetchable(inside[0])
    assert graph.is_fetchable(result)


def test_while_loop_refuses() -> None:
    less, more = (lambda i: i < 3), (lambda i: i + 1)
    with pytest.raises(TypeError, match="'cond' must be callable"):
        tf.while_loop(1, more, [0])
    with pytest.raises(TypeError, match="'body' must be callable"):
        tf.while_loop(less, 1, [0])
    with pytest.raises(TypeError, match="positive integer"):
        tf.while_loop(less, more, [0], parallel_iterations=0)
    with pytest.raises(ValueError, match="'loop_vars' must be provided"):
        tf.while_loop(less, more, [])
    with pytest.raises(ValueError, match="'maximum_iterations' must be a scalar"):
        tf.while_loop(less, more, [0], maximum_iterations=[1])
    with pytest.raises(ValueError, match="same nested structure"):
        tf.while_loop(lambda i, j: i < 3, lambda i, j: i + 1, [0, 0])


def test_a_shape_that_changes_must_be_allowed_to() -> None:
    x = tf.ones([2])
    body = lambda x: tf.concat([x, x], 0)  # noqa: E731
    with pytest.raises(
        ValueError, match=r"enters the loop with shape \(2,\), but has shape \(4,\)"
    ):
        tf.while_loop(lambda x: tf.size(x) < 9, body, [x])
    with pytest.raises(ValueError, match="shape invariant specified"):
        tf.while_loop(lambda x: tf.size(x) < 9, body, [x], shape_invariants=[tf.TensorShape([3])])
    grown = tf.while_loop(
        lambda x: tf.size(x) < 9, body, [x], shape_invariants=[tf.TensorShape([None])]
    )
    assert grown.shape.as_list() == [None]
    with Session() as session:
        assert session.run(grown).shape == (16,)


def test_slices_go_around() -> None:
    slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([5, 2]))

    def body(i: Any, rows: Any) -> Any:
        values = tf.concat([rows.values, rows.values[:1]], 0)
        return i + 1, tf.IndexedSlices(values, tf.concat([rows.indices, [i]], 0), rows.dense_shape)

    shapes = (tf.TensorShape([]), tf.TensorShape([None, 2]))
    _, rows = tf.while_loop(lambda i, _: i < 3, body, (0, slices), shape_invariants=shapes)
    chosen = tf.cond(tf.constant(True), lambda: rows, lambda: rows)
    with Session() as session:
        values, indices, shape = session.run([chosen.values, chosen.indices, chosen.dense_shape])
    assert values.shape == (4, 2)
    assert indices.tolist() == [0, 0, 1, 2]
    assert shape.tolist() == [5, 2]


def test_a_second_derivative_through_a_loop_is_refused() -> None:
    x = tf.placeholder(tf.float32, [])
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, 1.0))
    (grad,) = tf.gradients(y, x)
    with pytest.raises(TypeError, match="Second-order gradient for while loops not supported"):
        tf.gradients(grad, x)


def test_no_gradient_with_respect_to_where_a_loop_variable_comes_in() -> None:
    x = tf.placeholder(tf.float32, [])

    def body(i: Any, a: Any) -> Any:
        return i + 1, tf.gradients(a * a, x)[0]

    with pytest.raises(ValueError, match="Cannot compute gradient inside while loop"):
        tf.while_loop(lambda i, a: i < 3, body, (0, x * 2.0))


def test_a_loop_of_a_graph_def_has_no_gradient(graph: Graph) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, 1.0), name="loop")
    definition = graph.as_graph_def()
    with Graph().as_default() as copy:
        tf.import_graph_def(definition, name="")
        y, x = (copy.get_tensor_by_name(name) for name in ("loop/Exit_1:0", "x:0"))
        with pytest.raises(ValueError, match="gradients need a MetaGraph"):
            tf.gradients(y, x)


def test_what_is_in_a_loop_is_not_for_others() -> None:
    inside: list[Any] = []

    def body(i: Any) -> Any:
        inside.append(tf.identity(i, name="inside"))
        return i + 1

    tf.while_loop(lambda i: i < 3, body, [0], name="loop")
    with pytest.raises(
        ValueError, match="Cannot use 'loop/inside' as input to 'y' because 'loop/inside' is in"
    ):
        tf.negative(inside[0], name="y")
    with pytest.raises(ValueError, match="because they are in different while loops"):
        tf.while_loop(lambda i: i < 3, lambda i: i + inside[0], [0])


def test_merge_of_nothing() -> None:
    with pytest.raises(ValueError, match="one of the merge inputs is None"):
        merge([tf.constant(1), None])


def test_slices_are_merged_with_tensors() -> None:
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1], tf.int64), tf.constant([3, 2]))
    p = tf.placeholder(tf.bool, [])
    no, _ = switch(tf.zeros([3, 2]), p)
    _, yes = switch(rows, p)
    either, _ = merge([no, yes])
    with Session() as session:
        assert session.run(either.indices, {p: True}).tolist() == [1]
        assert session.run(either.indices, {p: False}).tolist() == [0, 1, 2]


def test_case_refuses() -> None:
    p = tf.placeholder(tf.bool, [], name="p")
    with pytest.raises(TypeError, match="must be a list, tuple, or dict"):
        tf.case(p)
    with pytest.raises(TypeError, match="must be a 2-tuple"):
        tf.case([p])
    with pytest.raises(TypeError, match="pred must be a Tensor"):
        tf.case([(True, lambda: 1)])
    with pytest.raises(TypeError, match="pred must be Tensor of type bool"):
        tf.case([(tf.constant(1), lambda: 1)])
    with pytest.raises(TypeError, match="fn for pred p:0 must be callable"):
        tf.case([(p, 1)])


def test_case_says_in_a_run_that_its_predicates_do_not_fit() -> None:
    x = tf.placeholder(tf.float32, [])
    one, two = (lambda: tf.constant(1)), (lambda: tf.constant(2))
    exclusive = tf.case([(x < 2.0, one), (x < 3.0, two)], default=one, exclusive=True)
    without = tf.case([(x < 2.0, one), (x > 3.0, two)])
    with Session() as session:
        assert session.run(exclusive, {x: 2.5}) == 2
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than 1 conditions"):
            session.run(exclusive, {x: 1.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions evaluated"):
            session.run(without, {x: 2.5})


def test_group_and_tuple() -> None:
    ran: list[str] = []

    def note(text: str) -> Any:
        return tf.py_func(lambda: ran.append(text) or np.int64(1), [], tf.int64)

    a, b = note("a"), note("b")
    both = tf.group(a, [b], name="both")
    assert both.type == "NoOp"
    one, _ = tf.tuple([tf.constant(1.0), None], control_inputs=[a])
    with Session() as session:
        session.run(both)
        assert sorted(ran) == ["a", "b"]
        ran.clear()
        assert session.run(one) == 1.0
        assert ran == ["a"]
    with pytest.raises(ValueError, match="Unknown keyword arguments: speed"):
        tf.group(a, speed=1)
    with pytest.raises(TypeError, match="should be zero or more"):
        tf.group(1)
    with pytest.raises(ValueError, match="at least one Tensor"):
        tf.tuple([None])
    with pytest.raises(TypeError, match="must only contain Operation or Tensor"):
        tf.tuple([a], control_inputs=[1])


def test_a_group_over_devices_is_a_tree(graph: Graph) -> None:
    made = []
    for device in ("/cpu:0", "/cpu:1", "/cpu:0"):
        with tf.device(device):
            made.append(tf.constant(1.0))
    whole = tf.group(*made)
    assert [op.device for op in whole.control_inputs] == ["/device:CPU:0", "/device:CPU:1"]
    assert [len(op.control_inputs) for op in whole.control_inputs] == [2, 1]
