"""Several processes in one folder: trainers that save to the same names, evaluators that read while others delete."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats import checkpoint
from evergraph.formats.checkpoint_path import FoundCheckpoint

# Saves so many times; every tensor tells which trainer saved it, and which of its saves it was.
TRAINER = """
import sys
import numpy as np
import evergraph.tf1 as tf

folder, trainer, saves, keep, step = sys.argv[1], *map(int, sys.argv[2:])
small = tf.get_variable("small", initializer=np.zeros(2, np.int32))
large = tf.get_variable("large", initializer=np.zeros((50_000, 2), np.int32))
saver = tf.train.Saver(max_to_keep=keep)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for count in range(saves):
        small.load(np.array([trainer, count], np.int32), sess)
        large.load(np.tile(np.array([trainer, count], np.int32), (50_000, 1)), sess)
        saver.save(sess, folder + "/m", global_step=count if step else None)
"""


def trainer(folder: Path, number: int, saves: int, keep: int, step: bool) -> subprocess.Popen[str]:
    arguments = [str(folder), str(number), str(saves), str(keep), str(int(step))]
    return subprocess.Popen([sys.executable, "-c", TRAINER, *arguments], text=True)


def checked(path: Any) -> tuple[int, int]:
    """Whose save a checkpoint is; everything in it must be of that one."""
    with evergraph.open_checkpoint(path) as checkpoint:
        small, large = checkpoint["small"], checkpoint["large"]
    np.testing.assert_array_equal(large, np.tile(small, (50_000, 1)))
    return int(small[0]), int(small[1])


def test_two_trainers_save_to_one_name_and_a_reader_sees_whole_ones(tmp_path: Path) -> None:
    first = trainer(tmp_path, 0, 1, 5, step=False)
    assert first.wait() == 0
    trainers = [trainer(tmp_path, number, 15, 5, step=False) for number in (1, 2)]
    seen = set()
    while any(process.poll() is None for process in trainers):
        seen.add(checked(tmp_path / "m"))
    assert [process.returncode for process in trainers] == [0, 0]
    assert checked(tmp_path / "m")[1] == 14
    assert seen - {(0, 0)}
    # The .meta is of the same save as the rest: it restores.
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(str(tmp_path / "m.meta")).restore(sess, str(tmp_path / "m"))
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "m.data-00000-of-00001",
        "m.index",
        "m.meta",
    ]


def test_an_evaluator_reads_while_the_trainer_deletes(tmp_path: Path) -> None:
    first = trainer(tmp_path, 0, 1, 1, step=True)
    assert first.wait() == 0
    process = trainer(tmp_path, 1, 30, 1, step=True)
    seen = set()
    while process.poll() is None:
        seen.add(checked(tmp_path))
    assert process.returncode == 0
    assert checked(tmp_path) == (1, 29)
    assert seen
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "m-29.data-00000-of-00001",
        "m-29.index",
        "m-29.meta",
    ]


def test_trainers_delete_their_own_only(tmp_path: Path) -> None:
    """Each keeps two of its own; the state file names the last one that was saved."""
    assert trainer(tmp_path, 1, 7, 2, step=True).wait() == 0
    assert trainer(tmp_path, 2, 4, 2, step=True).wait() == 0
    indexes = sorted(name for name in os.listdir(tmp_path) if name.endswith(".index"))
    assert indexes == ["m-2.index", "m-3.index", "m-5.index", "m-6.index"]
    assert checked(tmp_path) == (2, 3)


def test_a_checkpoint_that_goes_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evergraph.save_checkpoint(tmp_path / "m-2", {"v": 2}, update_state=True)
    real = checkpoint.find_checkpoint
    answers = [FoundCheckpoint(str(tmp_path / "m-1"), 2)]
    monkeypatch.setattr(
        checkpoint, "find_checkpoint", lambda path: answers.pop() if answers else real(path)
    )
    with evergraph.open_checkpoint(tmp_path) as found:
        assert found["v"] == 2
    answers.append(FoundCheckpoint(str(tmp_path / "m-1"), 2))
    with pytest.raises(errors.NotFoundError):
        evergraph.open_checkpoint(tmp_path / "m-1")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_threads_train_while_their_variables_are_saved(tmp_path: Path, asynchronous: bool) -> None:
    sizes = (10, 10_000, 700_000)  # copied, gathered with others, and written piece by piece
    variables = [
        tf.get_variable(f"v{asynchronous}{i}", initializer=np.zeros(sizes[i % 3], np.float32))
        for i in range(12)
    ]
    updates = [v.assign_add(tf.ones_like(v)) for v in variables]
    saver = tf.train.Saver(variables, max_to_keep=None, durability="none")
    with tf.Session() as sess:
        sess.run(tf.variables_initializer(variables))
        done = threading.Event()

        def train() -> None:
            while not done.is_set():
                sess.run(updates)

        threads = [threading.Thread(target=train) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            paths = [
                saver.save(sess, str(tmp_path / "m"), step, asynchronous=asynchronous)
                for step in range(6)
            ]
            saver.wait()
        finally:
            done.set()
            for thread in threads:
                thread.join(timeout=60)
    for path in paths:
        with evergraph.open_checkpoint(path) as saved:
            for name in saved:  # each checksum fits, and no update is there in part
                assert saved[name].min() == saved[name].max()
