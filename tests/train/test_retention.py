"""Which checkpoints stay: over several runs of a program, and the one that was restored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evergraph import tf1 as tf


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def run(folder: Path, steps: range, **options: Any) -> None:
    """One run of a program that goes on from the newest checkpoint and saves at each step."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable("v", initializer=1.0)
        saver = tf.train.Saver(max_to_keep=2, **options)
        newest = tf.train.latest_checkpoint(str(folder))
        if newest:
            saver.restore(sess, newest)
        else:
            sess.run(tf.global_variables_initializer())
        for step in steps:
            saver.save(sess, str(folder / "m"), step)


def left(folder: Path) -> list[str]:
    return sorted(name.removesuffix(".index") for name in os.listdir(folder) if ".index" in name)


def test_a_limit_over_several_runs(tmp_path: Path) -> None:
    for start in (0, 3, 6):
        run(tmp_path, range(start, start + 3), keep_across_restarts=True)
    # The last run went on from m-5: that one stays.
    assert left(tmp_path) == ["m-5", "m-8"]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [os.path.basename(path) for path in state.all_model_checkpoint_paths] == ["m-5", "m-8"]


def test_without_it_each_run_forgets_those_before(tmp_path: Path) -> None:
    for start in (0, 3):
        run(tmp_path, range(start, start + 3))
    assert left(tmp_path) == ["m-1", "m-2", "m-4", "m-5"]


def test_in_a_folder_that_was_moved(tmp_path: Path) -> None:
    run(tmp_path / "old", range(2))
    (tmp_path / "old").rename(tmp_path / "new")
    run(tmp_path / "new", range(2, 4), keep_across_restarts=True)
    assert left(tmp_path / "new") == ["m-1", "m-3"]


def test_the_restored_checkpoint_is_never_deleted(tmp_path: Path) -> None:
    tf.get_variable("v", initializer=1.0)
    saver = tf.train.Saver(max_to_keep=1)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = saver.save(sess, str(tmp_path / "m"), 1)
        saver.restore(sess, first)
        for step in (2, 3):
            saver.save(sess, str(tmp_path / "m"), step)
    assert left(tmp_path) == ["m-1", "m-3"]


@pytest.mark.parametrize(
    ("lower", "stay"), [(False, ["m-1", "m-3", "m-5"]), (True, ["m-2", "m-4", "m-5"])]
)
def test_the_best_stay_beside_the_newest(tmp_path: Path, lower: bool, stay: list[str]) -> None:
    tf.get_variable("v", initializer=1.0)
    saver = tf.train.Saver(max_to_keep=1, keep_best=2, lower_is_better=lower)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step, metric in enumerate([0.3, 0.9, 0.1, 0.7, 0.2, None]):
            saver.save(sess, str(tmp_path / "m"), step, metric=metric)
    assert left(tmp_path) == stay
    expected = ["m-2", "m-4"] if lower else ["m-1", "m-3"]
    assert [os.path.basename(path) for path in saver.best_checkpoints] == expected
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "m-5")


def test_a_metric_that_is_no_number_is_no_metric(tmp_path: Path) -> None:
    v = tf.get_variable("v", initializer=1.0)
    saver = tf.train.Saver(max_to_keep=1, keep_best=1)
    with tf.Session() as sess:
        sess.run(v.initializer)
        for step, metric in enumerate((0.9, float("nan"), 0.5)):
            saver.save(sess, str(tmp_path / "m"), step, metric=metric)
    assert [os.path.basename(path) for path in saver.best_checkpoints] == ["m-0"]
    assert left(tmp_path) == ["m-0", "m-2"]


def test_one_checkpoint_by_two_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    v = tf.get_variable("v", initializer=1.0)
    saver = tf.train.Saver(max_to_keep=1)
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, "runs/m", 5)
        saver.save(sess, "./runs/m", 5)
        assert left(tmp_path / "runs") == ["m-5"]
        saver.restore(sess, str(tmp_path / "runs/m-5"))
        saver.save(sess, "runs/m", 6)
        saver.save(sess, "runs/m", 7)
    assert left(tmp_path / "runs") == ["m-5", "m-7"]
