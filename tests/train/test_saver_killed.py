"""A process that dies while it saves: the state file always names a whole checkpoint with its graph."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Saves three times, keeping one; a child of it dies at the first call that changes the disk, the next
# at the second, until one comes through. The parent looks at what each of them has left.
PROGRAM = """
import os, signal, sys
import evergraph
import evergraph.tf1 as tf

top, version, sharded = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
with tf.device("/cpu:0"):
    a = tf.get_variable("a", initializer=[0.0] * 100)
with tf.device("/cpu:1"):
    b = tf.get_variable("b", initializer=0.0)
step = tf.group(tf.assign_add(a, tf.ones_like(a)), tf.assign_add(b, 1.0))
saver = tf.train.Saver(max_to_keep=1, write_version=version, sharded=sharded)
session = tf.Session()
session.run(tf.global_variables_initializer())

def dies_at(moment):
    count = 0
    def step(real):
        def counted(*args, **kwargs):
            nonlocal count
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return real(*args, **kwargs)
        return counted
    for name in ("write", "fsync", "replace", "rename", "remove", "unlink", "rmdir"):
        setattr(os, name, step(getattr(os, name)))

def check(folder):
    latest = tf.train.latest_checkpoint(folder) if os.path.isdir(folder) else None
    if latest is None:
        assert not os.path.exists(os.path.join(folder, "checkpoint"))
        return 0
    with evergraph.open_checkpoint(latest) as checkpoint:
        assert set(checkpoint["a"].tolist()) == {checkpoint["b"].item()}
        number = int(checkpoint["b"].item())
    prefix = os.path.join(folder, f"model-{number}")
    assert latest.startswith(prefix)
    with tf.Graph().as_default():
        tf.train.import_meta_graph(prefix + ".meta")
    return number

found = []
for moment in range(1000):
    folder = os.path.join(top, str(moment))
    child = os.fork()
    if child == 0:
        dies_at(moment)
        for number in (1, 2, 3):
            session.run(step)
            saver.save(session, os.path.join(folder, "model"), global_step=number)
        os._exit(7)
    status = os.waitpid(child, 0)[1]
    found.append(check(folder))
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 7, status
        break
assert found == sorted(found) and set(found) == {0, 1, 2, 3}, found
print(len(found))
"""


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sharded", [False, True])
def test_the_state_names_a_whole_checkpoint(tmp_path: Path, version: int, sharded: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(version), str(sharded)],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
