"""Queue runners: the nodes and messages that TensorFlow makes, and input that goes on in the other one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1
from evergraph.formats.graph_file import read_meta_graph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

_BUILD = """
def main(tf, np, path):
    with tf.Graph().as_default():
        with tf.variable_scope("input"):
            counter = tf.get_variable("counter", [], tf.int64, initializer=tf.zeros_initializer())
            queue = tf.FIFOQueue(4, tf.int64, shapes=[()])
            put = queue.enqueue(counter.count_up_to(25))
            runner = tf.train.QueueRunner(queue, [put, put])
        tf.train.add_queue_runner(runner)
        words = tf.RandomShuffleQueue(9, 2, tf.string, shapes=[()], seed=1, name="words")
        types = (tf.errors.OutOfRangeError, tf.errors.CancelledError)
        tf.train.queue_runner.add_queue_runner(
            tf.train.queue_runner.QueueRunner(
                words, [words.enqueue("a")], queue_closed_exception_types=types
            )
        )
        tf.identity(queue.dequeue(), name="number")
        words.dequeue(name="word")
        tf.train.export_meta_graph(path)
"""
_READ = """
def main(tf, np, path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(path)
        session.run(tf.global_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=session, coord=coord)
        found = []
        try:
            while not coord.should_stop():
                found.append(int(session.run("number:0")))
                assert session.run("word:0") == b"a"
        except tf.errors.OutOfRangeError as error:
            coord.request_stop(error)
        coord.join(threads, stop_grace_period_secs=20)
        return sorted(found), sorted(thread.name for thread in threads)
"""


def here(source: str, **arguments: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["main"](tf1, None, **arguments)


def test_same_messages(tf215: Oracle, tmp_path: Path) -> None:
    ours, theirs = str(tmp_path / "ours.meta"), str(tmp_path / "theirs.meta")
    here(_BUILD, path=ours)
    tf215.execute(_BUILD, path=theirs)
    one, other = read_meta_graph(ours), read_meta_graph(theirs)
    assert one.collection_def["queue_runners"] == other.collection_def["queue_runners"]
    assert [node.name for node in one.graph_def.node] == [n.name for n in other.graph_def.node]


@pytest.mark.parametrize("writer", ["evergraph", "tensorflow"])
def test_input_goes_on_in_the_other(oracle: Oracle, tmp_path: Path, writer: str) -> None:
    path = str(tmp_path / "input.meta")
    if writer == "evergraph":
        here(_BUILD, path=path)
        numbers, threads = oracle.execute(_READ, path=path)
    else:
        oracle.execute(_BUILD, path=path)
        numbers, threads = here(_READ, path=path)
    assert list(numbers) == list(range(25))
    assert list(threads) == [
        "QueueRunnerThread-input/fifo_queue-close_on_stop",
        "QueueRunnerThread-input/fifo_queue-input/fifo_queue_enqueue",
        "QueueRunnerThread-input/fifo_queue-input/fifo_queue_enqueue",
        "QueueRunnerThread-words-close_on_stop",
        "QueueRunnerThread-words-words_enqueue",
    ]
