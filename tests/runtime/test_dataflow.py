"""What a plan with control flow does: what is alive, which loop a node is in, odd graphs, errors, limits."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph import tf1 as tf
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.ops.control_flow import (
    Enter,
    Exit,
    LoopCond,
    Merge,
    NextIteration,
    Switch,
    SwitchN,
)
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


def loop(limit: float, step: Any, name: str = "loop") -> Any:
    """``x = 0; while x < limit: x = step(x)``, of the bare ops."""
    inside = Enter(tf.constant(limit), frame_name=name, is_constant=True)
    head, _ = Merge([Enter(tf.constant(0.0), frame_name=name)] * 2)
    done, going = Switch(head, LoopCond(tf.less(head, inside)))
    head.op._update_input(1, NextIteration(step(going)))
    return Exit(done)


# What is alive


def test_a_branch_that_is_not_taken_does_not_run() -> None:
    ran: list[int] = []

    def note(i: int) -> Any:
        return tf.py_func(lambda: ran.append(i) or np.int64(i), [], tf.int64)

    chosen = tf.placeholder(tf.bool, [])
    value = tf.cond(chosen, lambda: note(1), lambda: note(2))
    assert run(value, {chosen: True}) == 1
    assert ran == [1]
    assert run(value, {chosen: False}) == 2
    assert ran == [1, 2]


def test_a_value_of_a_branch_that_is_not_taken_is_not_there() -> None:
    no, yes = Switch(tf.constant(7.0), tf.placeholder(tf.bool, [], name="p"), name="choice")
    assert run(no, {"p:0": False}) == 7.0
    with pytest.raises(
        errors.InvalidArgumentError, match=r"does not have value.*'choice:1' is in a branch"
    ):
        run(yes, {"p:0": False})


def test_what_waits_for_a_dead_operation_is_dead() -> None:
    no, yes = Switch(tf.constant(7.0), tf.constant(True))
    with tf.control_dependencies([tf.identity(no)]):
        late = tf.constant(1.0)
    either, index = Merge([late, yes])
    assert run([either, index]) == [7.0, 1]


def test_merge_hands_on_what_is_alive_among_unrelated_values() -> None:
    first, second = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    _, a = Switch(tf.constant(1.0), first)
    _, b = Switch(tf.constant(2.0), second)
    either, index = Merge([a, b])
    behind = either + 0.5
    assert run([behind, index], {first: False, second: True}) == [2.5, 1]
    assert run([behind, index], {first: True, second: False}) == [1.5, 0]
    with pytest.raises(errors.InvalidArgumentError, match="does not have value"):
        run(behind, {first: False, second: False})


def test_switch_among_several() -> None:
    chosen = tf.placeholder(tf.int32, [])
    outputs = SwitchN(tf.constant(5.0), chosen, num_outs=3, name="switch")
    value, index = Merge([tf.identity(output) for output in outputs])
    assert run([value, index], {chosen: 1}) == [5.0, 1]
    assert run([value, index], {chosen: 9}) == [5.0, 2]  # no such branch: the last one


def test_a_condition_must_be_one_value() -> None:
    chosen = tf.placeholder(tf.bool)
    value = tf.cond(chosen, lambda: tf.constant(1), lambda: tf.constant(2))
    with pytest.raises(errors.InvalidArgumentError, match=r"must be a scalar, but it has shape"):
        run(value, {chosen: [True, False]})


def test_values_that_are_fed_are_not_computed() -> None:
    chosen = tf.placeholder(tf.bool, [])
    value = tf.cond(chosen, lambda: tf.constant(1.0, name="one") * 2.0, lambda: tf.constant(2.0))
    outside = tf.identity(value) + 1.0
    assert run(outside, {chosen: True, value: 10.0}) == 11.0


def test_a_variable_that_is_not_initialized_is_only_read_where_it_is_taken() -> None:
    v = tf.Variable(3.0, use_resource=False)
    ready = tf.is_variable_initialized(v)
    value = tf.cond(ready, v.read_value, lambda: tf.constant(-1.0))
    with Session() as session:
        assert session.run(value) == -1.0
        session.run(v.initializer)
        assert session.run(value) == 3.0


# Loops


def test_a_loop_of_the_bare_operations() -> None:
    assert run(loop(10.0, lambda x: x + 3.0)) == 12.0


def test_a_constant_that_nothing_ties_to_the_loop() -> None:
    """TensorFlow refuses this graph; optimizers make it, by taking off control edges."""
    assert run(loop(10.0, lambda x: x + tf.constant(4.0))) == 12.0


def test_two_loops_of_one_name_are_two(graph: Graph) -> None:
    tf.identity(loop(10.0, lambda x: x + 3.0), name="out")
    definition = graph.as_graph_def()
    with Graph().as_default() as both:
        import_graph_def(definition, name="a")
        import_graph_def(definition, name="b", input_map=None)
        total = both.get_tensor_by_name("a/out:0") * both.get_tensor_by_name("b/out:0")
        assert run(total) == 144.0


def test_one_loop_begins_with_the_result_of_another_of_its_name() -> None:
    first = loop(10.0, lambda x: x + 3.0)
    start = Enter(first, frame_name="loop")
    head, _ = Merge([start, start])
    done, going = Switch(head, LoopCond(head < 30.0))
    head.op._update_input(1, NextIteration(going * 2.0))
    assert run(Exit(done)) == 48.0


def test_loop_variables_that_go_around_under_different_conditions() -> None:
    """One variable stops going around before the other does."""
    i = Enter(tf.constant(0), frame_name="odd")
    a = Enter(tf.constant(1.0), frame_name="odd")
    head_i, _ = Merge([i, i])
    head_a, _ = Merge([a, a])
    more = LoopCond(head_i < 5)
    done_i, going_i = Switch(head_i, more)
    _, going_a = Switch(head_a, more)
    _, some = Switch(going_a, tf.less(going_i, 2))
    head_i.op._update_input(1, NextIteration(going_i + 1))
    head_a.op._update_input(1, NextIteration(some * 3.0))
    assert run(Exit(done_i)) == 5


def test_which_value_a_loop_begins_with() -> None:
    """The index that the Merge at the head of a loop gives: 0 in the first iteration, 1 in all others."""
    start = Enter(tf.constant(0), frame_name="f")
    count = Enter(tf.constant(0), frame_name="f")
    head, index = Merge([start, start])
    total, _ = Merge([count, count])
    more = LoopCond(head < 4)
    _, going = Switch(head, more)
    done, so_far = Switch(total, more)
    head.op._update_input(1, NextIteration(going + 1))
    total.op._update_input(1, NextIteration(so_far + index))
    assert run(Exit(done)) == 3


def test_a_tensor_of_a_loop_may_be_fed(graph: Graph) -> None:
    loop(10.0, lambda x: tf.add(x, 3.0, name="step"))
    copy = Graph()
    with copy.as_default():
        import_graph_def(graph.as_graph_def(), name="")
        result = copy.get_tensor_by_name("Exit:0")
        assert run(result, {"step/y:0": 7.0}) == 14.0
        with pytest.raises(errors.InvalidArgumentError, match="the loop 'loop' never ends"):
            run(result, {"step:0": 11.0})


def test_a_large_loop_is_no_deep_recursion() -> None:
    i = tf.while_loop(lambda i: i < 5000, lambda i: i + 1, [0])
    assert run(i) == 5000


def test_runs_at_once() -> None:
    n = tf.placeholder(tf.int32, [])
    i, total = tf.while_loop(lambda i, _: i < n, lambda i, t: (i + 1, t + i), (0, 0))
    found: dict[int, Any] = {}
    with Session() as session:
        session.run(total, {n: 1})

        def call(count: int) -> None:
            found[count] = session.run([i, total], {n: count})

        threads = [threading.Thread(target=call, args=(100 * k,)) for k in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {100 * k: [100 * k, 50 * k * (100 * k - 1)] for k in range(1, 6)}


# Errors


def test_an_error_in_a_loop_names_its_node() -> None:
    with tf.name_scope("outer"):
        body = lambda i: tf.gather([1, 2, 3], i + 2, name="pick")  # noqa: E731
        last = tf.while_loop(lambda i: i < 10, body, [0])
    with pytest.raises(errors.InvalidArgumentError, match=r"outer/while/pick") as caught:
        run(last)
    assert caught.value.op.type == "GatherV2"


def test_fetching_inside_of_a_loop_says_what_to_fetch(graph: Graph) -> None:
    loop(10.0, lambda x: tf.add(x, 3.0, name="step"))
    with Graph().as_default() as copy:
        import_graph_def(graph.as_graph_def(), name="")
        with pytest.raises(errors.InvalidArgumentError, match="'step:0' is inside a loop"):
            run(copy.get_tensor_by_name("step:0"))


def test_values_of_two_loops_do_not_meet() -> None:
    seen: list[Any] = []
    loop(10.0, lambda x: seen.append(x) or x + 3.0, "one")
    loop(10.0, lambda x: seen.append(x) or x + 3.0, "two")
    both = tf.add(*seen, name="both")
    with pytest.raises(errors.InvalidArgumentError, match=r"'both'.*inputs from different loops"):
        run(both)


def test_a_loop_that_needs_its_own_result() -> None:
    result = loop(10.0, lambda x: x + 3.0)
    start = Enter(result, frame_name="loop")
    head, _ = Merge([start, start])
    more = tf.get_default_graph().get_tensor_by_name("LoopCond:0")
    done, going = Switch(head, more)
    head.op._update_input(1, NextIteration(going))
    with pytest.raises(errors.InvalidArgumentError, match="needs its own result, 'Exit'"):
        run(Exit(done))


def test_an_exit_outside_of_any_loop() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="is in no loop that it could leave"):
        run(Exit(tf.constant(1.0)))


def test_a_run_that_takes_too_long_is_ended() -> None:
    forever = tf.while_loop(lambda i: i >= 0, lambda i: i * 1, [0])
    with pytest.raises(errors.DeadlineExceededError), Session() as session:
        session.run(forever, options=tf.RunOptions(timeout_in_ms=50))


def test_closing_the_session_ends_a_loop() -> None:
    forever = tf.while_loop(lambda i: i >= 0, lambda i: i * 1, [0])
    session = Session()
    timer = threading.Timer(0.05, session.close)
    timer.start()
    with pytest.raises(errors.CancelledError):
        session.run(forever)
    timer.join()
