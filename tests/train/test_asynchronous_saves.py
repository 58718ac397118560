"""Saves that end while training goes on: the values are those of the call, and errors are not lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats import bundle_writer
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from evergraph.train.saveables import SaveableObject, SaveSpec


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


class Gate:
    """Holds every save before its first tensor is written, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        for kind in (bundle_writer.BundleWriter, TensorSliceWriter):
            monkeypatch.setattr(kind, "add", self._held(kind.add))

    def _held(self, real: Callable[..., None]) -> Callable[..., None]:
        def add(*args: Any, **named: Any) -> None:
            assert self._open.wait(30)
            real(*args, **named)

        return add

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def model() -> tuple[Any, Any, Any]:
    w = tf.get_variable("w", initializer=np.zeros(1000, np.float32))
    frozen = tf.get_variable("frozen", initializer=np.ones(1000, np.float32), trainable=False)
    r = tf.get_variable("r", initializer=np.zeros(1000, np.float32), use_resource=True)
    return tf.group(w.assign_add(tf.ones(1000)), r.assign_add(tf.ones(1000))), w, frozen


def pins(sess: Any, name: str) -> Any:
    return sess.state.find_resource("", name).pins


@pytest.mark.parametrize("options", [{}, {"sharded": True}, {"write_version": 1}])
def test_the_values_are_those_of_the_call(tmp_path: Path, gate: Gate, options: Any) -> None:
    train, _, _ = model()
    saver = tf.train.Saver(**options)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        path = saver.save(sess, str(tmp_path / "m"), 1, asynchronous=True)
        for _ in range(3):
            sess.run(train)
        assert not (tmp_path / "checkpoint").exists()
        gate.open()
        [report] = saver.wait()
        assert report.path == path == str(tmp_path / "m-1")
        with evergraph.open_checkpoint(path) as checkpoint:
            assert set(checkpoint["w"]) == set(checkpoint["r"]) == {1.0}
            assert set(checkpoint["frozen"]) == {1.0}
        assert tf.train.latest_checkpoint(str(tmp_path)) == path
        assert (tmp_path / "m-1.meta").exists()
        np.testing.assert_array_equal(sess.run("w:0"), np.full(1000, 4.0))


def test_the_same_files_as_at_once(tmp_path: Path) -> None:
    model()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        saver.save(sess, str(tmp_path / "a/m"))
        saver.save(sess, str(tmp_path / "b/m"), asynchronous=True)
        saver.wait()
    for path in (tmp_path / "a").iterdir():
        if path.name != "checkpoint":
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_only_what_is_written_meanwhile_is_copied(tmp_path: Path, gate: Gate) -> None:
    train, w, _ = model()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, str(tmp_path / "m"), asynchronous=True)
        sess.run(w * 2)
        for _ in range(3):
            sess.run(train)
        gate.open()
        [report] = saver.wait()
        assert report.copied_bytes == 4000  # w, once; a resource variable is not written in place
        assert 0 < report.call_seconds < report.seconds


def test_an_error_comes_with_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, str(tmp_path / "good"))

        def fail(*unused: Any) -> None:
            raise errors.StorageFullError(None, None, "No space left on device")

        for call in (saver.wait, lambda: saver.save(sess, str(tmp_path / "next"))):
            with monkeypatch.context() as patch:
                patch.setattr(bundle_writer.BundleWriter, "add", fail)
                saver.save(sess, str(tmp_path / "bad"), asynchronous=True)
                with pytest.raises(errors.ResourceExhaustedError, match="No space left"):
                    call()
            assert not (tmp_path / "bad.index").exists()
        saver.wait()
        saver.restore(sess, tf.train.latest_checkpoint(str(tmp_path)))


def test_what_is_not_initialized_is_told_at_once(tmp_path: Path) -> None:
    model()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized"):
            saver.save(sess, str(tmp_path / "m"), asynchronous=True)
        assert not any(pin.is_needed for name in ("w", "frozen") for pin in pins(sess, name))


def test_no_more_in_flight_than_asked_for(tmp_path: Path, gate: Gate) -> None:
    train, _, _ = model()
    saver = tf.train.Saver(most_in_flight=2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in (1, 2):
            saver.save(sess, str(tmp_path / "m"), step, asynchronous=True)
            sess.run(train)
        third = threading.Thread(
            target=saver.save, args=(sess, str(tmp_path / "m"), 3), kwargs={"asynchronous": True}
        )
        third.start()
        third.join(0.2)
        assert third.is_alive()
        gate.open()
        third.join()
        saver.wait()
        for step in (1, 2, 3):
            with evergraph.open_checkpoint(tmp_path / f"m-{step}") as checkpoint:
                assert set(checkpoint["w"]) == {min(step, 3) - 1.0}


def test_closing_the_session_waits(tmp_path: Path, gate: Gate) -> None:
    model()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, str(tmp_path / "m"), asynchronous=True)
        threading.Timer(0.1, gate.open).start()
    assert (tmp_path / "m.index").exists()
    saver.wait()


