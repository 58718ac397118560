"""What bounds the runs of a graph that somebody else made."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.graph import room
from evergraph.runtime.memory import RunMemory

MEGABYTE = 1 << 20


@pytest.fixture
def graph():
    with tf.Graph().as_default() as made:
        yield made


def limited(**limits) -> tf.Session:
    session = tf.Session()
    session.limit(**limits)
    return session


def test_values_larger_than_allowed(graph) -> None:
    size = tf.placeholder(tf.int32, [1])
    filled = tf.fill(size, 1.0)
    with limited(bytes=MEGABYTE) as sess:
        assert sess.run(filled, {size: [1000]}).shape == (1000,)
        with pytest.raises(errors.ResourceExhaustedError, match=r"4,000,000,000 of them"):
            sess.run(filled, {size: [1_000_000_000]})


def test_static_shapes_are_refused_before_anything_runs(graph) -> None:
    made = tf.zeros([1 << 20, 1 << 20])
    with limited(bytes=MEGABYTE) as sess, pytest.raises(errors.ResourceExhaustedError):
        sess.run(made + 1)


def test_many_values_at_a_time(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    values = [tf.exp(x + i) for i in range(8)]
    total = tf.add_n(values)
    feed = {x: np.zeros(100_000, np.float32)}
    with limited(bytes=2 * MEGABYTE) as sess, pytest.raises(errors.ResourceExhaustedError):
        sess.run(total, feed)
    with limited(bytes=16 * MEGABYTE) as sess:
        np.testing.assert_allclose(sess.run(total, feed)[0], np.exp(np.arange(8)).sum(), rtol=1e-5)


def test_values_that_are_gone_do_not_count(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    value = x
    for _ in range(50):
        value = tf.exp(-value)
    with limited(bytes=2 * MEGABYTE) as sess:
        for _ in range(3):
            sess.run(value, {x: np.zeros(100_000, np.float32)})


def test_views_count_once(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    value = tf.exp(x)
    views = [tf.reshape(value, [-1, 10]) for _ in range(50)]
    with limited(bytes=MEGABYTE) as sess:
        sess.run(views, {x: np.zeros(100_000, np.float32)})


def test_results_of_the_runs_before_do_not_count(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    value = tf.exp(x)
    with limited(bytes=MEGABYTE) as sess:
        kept = [sess.run(value, {x: np.zeros(100_000, np.float32)}) for _ in range(20)]
    assert len(kept) == 20


def test_loop_that_grows(graph) -> None:
    grown = tf.while_loop(
        lambda x: tf.size(x) > 0,
        lambda x: tf.concat([x, x], 0),
        [tf.ones([1])],
        [tf.TensorShape([None])],
    )
    with limited(bytes=MEGABYTE) as sess, pytest.raises(errors.ResourceExhaustedError):
        sess.run(grown)


def test_array_that_grows(graph) -> None:
    """Many small values, each of them held."""

    def body(i, array):
        return i + 1, array.write(i, tf.cast(i, tf.float32))

    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False)
    _, filled = tf.while_loop(lambda i, _: i < 100_000, body, (0, array))
    with limited(bytes=MEGABYTE) as sess, pytest.raises(errors.ResourceExhaustedError):
        sess.run(filled.size())


def test_steps(graph) -> None:
    most = tf.placeholder(tf.int32, [])
    last = tf.while_loop(lambda i: i < most, lambda i: i + 1, [0])
    with limited(steps=100) as sess:
        assert sess.run(last, {most: 90}) == 90
        assert sess.run(last, {most: 90}) == 90  # Each run has as many.
        with pytest.raises(errors.ResourceExhaustedError, match="more steps"):
            sess.run(last, {most: 200})


def test_seconds_without_a_loop(graph) -> None:
    """Time is looked at before each operation."""
    value = tf.placeholder(tf.float32, [400, 400])
    result = value
    for _ in range(20_000):
        result = tf.matmul(result, value)
    feed = {value: np.zeros((400, 400), np.float32)}
    with limited(seconds=0.05) as sess, pytest.raises(errors.DeadlineExceededError):
        sess.run(result, feed)


def test_preparing_a_run_counts(graph) -> None:
    """What is constant is computed when the plan is made."""
    fills = [tf.exp(tf.fill([1 << 18], float(i))) for i in range(50)]
    with limited(bytes=4 * MEGABYTE) as sess, pytest.raises(errors.ResourceExhaustedError):
        sess.run(tf.add_n(fills))


def test_limits_can_be_lifted(graph) -> None:
    filled = tf.fill([MEGABYTE], 1.0)
    with limited(bytes=MEGABYTE) as sess:
        with pytest.raises(errors.ResourceExhaustedError):
            sess.run(filled)
        sess.limit()
        assert sess.run(filled).size == MEGABYTE


def test_make_callable_and_partial_runs_are_bounded(graph) -> None:
    size = tf.placeholder(tf.int32, [1])
    filled = tf.fill(size, 1.0)
    with limited(bytes=MEGABYTE) as sess:
        call = sess.make_callable(filled, [size])
        with pytest.raises(errors.ResourceExhaustedError):
            call([MEGABYTE])
        handle = sess.partial_run_setup([filled], [size])
        with pytest.raises(errors.ResourceExhaustedError):
            sess.partial_run(handle, filled, {size: [MEGABYTE]})


def test_strings_are_as_large_as_they_are(graph) -> None:
    text = tf.placeholder(tf.string, [])
    joined = tf.string_join([text] * 100)
    with limited(bytes=MEGABYTE) as sess:
        assert len(sess.run(joined, {text: b"a" * 1000})) == 100_000
        with pytest.raises(errors.ResourceExhaustedError):
            sess.run(joined, {text: b"a" * 100_000})


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|a)*b", r"a*a*a*b", r"(a?){30}a{30}", r"(a)\1*"]
)
def test_expressions_that_may_take_for_ever(graph, pattern: str) -> None:
    text = tf.placeholder(tf.string, [])
    replaced = tf.regex_replace(text, pattern, "")
    with limited(bytes=MEGABYTE) as sess, pytest.raises(errors.OpError):
        sess.run(replaced, {text: b"a" * 40})


@pytest.mark.parametrize("pattern", [r"[^a-z]+", r"\s+$", r"(one|two)", r"a*b*", r"[!\"#$%&]"])
def test_usual_expressions(graph, pattern: str) -> None:
    text = tf.placeholder(tf.string, [])
    replaced = tf.regex_replace(text, pattern, "")
    with limited(bytes=MEGABYTE) as sess:
        sess.run(replaced, {text: b"one two! "})


def test_memory_is_given_back() -> None:
    memory = RunMemory(10 * MEGABYTE)
    array = np.zeros(MEGABYTE, np.uint8)
    memory.made((array, array[:10], array.reshape(2, -1)))
    with pytest.raises(errors.ResourceExhaustedError):
        memory.reserve(9 * MEGABYTE + 1)
    del array
    gc.collect()
    memory.reserve(10 * MEGABYTE)


def test_a_view_of_one_element_takes_one_element() -> None:
    memory = RunMemory(MEGABYTE)
    memory.made(np.broadcast_to(np.float32(1), (1 << 40,)))
    memory.reserve(MEGABYTE - 100)


def test_room_is_of_the_run(graph) -> None:
    assert not room.is_bounded()
    room.reserve(1 << 60)
    with limited(bytes=MEGABYTE) as sess:
        assert sess.run(tf.py_func(lambda: np.bool_(room.is_bounded()), [], tf.bool))
    assert not room.is_bounded()
