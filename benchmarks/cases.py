"""The measured programs. Each runs in a fresh process, once under each library.

    python cases.py evergraph save        prints one JSON object

import          seconds until `import` is done
build           microseconds for each op of a graph of 3,000 (add, mul, matmul, relu)
save, restore   seconds for 64 tensors, 256 MB together; best of 5
steps           steps a second of tutorial 1 (linear regression, gradient descent)
small_run       microseconds for `run` of one addition of two fed scalars

Standalone: standard library, NumPy and the library under test.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

MEGABYTES = 256
TENSORS = 64


def load(library: str) -> Any:
    """TensorFlow 1's names from one library or the other."""
    if library == "evergraph":
        import evergraph.tf1 as tf
    else:
        import tensorflow.compat.v1 as tf

        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.ERROR)
    return tf


def session(tf: Any) -> Any:
    return tf.Session(
        config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    )


def best(work: Callable[[], Any], times: int) -> float:
    """The shortest of several runs, in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def measure_import(library: str) -> dict[str, float]:
    start = time.perf_counter()
    tf = load(library)
    # Names are loaded when they are used: what counts is the time to the first result.
    with tf.Graph().as_default(), session(tf) as sess:
        sess.run(tf.constant(1.0) + 1.0)
    return {"seconds": time.perf_counter() - start}


def measure_build(library: str) -> dict[str, float]:
    tf = load(library)

    def build() -> None:
        with tf.Graph().as_default():
            x = w = tf.placeholder(tf.float32, [16, 16])
            for _ in range(750):
                x = tf.nn.relu(tf.matmul(tf.multiply(tf.add(x, w), w), w))

    return {"us_per_op": best(build, 3) / 3000 * 1e6}


def model(tf: Any) -> Any:
    import numpy as np

    # Random bytes: what a trained model looks like to a file system that compresses.
    rows = MEGABYTES * 1024 * 1024 // TENSORS // 4 // 1024
    value = np.random.RandomState(0).randint(0, 2**31, (rows, 1024)).astype(np.float32)
    start = tf.placeholder(tf.float32, value.shape)
    variables = [tf.get_variable(f"v{i}", initializer=start) for i in range(TENSORS)]
    return variables, start, value


def measure_save(library: str) -> dict[str, float]:
    return _save_restore(library)["save"]


def measure_restore(library: str) -> dict[str, float]:
    return _save_restore(library)["restore"]


def _save_restore(library: str) -> dict[str, dict[str, float]]:
    tf = load(library)
    folder = tempfile.mkdtemp(prefix="evergraph-bench-")
    prefix = os.path.join(folder, "model")
    try:
        with tf.Graph().as_default(), session(tf) as sess:
            _, start, value = model(tf)
            saver = tf.train.Saver()
            sess.run(tf.global_variables_initializer(), {start: value})
            before = _peak()
            save = best(lambda: saver.save(sess, prefix, write_meta_graph=False), 5)
            extra = _peak() - before
            restore = best(lambda: saver.restore(sess, prefix), 5)
        return {
            "save": {"seconds": save, "extra_mb": extra},
            "restore": {"seconds": restore},
        }
    finally:
        shutil.rmtree(folder)


def _peak() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_steps(library: str) -> dict[str, float]:
    import numpy as np

    tf = load(library)
    with tf.Graph().as_default(), session(tf) as sess:
        x = tf.placeholder(tf.float32, [None, 1])
        w = tf.Variable(tf.zeros([1]))
        b = tf.Variable(tf.zeros([1]))
        loss = tf.reduce_mean(tf.square(4 * x + 4 - (w * x + b)))
        train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
        sess.run(tf.global_variables_initializer())
        feed = {x: np.linspace(0, 1, 10, dtype=np.float32).reshape(10, 1)}

        def steps() -> None:
            for _ in range(1000):
                sess.run(train, feed)

        return {"per_second": 1000 / best(steps, 3)}


def measure_small_run(library: str) -> dict[str, float]:
    tf = load(library)
    with tf.Graph().as_default(), session(tf) as sess:
        a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
        total = a + b
        feed = {a: 1.0, b: 2.0}

        def runs() -> None:
            for _ in range(1000):
                sess.run(total, feed)

        return {"us": best(runs, 5) * 1e3}


def measure_raw() -> dict[str, float]:
    """The same bytes through `os.write` with fsync, and `readinto`: what no library can beat."""
    data = os.urandom(1 << 20) * MEGABYTES
    folder = tempfile.mkdtemp(prefix="evergraph-bench-")
    path = os.path.join(folder, "raw")

    def write() -> None:
        with open(path, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())

    into = bytearray(len(data))

    def read() -> None:
        with open(path, "rb", buffering=0) as file:
            view = memoryview(into)
            while view:
                view = view[file.readinto(view) or 0 :]

    try:
        return {"save": best(write, 5), "restore": best(read, 5)}
    finally:
        shutil.rmtree(folder)


CASES = {
    "import": measure_import,
    "build": measure_build,
    "save": measure_save,
    "restore": measure_restore,
    "steps": measure_steps,
    "small_run": measure_small_run,
}

if __name__ == "__main__":
    _, which, name = sys.argv
    print(json.dumps(measure_raw() if which == "raw" else CASES[name](which)))
