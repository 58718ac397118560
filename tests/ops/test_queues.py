"""Queues: order, waiting, batches, closing, errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.graph.scopes import control_dependencies
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.queue_classes import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from evergraph.runtime.session import Session


@pytest.fixture
def session() -> Iterator[Any]:
    with Graph().as_default(), Session() as opened:
        yield opened


def in_thread(call: Any) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_order_and_size(session: Any) -> None:
    queue = FIFOQueue(10, [dtypes.float32, dtypes.string])
    for i in range(3):
        session.run(queue.enqueue([float(i), str(i)]))
    assert session.run(queue.size()) == 3
    taken = queue.dequeue()
    assert [session.run(taken) for _ in range(3)] == [[0.0, b"0"], [1.0, b"1"], [2.0, b"2"]]


def test_an_element_is_a_snapshot(session: Any) -> None:
    from evergraph.variables.variable import Variable

    variable = Variable([1.0, 2.0])
    session.run(variable.initializer)
    queue = FIFOQueue(10, dtypes.float32)
    session.run(queue.enqueue(variable))
    session.run(variable.assign([5.0, 6.0]))
    assert session.run(queue.dequeue()).tolist() == [1.0, 2.0]


def test_dequeue_waits_for_another_run(session: Any) -> None:
    queue = FIFOQueue(1, dtypes.int32, shapes=())
    taken, found = queue.dequeue_many(4), []
    thread = in_thread(lambda: found.append(session.run(taken)))
    for i in range(4):
        session.run(queue.enqueue(i))
    thread.join(10)
    assert found[0].tolist() == [0, 1, 2, 3]


def test_what_was_waiting_to_be_put_still_comes(session: Any) -> None:
    queue = FIFOQueue(2, dtypes.int32, shapes=())
    put = queue.enqueue_many([constant([1, 2, 3, 4])])
    thread = in_thread(lambda: session.run(put))
    while session.run(queue.size()) < 2:
        pass
    session.run(queue.close())
    assert session.run(queue.is_closed())
    assert session.run(queue.dequeue_many(3)).tolist() == [1, 2, 3]
    thread.join(10)
    with pytest.raises(errors.CancelledError, match="is closed"):
        session.run(queue.enqueue(5))
    with pytest.raises(errors.OutOfRangeError, match=r"requested 2, current size 1"):
        session.run(queue.dequeue_many(2))
    assert session.run(queue.dequeue_up_to(5)).tolist() == [4]
    with pytest.raises(errors.OutOfRangeError, match="insufficient elements"):
        session.run(queue.dequeue())


def test_cancelling_what_waits(session: Any) -> None:
    queue = FIFOQueue(1, dtypes.int32)
    session.run(queue.enqueue(1))
    put, caught = queue.enqueue(2), []

    def run() -> None:
        try:
            session.run(put)
        except errors.CancelledError as error:
            caught.append(error)

    thread = in_thread(run)
    session.run(queue.close(cancel_pending_enqueues=True))
    thread.join(10)
    assert caught


def test_a_closing_session_wakes_those_who_wait() -> None:
    with Graph().as_default():
        queue = FIFOQueue(1, dtypes.int32)
        taken, caught = queue.dequeue(), []
        session = Session()

        def run() -> None:
            try:
                session.run(taken)
            except errors.OpError as error:
                caught.append(error)

        thread = in_thread(run)
        session.close()
        thread.join(10)
    assert not thread.is_alive()


def test_dequeue_and_enqueue_in_one_run(session: Any) -> None:
    queue = FIFOQueue(1, dtypes.float32, shapes=())
    put = queue.enqueue(3.0)
    with control_dependencies([put]):
        taken = array.identity(queue.dequeue())
    assert session.run(taken) == 3.0


def test_padding(session: Any) -> None:
    queue = PaddingFIFOQueue(10, [dtypes.int32, dtypes.string], [(None, 2), (None,)])
    session.run(queue.enqueue([np.ones((1, 2)), ["a"]]))
    session.run(queue.enqueue([np.full((2, 2), 5), ["b", "c"]]))
    numbers, words = session.run(queue.dequeue_many(2))
    assert numbers.tolist() == [[[1, 1], [0, 0]], [[5, 5], [5, 5]]]
    assert words.tolist() == [[b"a", b""], [b"b", b"c"]]


def test_shuffling_keeps_some(session: Any) -> None:
    queue = RandomShuffleQueue(100, 4, dtypes.int32, shapes=(), seed=3)
    session.run(queue.enqueue_many([np.arange(10)]))
    first = session.run(queue.dequeue_many(6)).tolist()
    session.run(queue.close())
    rest = session.run(queue.dequeue_up_to(10)).tolist()
    assert len(rest) == 4
    assert sorted(first + rest) == list(range(10))
    assert first != sorted(first)


def test_names_and_shapes(session: Any) -> None:
    queue = FIFOQueue(3, [dtypes.float32] * 2, shapes=[(), (2,)], names=["a", "b"])
    session.run(queue.enqueue({"b": [1.0, 2.0], "a": 3.0}))
    taken = queue.dequeue_many(1)
    assert taken["b"].shape.as_list() == [1, 2]
    assert session.run(taken)["b"].tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="names"):
        queue.enqueue([1.0, [1.0, 2.0]])
    with pytest.raises(ValueError):
        queue.enqueue({"a": 3.0, "b": [1.0]})


def test_batches_need_shapes(session: Any) -> None:
    queue = FIFOQueue(3, dtypes.float32)
    with pytest.raises(errors.InvalidArgumentError, match="specified shapes"):
        session.run(queue.dequeue_many(1))
    with pytest.raises(ValueError, match="components"):
        queue.enqueue([1.0, 2.0])
