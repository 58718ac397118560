"""Queue runners, the coordinator that stops them, and looper threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from evergraph import tf1 as tf

WAIT = 20.0  # seconds after which something is wrong


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def counting(limit: int) -> Any:
    """A queue that two threads fill with the numbers up to ``limit``."""
    counter = tf.get_variable("counter", [], tf.int64, initializer=tf.zeros_initializer())
    with tf.control_dependencies([counter.initialized_value()]):
        step = counter.count_up_to(limit)
    queue = tf.FIFOQueue(4, tf.int64, shapes=[()], name="numbers")
    enqueue = queue.enqueue(step)
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue] * 2))
    return queue


def take_all(session: Any, coord: Any, dequeue: Any) -> list[int]:
    found = []
    try:
        while not coord.should_stop():
            found.append(int(session.run(dequeue)))
    except tf.errors.OutOfRangeError:
        coord.request_stop()
    return found


def test_to_the_end_of_the_input() -> None:
    dequeue = counting(20).dequeue()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(coord=coord)
        assert [thread.name for thread in threads] == [
            "QueueRunnerThread-numbers-numbers_enqueue",
            "QueueRunnerThread-numbers-numbers_enqueue",
            "QueueRunnerThread-numbers-close_on_stop",
        ]
        assert all(thread.daemon for thread in threads)
        assert sorted(take_all(session, coord, dequeue)) == list(range(20))
        coord.join(threads, stop_grace_period_secs=WAIT)
        assert coord.joined


def test_a_stop_frees_threads_that_wait() -> None:
    queue = counting(10**9)
    dequeue = queue.dequeue()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        runner = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)[0]
        assert runner.create_threads(session, coord) == []  # they run already
        session.run(dequeue)
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=WAIT)
        assert session.run(queue.is_closed())


def test_errors_reach_whoever_joins() -> None:
    x = tf.placeholder(tf.float32, [])
    queue = tf.FIFOQueue(4, tf.float32)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(x)])
    with tf.Session() as session:
        coord = tf.train.Coordinator()
        threads = runner.create_threads(session, coord, start=True)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Placeholder"):
            coord.join(threads, stop_grace_period_secs=WAIT)
        assert runner.exceptions_raised == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_errors_without_a_coordinator() -> None:
    queue = tf.FIFOQueue(4, tf.float32)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(tf.placeholder(tf.float32, []))])
    with tf.Session() as session:
        for thread in runner.create_threads(session, start=True):
            thread.join(WAIT)
    (error,) = runner.exceptions_raised
    assert isinstance(error, tf.errors.InvalidArgumentError)


def test_through_a_meta_graph() -> None:
    counting(6).dequeue(name="take")
    (runner,) = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
    message = tf.train.export_meta_graph()
    (stored,) = message.collection_def["queue_runners"].bytes_list.value
    assert runner.to_proto().SerializeToString() == stored
    for scope in (None, "inner"):
        with tf.Graph().as_default() as graph, tf.Session() as session:
            tf.train.import_meta_graph(message, import_scope=scope)
            prefix = f"{scope}/" if scope else ""
            (again,) = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
            assert again.name == f"{prefix}numbers"
            assert again.to_proto(export_scope=scope) == runner.to_proto()
            session.run(tf.global_variables_initializer())
            coord = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coord)
            dequeue = graph.get_tensor_by_name(f"{prefix}take:0")
            assert sorted(take_all(session, coord, dequeue)) == list(range(6))
            coord.join(threads, stop_grace_period_secs=WAIT)
    assert runner.to_proto(export_scope="elsewhere") is None


def test_what_a_runner_refuses() -> None:
    queue = tf.FIFOQueue(4, tf.float32)
    enqueue = queue.enqueue(1.0)
    runner = tf.train.QueueRunner(
        queue,
        [enqueue],
        queue_closed_exception_types=(tf.errors.OutOfRangeError, tf.errors.CancelledError),
    )
    assert list(runner.to_proto().queue_closed_exception_types) == [11, 1]
    with pytest.raises(ValueError, match="Must provide"):
        tf.train.QueueRunner(queue)
    with pytest.raises(ValueError, match="mutually exclusive"):
        tf.train.QueueRunner(queue, [enqueue], queue_runner_def=runner.to_proto())
    for types in ((), (ValueError,), tf.errors.OutOfRangeError):
        with pytest.raises(TypeError, match=r"tf\.error types"):
            tf.train.QueueRunner(queue, [enqueue], queue_closed_exception_types=types)
    with pytest.raises(ValueError, match="No default session"):
        tf.train.start_queue_runners()
    with pytest.raises(TypeError, match=r"tf\.Session"):
        tf.train.start_queue_runners(sess="a session")


# ------------------------------------------------------------------------------------ coordinator


def test_the_first_error_counts() -> None:
    coord = tf.train.Coordinator()
    first = KeyError("first")
    coord.request_stop(first)
    coord.request_stop(ValueError("second"))
    for call in (coord.raise_requested_exception, coord.join):
        with pytest.raises(KeyError, match="first"):
            call()
    with pytest.raises(ValueError, match="late"):
        coord.request_stop(ValueError("late"))  # nobody would hear of it
    coord.clear_stop()
    assert not coord.should_stop()
    coord.join()
    coord.clear_stop()
    coord.request_stop(("no", "error"))
    with pytest.raises(ValueError, match=r"sys\.exc_info"):
        coord.join()


def test_the_end_of_input_is_no_error() -> None:
    coord = tf.train.Coordinator()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    assert coord.should_stop()
    coord.join()
    coord = tf.train.Coordinator(clean_stop_exception_types=(StopIteration,))
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    with pytest.raises(tf.errors.OutOfRangeError):
        coord.join()


def test_threads_that_do_not_stop() -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name="stubborn", daemon=True)
    thread.start()
    coord = tf.train.Coordinator()
    coord.register_thread(thread)
    coord.request_stop()
    with pytest.raises(RuntimeError, match="stubborn"):
        coord.join(stop_grace_period_secs=0.01)
    coord.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    go_on.set()
    thread.join(WAIT)


@pytest.mark.parametrize("interval", [None, 0.001])
def test_looper(interval: float | None) -> None:
    coord = tf.train.Coordinator()
    calls: list[Any] = []

    def call(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))
        if len(calls) == 5:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, interval, call, args=(1,), kwargs={"a": 2})
    coord.join(stop_grace_period_secs=WAIT)
    assert calls == [((1,), {"a": 2})] * 5


def test_looper_that_inherits() -> None:
    steps = []

    class Looper(tf.train.LooperThread):
        def start_loop(self) -> None:
            steps.append("start")

        def run_loop(self) -> None:
            steps.append("run")
            raise KeyError("broken")

    coord = tf.train.Coordinator()
    Looper(coord, None).start()
    with pytest.raises(KeyError, match="broken"):
        coord.join(stop_grace_period_secs=WAIT)
    assert steps == ["start", "run"]
    with pytest.raises(ValueError, match="Coordinator"):
        tf.train.LooperThread(None, 1)
    with pytest.raises(ValueError, match="target"):
        tf.train.LooperThread(coord, 1, args=(1,))
