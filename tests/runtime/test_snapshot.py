"""Snapshots: what they hold stays, and what goes on beside them is as if they were not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.pinned_array import PinnedArray, SpareArrays
from evergraph.ops.resources import AssignVariableOp, ReadVariableOp, VarHandleOp
from evergraph.ops.state import Assign, VariableV2
from evergraph.runtime.snapshot import Snapshot, VariableTensors


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def variable(kind: str, value: Any = (1.0, 2.0)) -> Any:
    return tf.get_variable("v", initializer=list(value), use_resource=kind == "resource")


def snapshot_of(sess: tf.Session, tensors: list[Any]) -> Snapshot:
    return Snapshot(sess.state, VariableTensors(tensors))


def elements(value: PinnedArray) -> Any:
    with value.steady() as array:
        return array.copy()


def saved_tensor(v: Any, kind: str) -> Any:
    return v.value() if kind == "resource" else v.op.outputs[0]


@pytest.mark.parametrize("kind", ["reference", "resource"])
@pytest.mark.parametrize(
    "update",
    [
        lambda v: v.assign([5.0, 6.0]),
        lambda v: v.assign_add([5.0, 6.0]),
        lambda v: tf.scatter_update(v, [1], [9.0]),
        lambda v: v[:1].assign([7.0]),
        lambda v: tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(v * v)),
    ],
)
def test_a_snapshot_stays_while_the_variable_changes(kind: str, update: Any) -> None:
    v = variable(kind)
    op = update(v)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tensor = saved_tensor(v, kind)
        snapshot = snapshot_of(sess, [tensor])
        held = snapshot.values[tensor]
        sess.run(op)
        np.testing.assert_array_equal(elements(held), [1, 2])
        changed = sess.run(v)
        assert changed.tolist() != [1, 2]
        sess.run(op)
        np.testing.assert_array_equal(elements(held), [1, 2])
        assert snapshot.release() == (8 if kind == "reference" else 0)
        assert not held.is_needed


def test_nothing_is_copied_that_is_not_written() -> None:
    v = variable("reference")
    w = tf.get_variable("w", initializer=[1.0])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        snapshot = snapshot_of(sess, [v.op.outputs[0], w.op.outputs[0]])
        buffer = cell(sess, "w").buffer
        sess.run(w.assign_add([1.0]))
        sess.run(v * 2)
        assert cell(sess, "w").buffer is buffer
        assert snapshot.values[v.op.outputs[0]].copied_bytes == 0
        assert snapshot.values[w.op.outputs[0]].copied_bytes == 4
        sess.run(w.assign_add([1.0]))
        assert snapshot.release() == 4


def cell(sess: Any, name: str) -> Any:
    return sess.state.find_resource("", name)


def test_what_aliases_a_variable_in_a_run_still_sees_its_update() -> None:
    v = variable("reference")
    alias = tf.identity(v._ref())
    with tf.control_dependencies([alias]):
        update = v.assign_add([1.0, 1.0])
    with tf.control_dependencies([update]):
        after = alias * 1.0
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        expected = sess.run(after) + 1.0
        snapshot = snapshot_of(sess, [v.op.outputs[0]])
        np.testing.assert_array_equal(sess.run(after), expected)
        snapshot.release()


def test_several_snapshots_of_one_buffer() -> None:
    v = variable("reference")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tensor = v.op.outputs[0]
        first, second = snapshot_of(sess, [tensor]), snapshot_of(sess, [tensor])
        first.release()
        sess.run(v.assign_add([1.0, 1.0]))
        third = snapshot_of(sess, [tensor])
        sess.run(v.assign_add([1.0, 1.0]))
        np.testing.assert_array_equal(elements(second.values[tensor]), [1, 2])
        np.testing.assert_array_equal(elements(third.values[tensor]), [2, 3])
        assert (first.release(), second.release(), third.release()) == (0, 8, 8)


def test_what_is_not_needed_any_more_is_not_copied() -> None:
    v = variable("reference")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tensor = v.op.outputs[0]
        snapshot = snapshot_of(sess, [tensor, tensor])  # saved under two names
        snapshot.values[tensor].release()
        assert snapshot.values[tensor].is_needed
        snapshot.values[tensor].release()
        sess.run(v.assign_add([1.0, 1.0]))
        assert snapshot.release() == 0


def test_no_memory_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    v = variable("reference")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        snapshot = snapshot_of(sess, [v.op.outputs[0]])

        def fail(self: SpareArrays, array: Any) -> Any:
            raise MemoryError

        update = v.assign_add([1.0, 1.0])
        with monkeypatch.context() as patch:
            patch.setattr(SpareArrays, "copy", fail)
            with pytest.raises((MemoryError, errors.ResourceExhaustedError)):
                sess.run(update)
        assert sess.run(v).tolist() == [1, 2]  # nothing was written
        sess.run(update)
        np.testing.assert_array_equal(elements(snapshot.values[v.op.outputs[0]]), [1, 2])
        assert snapshot.release() == 8


def test_a_snapshot_taken_while_another_thread_trains_is_of_one_moment() -> None:
    v = tf.get_variable("v", initializer=np.zeros(100_000, np.float32))
    update = v.assign_add(np.ones(100_000, np.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        stop = threading.Event()

        def train() -> None:
            while not stop.is_set():
                sess.run(update)

        trainer = threading.Thread(target=train)
        trainer.start()
        try:
            for _ in range(30):
                snapshot = snapshot_of(sess, [v.op.outputs[0]])
                held = snapshot.values[v.op.outputs[0]]
                before = elements(held)
                assert before.min() == before.max()
                np.testing.assert_array_equal(elements(held), before)
                snapshot.release()
        finally:
            stop.set()
            trainer.join()


def test_a_reference_and_a_resource_variable_of_one_name() -> None:
    with tf.Session() as sess:
        reference = VariableV2(shape=[1], dtype=tf.float32, shared_name="x")
        handle = VarHandleOp(dtype=tf.float32, shape=[1], shared_name="x")
        sess.run(Assign(reference, [3.0]))
        sess.run(AssignVariableOp(handle, [7.0]))
        read = ReadVariableOp(handle, dtype=tf.float32)
        snapshot = snapshot_of(sess, [reference, read])
        assert elements(snapshot.values[reference]).tolist() == [3]
        assert elements(snapshot.values[read]).tolist() == [7]
        snapshot.release()


def test_spare_memory_is_of_shapes_that_there_are() -> None:
    spares = SpareArrays()
    memory = np.zeros(100_000, np.float32)
    spares.give(memory)
    v = variable("reference")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        Snapshot(sess.state, VariableTensors([v.op.outputs[0]]), spares).release()
    assert not np.shares_memory(spares.copy(memory), memory)
