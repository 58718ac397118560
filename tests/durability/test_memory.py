"""No further copy of the model: memory at the peak, in a process of its own, as the system counts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MODEL_MB = 192

PROGRAM = """
import json, resource, sys
import numpy as np
import evergraph
import evergraph.tf1 as tf

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def grown(work):
    before = peak()
    kept = work()
    return peak() - before

folder, kind = sys.argv[1:]
value = np.random.default_rng(0).random((3 << 18, 16), np.float32)  # 48 MB
found = {}
if kind == "mapping":
    model = {f"v{i}": value + np.float32(i) for i in range(4)}
    found["save"] = grown(lambda: evergraph.save_checkpoint(folder + "/m", model))
    model.clear()
    found["open"] = grown(lambda: evergraph.open_checkpoint(folder + "/m").tensors)
else:
    start = tf.placeholder(tf.float32, value.shape)
    resource_variables = kind == "resource"
    for i in range(4):
        tf.get_variable(f"v{i}", initializer=start, use_resource=resource_variables)
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer(), {start: value})
        found["save"] = grown(lambda: saver.save(sess, folder + "/m"))
        found["restore"] = grown(lambda: saver.restore(sess, folder + "/m"))
    with tf.Session() as sess:
        found["restore_anew"] = grown(lambda: saver.restore(sess, folder + "/m"))
print(json.dumps(found))
"""


def growth(tmp_path: Path, kind: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), kind],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_mapping(tmp_path: Path) -> None:
    found = growth(tmp_path, "mapping")
    assert found["save"] < 0.15 * MODEL_MB
    assert found["open"] < 0.15 * MODEL_MB


def test_a_session_of_reference_variables(tmp_path: Path) -> None:
    found = growth(tmp_path, "reference")
    assert found["save"] < 0.15 * MODEL_MB
    # What is read is there beside what it replaces, never a third copy; in a new session, it is the only one.
    assert found["restore"] < 1.15 * MODEL_MB
    assert found["restore_anew"] < 1.15 * MODEL_MB


def test_a_session_of_resource_variables(tmp_path: Path) -> None:
    found = growth(tmp_path, "resource")
    assert found["save"] < 0.15 * MODEL_MB
    assert found["restore"] < 1.15 * MODEL_MB
    assert found["restore_anew"] < 1.15 * MODEL_MB