def test_computed_values_are_of_the_call_too(tmp_path: Path, gate: Gate) -> None:
    v = tf.get_variable("v", initializer=1.0)
    double = tf.identity(v * 2, name="double")

    class Doubled(SaveableObject):
        def __init__(self) -> None:
            super().__init__(double, [SaveSpec(double, "", "doubled")], "doubled")

        def restore(self, tensors: Any, shapes: Any) -> Any:
            return v.assign(tensors[0] / 2)

    saver = tf.train.Saver([Doubled()])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, str(tmp_path / "m"), asynchronous=True)
        sess.run(v.assign(5.0))
        gate.open()
        saver.wait()
        saver.restore(sess, str(tmp_path / "m"))
        assert sess.run(v) == 1.0


PROGRAM = """
import sys
import evergraph.tf1 as tf
v = tf.get_variable("v", initializer=tf.ones([200, 1000]))
saver = tf.train.Saver()
sess = tf.Session()
sess.run(tf.global_variables_initializer())
saver.save(sess, sys.argv[1], asynchronous=True)
"""


def test_a_program_that_ends_waits(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "m")], check=True)
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        assert set(checkpoint["v"].flat) == {1.0}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_frozen_trunk_is_written_once(tmp_path: Path, asynchronous: bool) -> None:
    frozen = tf.get_variable("frozen", initializer=np.ones(100_000, np.float32), trainable=False)
    head = tf.get_variable("head", initializer=np.zeros(10, np.float32))
    saver = tf.train.Saver(incremental=True, max_to_keep=1)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(4):
            saver.save(sess, str(tmp_path / "m"), step, asynchronous=asynchronous)
            sess.run(head.assign_add(np.ones(10, np.float32)))
        saver.wait()
        shards = sorted(path.name for path in tmp_path.glob("m-3.data*"))
        assert shards == ["m-3.data-00000-of-00002", "m-3.data-00001-of-00002"]
        assert (tmp_path / shards[1]).stat().st_size == 40
        saver.restore(sess, str(tmp_path / "m-3"))
        assert set(sess.run(head)) == {3.0}
        assert set(sess.run(frozen)) == {1.0}
        assert not any(pin.is_needed for name in ("frozen", "head") for pin in pins(sess, name))


def test_what_went_wrong_is_logged_and_keeps_no_later_save_from_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model()
    saver = tf.train.Saver()

    def fail(*unused: Any) -> None:
        raise errors.StorageFullError(None, None, "No space left on device")

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with monkeypatch.context() as patch:
            patch.setattr(bundle_writer.BundleWriter, "add", fail)
            saver.save(sess, str(tmp_path / "bad"), asynchronous=True)
            assert isinstance(saver._background._pending[0].exception(), errors.OpError)
        assert "could not be saved in the background: No space left" in caplog.text
        with pytest.raises(errors.ResourceExhaustedError, match="No space left"):
            saver.save(sess, str(tmp_path / "final"))
        assert evergraph.verify_checkpoint(tmp_path / "final").whole
        saver.save(sess, str(tmp_path / "final"))


def test_some_save_has_to_be_possible() -> None:
    model()
    with pytest.raises(ValueError, match="most_in_flight is 1 or more, not 0"):
        tf.train.Saver(most_in_flight=0)


@pytest.mark.parametrize("view", [tf.squeeze, lambda v: tf.identity_n([v])[0], tf.identity])
def test_training_waits_while_a_view_of_its_variable_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: Any
) -> None:
    v = tf.get_variable("v", initializer=np.zeros((1, 1000), np.float32))
    saved = view(v._ref())

    class View(SaveableObject):
        def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
            return tf.no_op()

    saver = tf.train.Saver([View(v, [SaveSpec(saved, "", "v")], "v")])
    seen: list[bool] = []
    add = bundle_writer.BundleWriter.add

    def watched(self: Any, name: str, value: Any, *rest: Any) -> None:
        def train() -> None:
            seen.append(cell.lock._lock.acquire(blocking=False))

        other = threading.Thread(target=train)
        other.start()
        other.join()
        add(self, name, value, *rest)

    with tf.Session() as sess:
        sess.run(v.initializer)
        cell = sess.state.find_resource("", "v")
        monkeypatch.setattr(bundle_writer.BundleWriter, "add", watched)
        saver.save(sess, str(tmp_path / "m"))
    assert seen == [False]


FORK = """
import os, sys
import evergraph.tf1 as tf

v = tf.get_variable("v", initializer=1.0)
saver = tf.train.Saver()
with tf.Session() as sess:
    sess.run(v.initializer)
    saver.save(sess, sys.argv[1] + "/parent", asynchronous=True)
    saver.wait()  # a fork takes a thread's locks along, and not the thread
    child = os.fork()
    if child == 0:
        saver.save(sess, sys.argv[1] + "/child", asynchronous=True)
        os._exit(len(saver.wait()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
"""


def test_a_forked_process_saves_by_itself(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], check=True, timeout=60)
    for name in ("parent", "child"):
        assert evergraph.verify_checkpoint(tmp_path / name).whole
