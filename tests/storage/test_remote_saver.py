"""All that a Saver can do besides saving and restoring, in remote stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import tf1 as tf
from evergraph.storage import gfile

V1 = tf.train.SaverDef.V1


@pytest.fixture
def session() -> Iterator[Any]:
    """A session with a large variable that stays, and a small one that does not."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable(np.arange(1 << 18, dtype=np.float32), name="stays")
        tf.Variable(0, name="step")
        session.run(tf.global_variables_initializer())
        yield session


def steps(saver: Any, session: Any, prefix: str, number: int, **options: Any) -> None:
    step = tf.global_variables()[1]
    for at in range(1, number + 1):
        session.run(step.assign(at))
        saver.save(session, prefix, global_step=at, **options)


def values(path: str) -> dict[str, Any]:
    with evergraph.open_checkpoint(path) as checkpoint:
        return {name: checkpoint[name].sum().item() for name in checkpoint}


SUM = float(np.arange(1 << 18, dtype=np.float32).sum())


def test_the_old_format(session: Any, remote: str) -> None:
    saver = tf.train.Saver(write_version=V1, max_to_keep=2)
    steps(saver, session, f"{remote}/m", 3)
    assert set(gfile.ListDirectory(remote)) == {
        "checkpoint", "m-2", "m-2.meta", "m-3", "m-3.meta"
    }  # fmt: skip
    assert tf.train.latest_checkpoint(remote) == f"{remote}/m-3"
    for path in (remote, f"{remote}/m-3"):
        assert values(path) == {"stays": SUM, "step": 3}
    session.run(tf.global_variables_initializer())
    saver.restore(session, f"{remote}/m-2")
    assert session.run("step:0") == 2


@pytest.mark.parametrize("sharded", [False, True])
def test_what_has_not_changed_is_written_again(session: Any, remote: str, sharded: bool) -> None:
    """No store has second names for a file: an incremental save falls back to a whole one."""
    saver = tf.train.Saver(incremental=True, max_to_keep=2, sharded=sharded)
    steps(saver, session, f"{remote}/m", 3)
    assert {name for name in gfile.ListDirectory(remote) if ".data-" in name} == {
        f"m-{step}.data-00000-of-00001" for step in (2, 3)
    }
    for step in (2, 3):
        assert gfile.Stat(f"{remote}/m-{step}.data-00000-of-00001").length == (4 << 18) + 4
        assert values(f"{remote}/m-{step}") == {"stays": SUM, "step": step}
    evergraph.save_checkpoint(
        f"{remote}/n", {"step": 7, "stays": np.ones(3)}, unchanged_from=f"{remote}/m-3"
    )
    assert values(f"{remote}/n") == {"step": 7, "stays": 3}


def test_saves_beside_the_training(session: Any, remote: str) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    steps(saver, session, f"{remote}/m", 4, asynchronous=True)
    took = saver.wait()
    assert took[-1].path == f"{remote}/m-4"
    assert tf.train.latest_checkpoint(remote) == f"{remote}/m-4"
    assert {name for name in gfile.ListDirectory(remote) if name.endswith(".index")} == {
        "m-3.index", "m-4.index"
    }  # fmt: skip
    for step in (3, 4):
        assert values(f"{remote}/m-{step}") == {"stays": SUM, "step": step}


def test_the_best_are_kept(session: Any, remote: str) -> None:
    saver = tf.train.Saver(max_to_keep=1, keep_best=1)
    for step, metric in enumerate((0.1, 0.9, 0.3, 0.2)):
        saver.save(session, f"{remote}/m", global_step=step, metric=metric)
    indexes = {name for name in gfile.ListDirectory(remote) if name.endswith(".index")}
    assert indexes == {"m-1.index", "m-3.index"}


def test_a_saver_that_goes_on_where_another_ended(session: Any, remote: str) -> None:
    steps(tf.train.Saver(), session, f"{remote}/m", 2)
    saver = tf.train.Saver(max_to_keep=2, keep_across_restarts=True)
    steps(saver, session, f"{remote}/m", 3)
    indexes = {name for name in gfile.ListDirectory(remote) if name.endswith(".index")}
    assert indexes == {"m-2.index", "m-3.index"}
    tf.train.remove_checkpoint(f"{remote}/m-2")
    assert not gfile.Glob(f"{remote}/m-2*")
    assert tf.train.checkpoint_exists(f"{remote}/m-3")


def test_the_newest_that_is_whole(session: Any, remote: str) -> None:
    steps(tf.train.Saver(), session, f"{remote}/m", 2)
    data = f"{remote}/m-2.data-00000-of-00001"
    damaged = bytearray(gfile.GFile(data, "rb").read())
    damaged[100] ^= 1
    with gfile.GFile(data, "wb") as file:
        file.write(bytes(damaged))
    assert tf.train.latest_checkpoint(remote) == f"{remote}/m-2"
    assert tf.train.latest_checkpoint(remote, valid=True) == f"{remote}/m-1"
